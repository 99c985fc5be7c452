"""How much a client has in its knowledge bases, in the words of its plan's limits."""

from __future__ import annotations

from django.db.models import Count, Q, Sum

from accounts.models import Client
from knowledge.models import Source


def of(client: Client, *, without: Source | None = None) -> dict[str, int]:
    """Documents, pages of websites, and the bytes of all sources but `without`.

    Questions and answers have a limit of their own (knowledge/faqs.py), and count by their bytes.
    """
    sources = Source.objects.for_client(client)
    if without is not None:
        sources = sources.exclude(pk=without.pk)
    is_file, is_page = Q(kind=Source.Kind.FILE), Q(kind=Source.Kind.PAGE)
    sums = sources.aggregate(
        documents=Count("pk", filter=is_file),
        crawl_pages=Count("pk", filter=is_page),
        knowledge_bytes=Sum("bytes"),
    )
    return {name: value or 0 for name, value in sums.items()}
