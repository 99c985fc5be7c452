"""Wake a worker for a source, with one message for many that come at once.

Whoever takes up a source wakes another worker if more wait (turns.take_some). So the message for
one that was queued a moment before, and waits still, brings somebody to this one as well.
"""

from __future__ import annotations

from datetime import timedelta

from chatbot_saas.lib.after_commit import after_commit
from knowledge import tasks
from knowledge.models import Source

MOMENT = timedelta(seconds=1)  # a message that was lost is relied upon no longer


def wake_for(source: Source) -> None:
    """After the transaction."""
    after_commit(_wake, source)


def _wake(source: Source) -> None:
    # Only those before it, else two that come at once would each rely on the other.
    if not Source.objects.queued_before(source, within=MOMENT).exists():
        tasks.ingest_next.delay()
