"""What the worker can be woken for with websites. Each may run twice, and only calls one thing."""

from __future__ import annotations

from celery import shared_task

from knowledge.crawl import checks, hosts, lease, run

MOST_AT_ONCE = 200


@shared_task
def crawl_website(website_id: int) -> None:
    wait = run.crawl(website_id)
    if wait is not None:
        crawl_website.apply_async((website_id,), countdown=wait)


@shared_task
def sweep_websites() -> None:
    for website_id in lease.abandoned(MOST_AT_ONCE):
        crawl_website.delay(website_id)


@shared_task
def check_due_websites() -> None:
    for website_id in checks.begin_due(MOST_AT_ONCE):
        crawl_website.delay(website_id)
    hosts.forget_old()
