"""What the worker can be woken for. Each may run twice, and only calls one thing."""

from __future__ import annotations

from celery import shared_task

from knowledge import (
    arrivals,
    discard,
    healing,
    index,
    left_behind,
    local_copy,
    orphans,
    publishing,
    reembed,
    removal,
    sweep,
    turns,
)
from knowledge.models import KnowledgeBase, Reembedding, Source
from knowledge.vectors import VectorsDown


@shared_task
def ingest_next() -> None:
    """Which sources it is for is decided when a worker is free."""
    if turns.take_some(wake=ingest_next.delay):
        ingest_next.delay()


@shared_task
def remove_source(source_id: int) -> None:
    gone = Source.objects.filter(pk=source_id, state=Source.State.GONE)
    if (source := gone.select_related("knowledge_base").first()) is not None:
        removal.remove(source)


@shared_task
def take_upload(upload_id: int) -> None:
    if arrivals.take(upload_id) is not None:
        ingest_next.delay()


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
def reembed_base(reembedding_id: int, turn: int | None = None) -> None:
    is_over = turns.Slice().is_over
    if (following := reembed.reembed(reembedding_id, turn=turn, is_over=is_over)) is not None:
        reembed_base.delay(reembedding_id, following)


@shared_task(autoretry_for=(VectorsDown,), retry_backoff=10, max_retries=3)
def clear_reembedding(reembedding_id: int) -> None:
    ended = Reembedding.objects.select_related("knowledge_base").filter(pk=reembedding_id).first()
    if ended is not None and not ended.is_working:
        reembed.clear(ended)


@shared_task
def heal_doubted() -> None:
    healing.heal_some()


@shared_task
def check_all_indexes() -> None:
    """Every night: what is damaged without anybody having seen it happen."""
    healing.doubt(KnowledgeBase.objects.all())


@shared_task
def sweep_orphans() -> None:
    orphans.sweep()
    publishing.clear_leftovers()


@shared_task(name="knowledge.tasks.sweep")
def sweep_sources() -> None:
    healing.look_at_servers()
    if healing.doubted().exists():
        heal_doubted.delay()
    for change_id, turn in sweep.abandoned_changes():
        reembed_base.delay(change_id, turn)
    for change_id in sweep.uncleared_changes():
        clear_reembedding.delay(change_id)
    for _ in range(turns.to_wake()):
        ingest_next.delay()
    for source_id in sweep.gone():
        remove_source.delay(source_id)
    for source_id in sweep.unindexed():
        index_source.delay(source_id)
    for upload_id in arrivals.sweep():
        take_upload.delay(upload_id)
    left_behind.sweep()
    local_copy.sweep()
    discard.sweep()
