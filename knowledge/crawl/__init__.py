"""Websites as sources: find their pages, take them, and look at them again and again.

lease   who works on a website now
hosts   what a server allows, and how fast
visit   one call: a page or a sitemap, as it is now
take    what a visit changes in our rows
run     a worker's slice of the work
"""
