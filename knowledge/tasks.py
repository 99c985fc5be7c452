"""What the worker can be woken for. Each takes an id, may run twice, and only calls one thing."""

from __future__ import annotations

from celery import shared_task

from knowledge import healing, index, sweep, unpack
from knowledge.models import KnowledgeBase, Source
from knowledge.vectors import VectorsDown


@shared_task
def ingest_source(source_id: int) -> None:
    for found in unpack.ingest_or_unpack(source_id):
        ingest_source.delay(found)


@shared_task
def index_source(source_id: int) -> None:
    source = Source.objects.select_related("knowledge_base").filter(pk=source_id).first()
    if source is not None:
        sweep.index(source)


@shared_task(autoretry_for=(VectorsDown,), retry_backoff=10, max_retries=8)
def rebuild_index_of(base_id: int) -> None:
    base = KnowledgeBase.objects.filter(pk=base_id).first()
    if base is not None:
        index.rebuild(base)


@shared_task
def heal_doubted() -> None:
    healing.heal_some()


@shared_task
def check_all_indexes() -> None:
    """Every night: what is damaged without anybody having seen it happen."""
    healing.doubt(KnowledgeBase.objects.all())


@shared_task(name="knowledge.tasks.sweep")
def sweep_sources() -> None:
    healing.look_at_servers()
    if healing.doubted().exists():
        heal_doubted.delay()
    for source_id in sweep.abandoned():
        ingest_source.delay(source_id)
    for source_id in sweep.unindexed():
        index_source.delay(source_id)
