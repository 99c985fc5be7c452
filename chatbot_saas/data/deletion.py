"""Delete a client for good: rows, files, vectors.

Every step may be interrupted and done again. The client's row goes last: while it is there, the
next run of the task goes on.
"""

from __future__ import annotations

import logging
from datetime import timedelta

from django.conf import settings
from django.core.files.storage import default_storage
from django.db import transaction
from django.db.models import CompositePrimaryKey, Model
from django.utils import timezone

from accounts import audit
from accounts.audit import Action
from accounts.models import ApiKey, Client, Export, Membership, OutboxEmail
from accounts.models.exports import ExportQuerySet
from billing import leaving
from billing.models import BillingState
from billing.stripe_api import Refused, StripeUnavailable
from chatbot_saas.data import export
from chatbot_saas.data.belongings import belongings
from chatbot_saas.lib.storage import StorageDown, listed, parted_uploads
from knowledge import arrivals, left_behind
from knowledge.models import (
    DirectUpload,
    KnowledgeBase,
    LeftCollection,
    Reembedding,
    ReembeddingQuerySet,
    Source,
    SourceQuerySet,
    Website,
    WebsiteQuerySet,
)
from knowledge.vectors import VectorsDown, vectors

logger = logging.getLogger(__name__)

BATCH = 200
# Rows by whose names something outside of the database is deleted first.
_NAMES = frozenset({KnowledgeBase, LeftCollection, Reembedding, BillingState})


def due() -> list[int]:
    """The clients whose time is over."""
    clients = Client.objects.due_for_deletion(timezone.now()).order_by("deletion_due_at")
    return list(clients.values_list("pk", flat=True))


def delete_if_due(client_id: int) -> bool:
    """Look again under a lock, for somebody may have kept it in the last moment, and delete it."""
    with transaction.atomic():
        still_due = Client.objects.select_for_update().due_for_deletion(timezone.now())
        client = still_due.filter(pk=client_id).first()
    return client is not None and delete_for_good(client)


def delete_for_good(client: Client) -> bool:
    """Delete everything of a client; False when something must be tried again later."""
    _shut_out(client)
    try:
        leaving.end_everything(client)
    except (StripeUnavailable, Refused):
        logger.warning("client %s is deleted once Stripe answers", client.public_id)
        return False
    if _is_somebody_at_work(client):
        logger.info("client %s is deleted once its workers have stopped", client.public_id)
        return False
    try:
        _delete_rows(client)
        for base in KnowledgeBase.objects.for_client(client):
            for collection in Reembedding.objects.collections(base):
                vectors(base.shard).drop(collection)
            left_behind.drop_of(base)
        _delete_stored(client)
    except (VectorsDown, StorageDown) as error:
        logger.warning("client %s is deleted later: %s", client.public_id, error)
        return False
    _delete_client(client)
    return True


def _shut_out(client: Client) -> None:
    """Nobody comes in any more: neither people nor programs."""
    Membership.objects.for_client(client).delete()
    ApiKey.objects.for_client(client).delete()


def _is_somebody_at_work(client: Client) -> bool:
    """Take all jobs away, and tell whether a worker may still be busy with one.

    A worker notices with its next heartbeat, so after the length of a lease all is quiet.
    """
    now = timezone.now()
    jobs: tuple[SourceQuerySet | WebsiteQuerySet | ReembeddingQuerySet | ExportQuerySet, ...] = (
        Website.objects.for_client(client),
        Source.objects.for_client(client),
        Reembedding.objects.for_client(client),
        Export.objects.for_client(client),
    )
    for of_client in jobs:
        of_client.unfinished().exclude(lease="").update(heartbeat_at=now)
        of_client.unfinished().update(state="failed", lease="")
    lately = now - timedelta(seconds=settings.INGEST_LEASE_SECONDS)
    return any(
        of_client.filter(state="failed", heartbeat_at__gt=lately).exists() for of_client in jobs
    )


def _delete_rows(client: Client) -> None:
    """All rows but the client's own, its knowledge bases', their changes of model and what they
    left behind, whose names the index needs, and its billing's, which names the customer."""
    for of_client in Export.objects.for_client(client).select_related("client"):
        export.discard(of_client)
    for upload in DirectUpload.objects.for_client(client).open():
        arrivals.abandon(upload)
    for model, way in belongings():
        if model not in _NAMES and not isinstance(model._meta.pk, CompositePrimaryKey):
            # Rows of a composite key go with the rows that they index.
            _delete_in_batches(model, way, client)


def _delete_in_batches(model: type[Model], way: str, client: Client) -> None:
    rows = model._default_manager.filter(**{way: client}).order_by()
    while ids := list(rows.values_list("pk", flat=True)[:BATCH]):
        model._default_manager.filter(pk__in=ids).delete()


def _delete_stored(client: Client) -> None:
    """Its files, and whatever was begun and never became one."""
    if (uploads := parted_uploads()) is not None:
        uploads.abort_all(f"{client.public_id}/")
    _delete_files(client.public_id)


def _delete_files(folder: str) -> None:
    """Delete a folder of the storage with all that lies in it."""
    folders, files = listed(folder)
    for name in files:
        default_storage.delete(f"{folder}/{name}")
    for name in folders:
        _delete_files(f"{folder}/{name}")
    default_storage.delete(folder)


@transaction.atomic
def _delete_client(client: Client) -> None:
    """The last rows, in one step with the only note that remains."""
    # Those written before mails named their client.
    OutboxEmail.objects.filter(dedupe_key__contains=client.public_id).delete()
    leaving.forget(client)
    _, counts = Client.objects.filter(pk=client.pk).delete()
    if counts.get(Client._meta.label):
        audit.record_by_system(None, Action.CLIENT_DELETED, client.public_id)
