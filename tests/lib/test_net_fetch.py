"""What other people's servers may do to a call: no more than cost it its limits."""

from __future__ import annotations

import gzip
import ssl
import time
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from chatbot_saas.lib.net.content import Limits
from chatbot_saas.lib.net.errors import (
    Blocked,
    Refused,
    TooLarge,
    TooSlow,
    Unreachable,
    WrongType,
)
from chatbot_saas.lib.net.fetch import Door
from chatbot_saas.lib.net.inflate import PIECE, inflated
from tests.fakes.wire import Script, WireServer, page, redirect

URL = "http://shop.test/"
SMALL = Limits(seconds=5, bytes=10_000)
HURRIED = Limits(seconds=0.6)


@pytest.fixture
def site(settings) -> Iterator[WireServer]:
    with WireServer() as server:
        settings.FETCH_ALLOWED_PRIVATE = {"*.test": ("127.0.0.1", server.port)}
        yield server


def says(site: WireServer, *answers: bytes) -> None:
    """Answer the first request with the first of these, and so on; the last one stays."""
    left = list(answers)
    site.script = lambda _: [left.pop(0) if len(left) > 1 else left[0]]


def get(limits: Limits = SMALL, url: str = URL):
    return Door().get(url, limits=limits)


def test_a_page_comes_with_its_headers(site: WireServer) -> None:
    says(site, page("<p>Grüße</p>", 'ETag: "1"'))
    found = get()
    assert (found.status, found.url) == (200, URL)
    assert found.body.decode() == "<p>Grüße</p>"
    assert (found.type, found.charset) == ("text/html", "utf-8")
    assert found.headers["etag"] == '"1"'


def test_a_call_says_who_we_are_and_nothing_else(site: WireServer, settings) -> None:
    settings.FETCH_USER_AGENT = "ChatbotSaasBot/1.0 (+https://chat.example/)"
    says(site, page("one", "Set-Cookie: a=1", "Set-Cookie: b=2"), page("two"))
    get()
    get(url="http://shop.test/a b?q=1&r=ü")
    first, second = (one.decode().split("\r\n") for one in site.requests)
    assert first[0] == "GET / HTTP/1.1"
    assert second[0] == "GET /a%20b?q=1&r=%C3%BC HTTP/1.1"
    assert sorted(line.partition(":")[0] for line in second[1:] if line) == [
        "Accept",
        "Accept-Encoding",
        "Connection",
        "Host",
        "User-Agent",
    ]
    assert "Host: shop.test" in second
    assert f"User-Agent: {settings.FETCH_USER_AGENT}" in second


def test_a_webhook_is_sent_with_its_headers_and_body(site: WireServer) -> None:
    site.script = lambda _: [b"HTTP/1.1 204 No Content\r\n\r\n"]
    sent = Door().post(URL, b'{"a":1}', headers={"X-Signature": "t=1"}, limits=Limits(types=_ANY))
    assert sent.status == 204
    head = site.requests[0]
    assert head.startswith(b"POST / HTTP/1.1")
    assert b"X-Signature: t=1" in head
    assert b"Content-Length: 7" in head


_ANY: frozenset[str] = frozenset()


def test_a_webhook_follows_no_redirect(site: WireServer) -> None:
    says(site, redirect("http://other.test/"))
    with pytest.raises(Refused) as caught:
        Door().post(URL, b"{}")
    assert caught.value.status == 302
    assert len(site.requests) == 1


# --- Redirects ------------------------------------------------------------------------------


def test_a_redirect_is_followed_and_named(site: WireServer) -> None:
    says(site, redirect("http://www.shop.test/new"), page("there"))
    assert get().url == "http://www.shop.test/new"
    assert b"Host: www.shop.test" in site.requests[1]


def test_headers_of_the_caller_go_to_the_first_address_alone(site: WireServer) -> None:
    says(site, redirect("http://other.test/"), page())
    Door().get(URL, headers={"If-None-Match": '"1"'})
    assert b"If-None-Match" in site.requests[0]
    assert b"If-None-Match" not in site.requests[1]


def test_the_caller_may_refuse_where_a_redirect_leads(site: WireServer) -> None:
    says(site, redirect("http://other.test/"), page())
    seen = list[str]()

    def may_follow(url: str) -> None:
        seen.append(url)
        raise Blocked("Not there.")

    with pytest.raises(Blocked, match="Not there"):
        Door().get(URL, may_follow=may_follow)
    assert seen == ["http://other.test/"]
    assert len(site.requests) == 1


@pytest.mark.parametrize("to", ["/", "/a?n=1", "http://other.test/"])
def test_redirects_without_end_are_given_up(site: WireServer, to: str) -> None:
    says(site, redirect(to))
    with pytest.raises(Blocked, match="again and again"):
        get()
    assert len(site.requests) == SMALL.redirects + 1


def test_a_redirect_without_an_address_is_a_refusal(site: WireServer) -> None:
    says(site, page("", status="302 Found"))
    with pytest.raises(Refused):
        get()


# --- Answers that are none ------------------------------------------------------------------


@pytest.mark.parametrize("status", ["404 Not Found", "410 Gone", "500 Broken", "403 No"])
def test_a_refusal_tells_its_status(site: WireServer, status: str) -> None:
    says(site, page("sorry", status=status))
    with pytest.raises(Refused) as caught:
        get()
    assert caught.value.status == int(status[:3])
    assert caught.value.is_gone == (caught.value.status in {404, 410})


@pytest.mark.parametrize(("header", "seconds"), [("120", 120), ("soon", None), ("9" * 30, None)])
def test_a_server_may_ask_for_time(site: WireServer, header: str, seconds: int | None) -> None:
    says(site, page("", f"Retry-After: {header}", status="429 Slow down"))
    with pytest.raises(Refused) as caught:
        get()
    assert caught.value.retry_after == seconds


def test_not_modified_is_an_answer(site: WireServer) -> None:
    site.script = lambda _: [b'HTTP/1.1 304 Not Modified\r\nETag: "1"\r\n\r\n']
    found = Door().get(URL, headers={"If-None-Match": '"1"'})
    assert (found.status, found.body) == (304, b"")


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"HTTP/1.1 two hundred\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 100\r\n\r\nshort",
        b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"a" * 2_000_000 + b"\r\n\r\n",  # huge headers
        b"HTTP/1.1 200 OK\r\n" + b"X: a\r\n" * 200_000 + b"\r\n",
    ],
)
def test_what_is_not_http_is_unreachable(site: WireServer, answer: bytes) -> None:
    says(site, answer)
    with pytest.raises(Unreachable):
        get()


def test_nobody_there_is_unreachable(settings) -> None:
    with WireServer() as closed:
        settings.FETCH_ALLOWED_PRIVATE = {"*.test": ("127.0.0.1", closed.port)}
    with pytest.raises(Unreachable):
        get()


def test_a_name_that_does_not_exist_is_unreachable() -> None:
    def unknown(_: str) -> list[str]:
        raise OSError("no such name")

    with pytest.raises(Unreachable, match="no website of the name"):
        Door(resolve=unknown).get("http://shop.example/")


# --- Time -----------------------------------------------------------------------------------


def drip(site: WireServer, start: bytes, piece: bytes) -> Script:
    """Never ends, and never pauses for as long as a read may take."""

    def script(_: bytes) -> Iterable[bytes]:
        yield start
        while site.is_open:
            site.pause(0.05)
            yield piece

    return script


@pytest.mark.parametrize(
    ("start", "piece"),
    [
        (b"", b""),  # silence
        (b"HTTP/1.1 200 OK\r\n", b"X: a\r\n"),  # headers by the drop
        (b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n", b"a"),
        (b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 9999\r\n\r\n", b"a"),
        (
            b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nTransfer-Encoding: chunked\r\n\r\n",
            b"1\r\na\r\n",
        ),
        (b"", b"HTTP/1.1 103 Early Hints\r\n\r\n"),
    ],
)
def test_a_slow_drip_ends_with_the_time_of_the_call(
    site: WireServer, start: bytes, piece: bytes
) -> None:
    site.script = drip(site, start, piece)
    began = time.monotonic()
    with pytest.raises(TooSlow):
        get(HURRIED)
    assert time.monotonic() - began < HURRIED.seconds + 2


def test_the_time_is_one_for_all_redirects(site: WireServer) -> None:
    def script(_: bytes) -> Iterable[bytes]:
        site.pause(0.25)
        yield redirect("/next")

    site.script = script
    with pytest.raises(TooSlow):
        get(HURRIED)
    assert len(site.requests) <= 4


def test_a_slow_resolver_costs_no_more_than_the_time() -> None:
    def resolve(_: str) -> list[str]:
        time.sleep(3)
        return ["1.1.1.1"]

    began = time.monotonic()
    with pytest.raises(TooSlow):
        Door(resolve=resolve).get("http://shop.example/", limits=HURRIED)
    assert time.monotonic() - began < 2


def test_silence_instead_of_tls_ends_too(site: WireServer, settings) -> None:
    with WireServer(lambda _: []) as mute:
        settings.FETCH_ALLOWED_PRIVATE = {"*.test": ("127.0.0.1", mute.port)}
        with pytest.raises(TooSlow):
            get(HURRIED, "https://shop.test/")


# --- Bytes ----------------------------------------------------------------------------------


def endless(_: bytes) -> Iterable[bytes]:
    yield b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n"
    while True:
        yield b"a" * 65_536


def test_a_page_that_never_ends_is_cut_off(site: WireServer) -> None:
    site.script = endless
    with pytest.raises(TooLarge):
        get()


def test_a_page_that_says_it_is_too_large_is_not_read(site: WireServer) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 999999999999\r\n\r\n"
    says(site, head)
    with pytest.raises(TooLarge):
        get()


def test_a_gzip_bomb_is_not_unpacked(site: WireServer) -> None:
    bomb = gzip.compress(bytes(200_000_000), 9)
    says(site, page(bomb, "Content-Encoding: gzip"))
    began = time.monotonic()
    with pytest.raises(TooLarge):
        get(Limits(bytes=1_000_000))
    assert time.monotonic() - began < 3


def test_a_bomb_never_lies_unpacked_in_memory() -> None:
    """It is unpacked piece by piece, also when all of it came at once."""
    pieces = inflated([gzip.compress(bytes(5_000_000), 9)])
    assert max(len(piece) for piece in pieces) <= PIECE


def test_a_bomb_of_many_small_files_is_not_unpacked(site: WireServer) -> None:
    says(site, page(gzip.compress(bytes(9_000)) * 50, "Content-Encoding: gzip"))
    with pytest.raises(TooLarge):
        get()


def test_gzip_is_unpacked(site: WireServer) -> None:
    says(site, page(gzip.compress(b"<p>Packed</p>"), "Content-Encoding: gzip"))
    assert get().body == b"<p>Packed</p>"


@pytest.mark.parametrize(
    ("body", "encoding"),
    [(b"not gzip", "gzip"), (b"x", "br"), (b"x", "gzip, gzip"), (b"x", "zstd")],
)
def test_other_packing_is_refused(site: WireServer, body: bytes, encoding: str) -> None:
    says(site, page(body, f"Content-Encoding: {encoding}"))
    with pytest.raises(WrongType):
        get()


@pytest.mark.parametrize(
    "kind", ["image/png", "application/pdf", "application/octet-stream", "", ";", "text/htmlx"]
)
def test_the_wrong_kind_of_content_is_refused(site: WireServer, kind: str) -> None:
    says(site, page(b"\x89PNG", f"Content-Type: {kind}"))
    with pytest.raises(WrongType):
        get()


# --- TLS ------------------------------------------------------------------------------------


@pytest.fixture
def secure(settings, tmp_path: Path) -> Iterator[WireServer]:
    """A site with a certificate for shop.test; `names` are those that clients asked for."""
    path = certificate(tmp_path, "shop.test")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    with WireServer(tls=context) as server:
        context.sni_callback = lambda _socket, name, _context: server.names.append(name)
        settings.FETCH_ALLOWED_PRIVATE = {"*.test": ("127.0.0.1", server.port)}
        server.trust = ssl.create_default_context(cafile=str(path))
        yield server


def certificate(folder: Path, name: str) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / "certificate.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    path.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return path


def test_tls_is_for_the_name_and_not_the_number(secure: WireServer) -> None:
    assert Door(trust=secure.trust).get("https://shop.test/").status == 200
    assert secure.names == ["shop.test"]
    assert b"Host: shop.test\r\n" in secure.requests[0]


def test_a_certificate_of_another_name_is_not_trusted(secure: WireServer) -> None:
    with pytest.raises(Unreachable, match="certificate"):
        Door(trust=secure.trust).get("https://other.test/")
    assert secure.requests == []


def test_a_certificate_of_nobody_is_not_trusted(secure: WireServer) -> None:
    with pytest.raises(Unreachable, match="certificate"):
        Door().get("https://shop.test/")
    assert secure.requests == []
