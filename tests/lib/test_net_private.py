"""Every trick by which a client's address could reach what is not public, over real sockets.

The trap listens on every address of this machine; nobody may ever connect to it.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator, Sequence

import pytest

from chatbot_saas.lib.net.errors import Blocked, FetchError, Unreachable
from chatbot_saas.lib.net.fetch import Door
from chatbot_saas.lib.net.names import system_resolver
from tests.fakes.wire import WireServer, page, redirect


@pytest.fixture
def trap() -> Iterator[WireServer]:
    with WireServer(host="::") as server:
        yield server
        assert server.connections == 0
        assert server.requests == []


@pytest.fixture
def door(trap: WireServer) -> Door:
    """One that lets the trap's port pass: what stops a call must be the address."""
    return Door(ports=frozenset({80, 443, trap.port}))


def answering(*answers: Sequence[str]) -> tuple[Door, list[str]]:
    """A door whose resolver gives one answer after the other, and the names it was asked for."""
    asked = list[str]()

    def resolve(host: str) -> Sequence[str]:
        asked.append(host)
        return answers[min(len(asked), len(answers)) - 1]

    return Door(resolve=resolve, ports=frozenset(range(65_536))), asked


def test_the_trap_would_have_caught_these() -> None:
    """The C library takes all these for loopback: without our check the calls would arrive."""
    with WireServer(host="::") as server:
        for host in ("127.1", "2130706433", "0x7f000001", "017700000001", "0177.0.0.1", "0"):
            socket.create_connection((host, server.port), timeout=2).close()
        for host in ("::1", "::ffff:127.0.0.1"):
            socket.create_connection((host, server.port), timeout=2).close()


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "127.0.0.2",
        "2130706433",  # decimal
        "4294967296.",
        "017700000001",  # octal
        "0177.0.0.1",
        "0177.0000.0000.0001",
        "127.0.0.01",
        "0x7f000001",  # hexadecimal
        "0x7f.0.0.1",
        "0x7f.0x0.0x0.0x1",
        "0X7F.1",
        "127.1",  # short
        "127.0.1",
        "0",
        "0.0.0.0",
        "127.0.0.1.",
        "[::1]",
        "[::]",
        "[0:0:0:0:0:0:0:1]",
        "[::127.0.0.1]",
        "[::ffff:127.0.0.1]",  # mapped
        "[::ffff:7f00:1]",
        "[0:0:0:0:0:ffff:7f00:1]",
        "[64:ff9b::7f00:1]",  # NAT64
        "[2002:7f00:1::]",  # 6to4
        "[2001:0:7f00:1::]",  # Teredo
        "[fe80::1]",
        "localhost",
        "LOCALHOST",
        "localhost.",
        "localhost.localdomain.localhost",
        "127。0。0。1",  # dots of other scripts
        "127．0．0．1",
        "１２７.０.０.１",  # digits of other scripts
        "①②⑦.⓪.⓪.①",
        "ⓛⓞⓒⓐⓛⓗⓞⓢⓣ",
        "[::ffff:①27.0.0.1]",
        "169.254.169.254",
        "[fd00:ec2::254]",
        "metadata.google.internal",
    ],
)
def test_a_private_address_in_any_form_is_refused(trap: WireServer, door: Door, host: str) -> None:
    for scheme in ("http", "https"):
        with pytest.raises(Blocked):
            door.get(f"{scheme}://{host}:{trap.port}/")


@pytest.mark.parametrize(
    "start",
    ["user@", "user:word@", "shop.example@", "shop.example:80@", "shop.example%2F@", "%40@", "@"],
)
def test_a_user_name_hides_nothing(trap: WireServer, door: Door, start: str) -> None:
    for host in ("127.0.0.1", "shop.example"):
        with pytest.raises(Blocked):
            door.get(f"http://{start}{host}:{trap.port}/")


@pytest.mark.parametrize(
    "answer",
    [
        ["127.0.0.1"],
        ["::1"],
        ["10.0.0.8"],
        ["::ffff:127.0.0.1"],
        ["64:ff9b::7f00:1"],
        ["fe80::1%lo"],
        ["1.1.1.1", "127.0.0.1"],  # a good one first
        ["127.0.0.1", "1.1.1.1"],
        ["2606:4700:4700::1111", "::1"],
        ["1.1.1.1", "1.0.0.1", "8.8.8.8", "9.9.9.9", "127.0.0.1"],  # beyond those that we try
        ["not an address"],
    ],
)
def test_one_private_address_among_the_answers_is_enough(
    trap: WireServer, answer: list[str]
) -> None:
    door, asked = answering(answer)
    with pytest.raises(Blocked):
        door.get(f"http://shop.example:{trap.port}/")
    assert asked == ["shop.example"]


def test_a_name_without_addresses_is_unreachable(trap: WireServer) -> None:
    with pytest.raises(Unreachable):
        answering([])[0].get(f"http://shop.example:{trap.port}/")


def test_a_name_that_changes_its_answer_is_asked_once(settings) -> None:
    """The first answer may be connected to; the second, which would be the trap's, never comes."""
    with (
        WireServer(lambda _: [page("the checked one")], host="127.0.0.2") as checked,
        WireServer(lambda _: [page("the trap")], host="127.0.0.1", port=checked.port) as trap,
    ):
        settings.FETCH_ALLOWED_PRIVATE = {"shop.example": ("127.0.0.2", checked.port)}
        door, asked = answering(["127.0.0.2"], ["127.0.0.1"])
        assert door.get("http://shop.example/").body == b"the checked one"
        assert asked == ["shop.example"]
        assert (checked.connections, trap.connections) == (1, 0)
        # It is asked anew for the next call, and then checked anew.
        with pytest.raises(Blocked):
            door.get("http://shop.example/")
        assert (checked.connections, trap.connections) == (1, 0)


def test_a_changed_answer_is_checked_again_after_a_redirect(settings) -> None:
    with (
        WireServer(lambda _: [redirect("/again")], host="127.0.0.2") as checked,
        WireServer(host="127.0.0.1", port=checked.port) as trap,
    ):
        settings.FETCH_ALLOWED_PRIVATE = {"shop.example": ("127.0.0.2", checked.port)}
        door, asked = answering(["127.0.0.2"], ["127.0.0.1"])
        with pytest.raises(Blocked):
            door.get("http://shop.example/")
        assert asked == ["shop.example", "shop.example"]
        assert trap.connections == 0


@pytest.mark.parametrize(
    "location",
    [
        "http://127.0.0.1:{port}/",
        "http://127.1:{port}/",
        "//127.0.0.1:{port}/",
        "http://[::1]:{port}/",
        "http://2130706433:{port}/",
        "http://localhost:{port}/",
        "http://private.example:{port}/",
        "https://private.example:{port}/",
        "http://shop.example@127.0.0.1:{port}/",
        "http://169.254.169.254/latest/meta-data/",
        "file:///etc/passwd",
        "ftp://127.0.0.1:{port}/",
        "gopher://127.0.0.1:{port}/_x",
        "javascript:alert(1)",
        "http://[",
        "\\\\127.0.0.1:{port}\\",
    ],
)
@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "303 Other", "307 T", "308 P"])
def test_a_redirect_leads_nowhere_private(
    settings, trap: WireServer, location: str, status: str
) -> None:
    to = redirect(location.format(port=trap.port), status)
    with WireServer(lambda _: [to], host="127.0.0.2") as site:
        settings.FETCH_ALLOWED_PRIVATE = {"shop.example": ("127.0.0.2", site.port)}
        answers = {"shop.example": ["127.0.0.2"], "private.example": ["127.0.0.1"]}
        door = Door(resolve=answers.__getitem__, ports=frozenset({80, 443, trap.port}))
        with pytest.raises(Blocked):
            door.get("http://shop.example/")
        assert len(site.requests) == 1


def test_a_name_stands_for_one_place_and_no_other(settings, trap: WireServer) -> None:
    """The tests' own setting opens nothing but the pair that it names."""
    with WireServer(host="127.0.0.2") as site:
        settings.FETCH_ALLOWED_PRIVATE = {"*.test": ("127.0.0.2", site.port)}
        door = Door(ports=frozenset({80, trap.port}))
        assert door.get("http://shop.test/").status == 200
        for url in (
            f"http://127.0.0.2:{trap.port}/",
            f"http://127.0.0.1:{trap.port}/",
            f"http://test:{trap.port}/",
            f"http://localhost.test.localhost:{trap.port}/",
        ):
            with pytest.raises(Blocked):
                door.get(url)


def test_without_that_setting_nothing_on_this_machine_is_reached(settings) -> None:
    assert not settings.FETCH_ALLOWED_PRIVATE
    with WireServer() as site:
        door = Door(resolve=lambda _: ["127.0.0.1"], ports=frozenset({site.port}))
        with pytest.raises(Blocked):
            door.get(f"http://shop.example:{site.port}/")
        assert site.connections == 0


@pytest.mark.parametrize("name", ["http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY"])
def test_a_proxy_of_the_environment_is_not_asked(
    settings, monkeypatch: pytest.MonkeyPatch, trap: WireServer, name: str
) -> None:
    monkeypatch.setenv(name, f"http://127.0.0.1:{trap.port}")
    with WireServer() as site:
        settings.FETCH_ALLOWED_PRIVATE = {"shop.test": ("127.0.0.1", site.port)}
        assert Door().get("http://shop.test/").status == 200


def test_the_machines_own_names_are_checked_too(trap: WireServer) -> None:
    """Whatever /etc/hosts says: this machine's name leads to this machine."""
    own = socket.gethostname()
    door = Door(resolve=lambda _: system_resolver(own), ports=frozenset({trap.port}))
    with pytest.raises(FetchError):
        door.get(f"http://shop.example:{trap.port}/")


def test_a_webhook_is_refused_alike(trap: WireServer, door: Door) -> None:
    with pytest.raises(Blocked):
        door.post(f"http://127.0.0.1:{trap.port}/", b"{}")
