"""From a name to the places that may be connected to: asked once, every answer checked."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from queue import Empty, SimpleQueue

from django.conf import settings

from chatbot_saas.lib.net.errors import TooSlow, Unreachable
from chatbot_saas.lib.net.guard import checked

MOST_TRIED = 4


@dataclass(frozen=True, slots=True)
class Place:
    """What a socket is connected to: an address in numbers, and a port."""

    address: str
    port: int


# The addresses of a name, in numbers. Raises OSError.
Resolver = Callable[[str], Sequence[str]]


def places(host: str, port: int, resolve: Resolver, *, seconds: float) -> list[Place]:
    """Where `host` may be connected to; asks `resolve` at most once.

    One private address among its answers is enough to refuse the name: whoever mixes them wants
    to see which one we take. Raises Blocked, Unreachable or TooSlow.
    """
    known = _stand_in(host)
    if _is_number(host):
        found: Sequence[str] = [host]
    elif known and resolve is system_resolver:
        found = [known.address]
    else:
        found = _in_time(resolve, host, seconds)
    made = [known if known and one == known.address else _checked(one, port) for one in found]
    if not made:
        raise Unreachable(f"There is no website of the name “{host}”.")
    return made[:MOST_TRIED]


def system_resolver(host: str) -> Sequence[str]:
    """What the machine's resolver knows, each address once."""
    answers = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(answer[4][0]) for answer in answers))


def _checked(address: str, port: int) -> Place:
    return Place(str(checked(address)), port)


def _is_number(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _stand_in(host: str) -> Place | None:
    """The place on this machine that tests let a name stand for; see FETCH_ALLOWED_PRIVATE."""
    allowed: Mapping[str, tuple[str, int]] = settings.FETCH_ALLOWED_PRIVATE
    for name, place in allowed.items():
        if host == name or (name.startswith("*.") and host.endswith(name[1:])):
            return Place(*place)
    return None


def _in_time(resolve: Resolver, host: str, seconds: float) -> Sequence[str]:
    """The answer of `resolve`, which knows no time limit of its own."""
    answers: SimpleQueue[Sequence[str] | Exception] = SimpleQueue()

    def ask() -> None:
        try:
            answers.put(resolve(host))
        except (OSError, UnicodeError) as error:
            answers.put(error)

    threading.Thread(target=ask, name="resolve", daemon=True).start()
    try:
        answer = answers.get(timeout=max(seconds, 0.001))
    except Empty as error:
        raise TooSlow(f"Looking up “{host}” took too long.") from error
    if isinstance(answer, Exception):
        raise Unreachable(f"There is no website of the name “{host}”.") from answer
    return answer
