"""One worker for each row: it holds the lease as long as it beats, and writes only meanwhile."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.conf import settings
from django.db.models import F
from django.utils import timezone

from accounts.models import Client, Export
from chatbot_saas.lib import lease
from chatbot_saas.lib.lease import LeaseLost

pytestmark = pytest.mark.django_db


@pytest.fixture
def job() -> Export:
    """Any model with a lease will do."""
    return Export.objects.create(client=Client.objects.create(name="Acme"))


def claimed(job: Export) -> Export | None:
    taken = lease.claim(Export.objects.filter(pk=job.pk), attempts=F("attempts") + 1)
    return Export.objects.get(pk=job.pk, lease=taken) if taken else None


def grow_old(job: Export) -> None:
    long_ago = timezone.now() - timedelta(seconds=settings.INGEST_LEASE_SECONDS + 1)
    Export.objects.filter(pk=job.pk).update(heartbeat_at=long_ago)


def test_of_two_workers_one_gets_the_row(job: Export) -> None:
    first = claimed(job)
    assert first is not None
    assert first.attempts == 1
    assert claimed(job) is None


def test_a_row_that_is_not_wanted_is_not_taken(job: Export) -> None:
    assert lease.claim(Export.objects.filter(pk=job.pk, state="failed")) == ""


def test_who_no_longer_beats_is_overtaken_and_writes_nothing_more(job: Export) -> None:
    first = claimed(job)
    assert first is not None
    grow_old(job)
    second = claimed(job)
    assert second is not None
    with pytest.raises(LeaseLost):
        lease.renew(first, error="first")
    lease.renew(second, error="second")
    assert second.error == "second"
    job.refresh_from_db()
    assert (job.error, job.attempts) == ("second", 2)


def test_who_beats_is_not_overtaken(job: Export) -> None:
    first = claimed(job)
    assert first is not None
    grow_old(job)
    lease.renew(first)
    assert claimed(job) is None


def test_who_gave_the_row_back_holds_it_no_more(job: Export) -> None:
    first = claimed(job)
    assert first is not None
    lease.renew(first, lease="")
    with pytest.raises(LeaseLost):
        lease.renew(first)
    assert claimed(job) is not None


def test_what_waits_in_a_long_queue_is_asked_for_once_in_a_while(job: Export) -> None:
    grow_old(job)
    assert lease.abandoned(Export.objects.abandoned(lease.stale_since()), 9) == [job.pk]
    assert lease.abandoned(Export.objects.abandoned(lease.stale_since()), 9) == []


def test_what_a_killed_worker_left_is_asked_for_until_somebody_takes_it(job: Export) -> None:
    claimed(job)
    grow_old(job)
    for _ in range(2):
        assert lease.abandoned(Export.objects.abandoned(lease.stale_since()), 9) == [job.pk]
