"""What was said in a conversation so far, without what its sources no longer say."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import Literal

from chat.engine.prompt import HISTORY_MESSAGES, Said
from chat.models import Citation, Conversation, Message
from knowledge.models import Source

# Stands for an answer that was made from a text which is gone: its words would bring it back.
WITHDRAWN = "(This answer was withdrawn: the text that it was made from is no longer there.)"


@dataclass(frozen=True, slots=True)
class History:
    """`drawn_from` are the sources, with their versions, of the answers in it."""

    said: Sequence[Said] = ()
    drawn_from: Mapping[str, int] = field(default_factory=dict)


def history_of(conversation: Conversation) -> History:
    """The latest messages. An answer is withdrawn once a source that it was made from was deleted
    or has a new version, whether or not it cites it."""
    done = conversation.messages.filter(state=Message.State.DONE).order_by("-pk")
    latest = list(reversed(done[:HISTORY_MESSAGES]))
    live = _live_versions(conversation, {name for one in latest for name in one.drawn_from})
    said = [
        Said(_role(one), one.text if _is_live(one.drawn_from, live) else WITHDRAWN)
        for one in latest
    ]
    kept = [one.drawn_from for one in latest if _is_live(one.drawn_from, live)]
    return History(said, {name: version for one in kept for name, version in one.items()})


def mark_gone(conversation: Conversation, messages: Iterable[Message]) -> list[Message]:
    """These messages; of their citations those are marked whose text answers use no more."""
    shown = list(messages)
    cited = {one.source_id for message in shown for one in message.citations.all()}
    live = _live_versions(conversation, cited)
    for message in shown:
        for one in message.citations.all():
            one.is_gone = not _still_says(message, one, live)
    return shown


def _still_says(message: Message, cited: Citation, live: Mapping[str, int]) -> bool:
    version = live.get(cited.source_id)
    return version is not None and message.drawn_from.get(cited.source_id, version) == version


def _live_versions(conversation: Conversation, names: Set[str]) -> Mapping[str, int]:
    """Of these sources those that answers may use now, with their versions."""
    own = Source.objects.filter(knowledge_base=conversation.bot.knowledge_base_id)
    return own.live_versions(names) if names else {}


def _is_live(drawn_from: Mapping[str, int], live: Mapping[str, int]) -> bool:
    return all(live.get(name) == version for name, version in drawn_from.items())


def _role(message: Message) -> Literal["visitor", "bot"]:
    return "visitor" if message.role == Message.Role.VISITOR else "bot"
