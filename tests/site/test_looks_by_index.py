"""What the clock looks for every half minute is found by an index, however much else there is.

SQLite's own words are read: it is given names of states apart from the question, and then leaves
an index of some states alone aside.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.db.models import QuerySet
from django.utils import timezone

from accounts.models import OutboxEmail
from chat.models import Message
from knowledge.models import DirectUpload, Source, Website

NOW = timezone.now()
LOOKS: dict[str, Callable[[], QuerySet]] = {
    "sources to be taken up": lambda: Source.objects.takeable(NOW),
    "sources in work": lambda: Source.objects.in_work(NOW),
    "abandoned sources": lambda: Source.objects.abandoned(NOW),
    "deleted sources": lambda: Source.objects.filter(state="gone", heartbeat_at__lt=NOW),
    "abandoned websites": lambda: Website.objects.abandoned(NOW),
    "due websites": lambda: Website.objects.due(NOW),
    "overdue uploads": lambda: DirectUpload.objects.overdue(NOW),
    "old uploads": lambda: DirectUpload.objects.over().filter(heartbeat_at__lt=NOW),
    "unchecked uploads": lambda: DirectUpload.objects.unchecked(NOW),
    "abandoned answers": lambda: Message.objects.abandoned(NOW),
    "waiting mails": lambda: OutboxEmail.objects.waiting(NOW),
}


@pytest.mark.parametrize("look", LOOKS)
def test_a_look_goes_through_no_whole_table(look: str, db: None) -> None:
    assert "SCAN" not in LOOKS[look]().explain()
