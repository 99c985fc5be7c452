"""The policy of all pages, the cookies, and what browsers report when a page breaks the policy."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any

import httpx
import pytest
from django.conf import settings
from django.utils import timezone

from accounts import people
from accounts.models import CspReport
from accounts.roles import Role
from chatbot_saas import csp_reports
from chatbot_saas.csp_reports import MOST_BYTES, MOST_KINDS, Violation, count, violations
from chatbot_saas.lib.errors import BadRequest
from tests import environment
from tests.e2e.test_dashboard import PUBLIC
from tests.everything import Everything
from tests.house import House, session_of
from tests.services.browser import open_browser
from tests.services.waiting import wait_until
from tests.site.test_pages import INLINE
from tests.test_tenancy import MEMBERS, PERSONS

OURS = "chat.example"
KIND = "application/csp-report"
LIST_KIND = "application/reports+json"


def report(**changes: Any) -> dict[str, Any]:
    body = {
        "document-uri": f"https://{OURS}/app/knowledge/?q=my+secret#here",
        "effective-directive": "style-src-elem",
        "violated-directive": "style-src-elem",
        "blocked-uri": "inline",
        "source-file": f"https://{OURS}/static/js/copy.js?x=1",
        "script-sample": "what somebody wrote",
    }
    return {"csp-report": body | changes}


def kinds(body: Any) -> list[Violation]:
    return list(violations(body, own=OURS))


# --- Reading a report ------------------------------------------------------------------------


def test_a_report_is_cut_down_to_what_helps() -> None:
    assert kinds(report()) == [
        Violation("style-src-elem", "inline", "/app/knowledge/", "/static/js/copy.js")
    ]


def test_the_newer_format_says_the_same() -> None:
    body = {
        "documentURL": f"https://{OURS}/app/?x",
        "effectiveDirective": "img-src",
        "blockedURL": "https://pictures.example/somebody/secret.png?token=1",
        "sourceFile": "",
        "sample": "what somebody wrote",
    }
    sent = [{"type": "csp-violation", "body": body}, {"type": "deprecation", "body": {}}]
    assert kinds(sent) == [Violation("img-src", "https://pictures.example", "/app/", "")]


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("data", "data"),
        ("data:text/html,secret", "data"),
        ("https://user:secret@evil.example:8443/path", "https://evil.example"),
        (
            f"https://{OURS}/app/conversations/con_7Qm2abcdefghjkmnpqrstu/?q=1",
            "/app/conversations/…/",
        ),
        (f"https://{OURS}/accounts/key-link/{'aB3_-' * 9}/", "/accounts/key-link/…/"),
        ("some words", "other"),
        ("", ""),
    ],
)
def test_addresses_keep_no_query_no_name_and_no_secret(sent: str, kept: str) -> None:
    assert kinds(report(**{"blocked-uri": sent}))[0].blocked == kept


def test_what_extensions_do_is_not_our_pages_fault() -> None:
    assert kinds(report(**{"source-file": "chrome-extension://abc/inject.js"})) == []
    assert kinds(report(**{"blocked-uri": "moz-extension://abc/inject.css"})) == []


@pytest.mark.parametrize(
    "body",
    [
        None,
        7,
        "report",
        {},
        [1],
        {"csp-report": []},
        report(**{"document-uri": "https://evil.example/app/"}),
        report(**{"document-uri": ""}),
        report(**{"document-uri": 7}),
        report(**{"document-uri": "https://[::1"}),
        report(**{"effective-directive": "<script>", "violated-directive": ""}),
        report(**{"effective-directive": "", "violated-directive": ""}),
        report(**{"blocked-uri": {"a": 1}}),
    ],
)
def test_what_is_no_report_on_a_page_of_ours_is_refused(body: Any) -> None:
    with pytest.raises(BadRequest):
        kinds(body)


# --- Counting --------------------------------------------------------------------------------


def one_kind(number: int = 0) -> Violation:
    return Violation("img-src", f"https://p{number}.example", "/app/", "")


def test_the_same_kind_is_one_row_that_counts(db: None) -> None:
    for _ in range(3):
        count(one_kind())
    row = CspReport.objects.get()
    assert (row.count, row.directive) == (3, "img-src")
    assert row.first_at <= row.last_at


def test_only_so_many_kinds_are_kept_the_latest_ones(db: None) -> None:
    now = timezone.now()
    CspReport.objects.bulk_create(
        CspReport(digest=str(number), directive="img-src", page="/old/", last_at=now)
        for number in range(MOST_KINDS)
    )
    count(one_kind())
    assert CspReport.objects.count() == MOST_KINDS
    assert CspReport.objects.filter(blocked="https://p0.example", count=1).exists()


# --- Over HTTP -------------------------------------------------------------------------------


def send(http: httpx.Client, body: Any, kind: str = KIND) -> httpx.Response:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return http.post("/csp-report", content=data, headers={"Content-Type": kind})


def own_report(house: House, page: str) -> dict[str, Any]:
    return report(**{"document-uri": f"{house.web.url}{page}"})


def test_reports_are_taken_from_anybody_without_a_cookie(house: House) -> None:
    page = "/reported/"
    for body, kind in (
        (own_report(house, page), KIND),
        (
            [
                {
                    "type": "csp-violation",
                    "body": {
                        "documentURL": f"{house.web.url}{page}",
                        "effectiveDirective": "style-src-elem",
                        "blockedURL": "inline",
                        "sourceFile": f"https://{OURS}/static/js/copy.js",
                    },
                }
            ],
            LIST_KIND,
        ),
    ):
        response = send(house.http, body, kind)
        assert response.status_code == 204
        assert "set-cookie" not in response.headers
    assert CspReport.objects.get(page=page).count == 2


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"", KIND, 400),
        (b"{", KIND, 400),
        (b"\xff\xfe", KIND, 400),
        (b"[" * 10_000, KIND, 400),
        (b"{}", KIND, 400),
        (b"{}", "text/plain", 415),
        (b"{}", "application/json", 415),
        (b" " * (MOST_BYTES + 1), KIND, 413),
        (report(), KIND, 400),
    ],
)
def test_bad_input_is_refused(house: House, body: Any, kind: str, status: int) -> None:
    before = CspReport.objects.count()
    response = send(house.http, body, kind)
    assert response.status_code == status
    assert set(response.json()) == {"error"}
    assert CspReport.objects.count() == before


def test_a_large_body_of_unknown_length_is_refused(house: House) -> None:
    def chunks() -> Iterator[bytes]:
        for _ in range(20):
            yield b" " * 1024

    headers = {"Content-Type": KIND}
    assert house.http.post("/csp-report", content=chunks(), headers=headers).status_code == 413


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_a_wrong_method_is_405(house: House, method: str) -> None:
    assert house.http.request(method, "/csp-report").status_code == 405


def test_one_address_may_not_report_without_end(house: House) -> None:
    with house.another_web(RATE_LIMITS="csp_report_address=3/m") as http:
        body = report(**{"document-uri": f"{http.base_url}/limited/"})
        answers = [send(http, body).status_code for _ in range(5)]
    assert answers == [204, 204, 204, 429, 429]


def test_many_reports_at_once_are_all_counted(house: House) -> None:
    body = own_report(house, "/at-once/")
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: send(house.http, body).status_code, range(24)))
    assert set(answers) == {204}
    assert CspReport.objects.get(page="/at-once/").count == 24


def test_a_real_browser_reports_what_it_blocked(house: House) -> None:
    site = house.web.url
    with open_browser() as browser:
        page = browser.new_page()
        page.goto(f"{site}/pricing/?secret=1")
        page.evaluate(
            """() => {
                const style = document.createElement("style");
                style.textContent = "body { color: red } /* what somebody wrote */";
                document.head.append(style);
            }"""
        )
        page.wait_for_timeout(1000)
        color = page.evaluate("getComputedStyle(document.body).color")
    assert color != "rgb(255, 0, 0)"
    wait_until(lambda: CspReport.objects.filter(page="/pricing/").exists(), 20)
    row = CspReport.objects.get(page="/pricing/")
    assert (row.directive, row.blocked) == ("style-src-elem", "inline")
    assert "secret" not in f"{row.page}{row.source}"
    row.delete()


# --- Every page ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def https(house: House) -> Iterator[httpx.Client]:
    """A web as it stands behind a proxy that speaks https."""
    world = Everything.make("cornflower")
    env = {"SITE_URL": "https://localhost", "TRUSTED_PROXY_COUNT": "1"}
    with house.another_web(**env) as http:
        http.headers["X-Forwarded-Proto"] = "https"
        http.headers["Host"] = "localhost"
        http.headers["X-Forwarded-For"] = "192.0.2.7"
        session = session_of(world.people[Role.OWNER])
        http.headers["Cookie"] = f"__Host-session={session}"
        http.world = world  # type: ignore[attr-defined]
        yield http


def paths(world: Everything) -> list[str]:
    own = [one.url(world) for one in (*MEMBERS, *PERSONS)]
    return [*PUBLIC, *own, "/admin/login/", "/no/such/page/"]


def test_every_page_comes_with_all_headers(https: httpx.Client) -> None:
    world: Everything = https.world  # type: ignore[attr-defined]
    walk = [("GET", path) for path in paths(world)]
    # Without a token: the page that tells so has to hold the policy as well.
    walk += [("POST", path) for path in ("/accounts/login/", "/app/switch/")]
    for method, path in walk:
        response = https.request(method, path)
        headers = response.headers
        assert response.status_code < 500, path
        assert method == "GET" or "Please reload the page" in response.text
        policy = headers["Content-Security-Policy"]
        assert "default-src 'self'" in policy, path
        assert "frame-ancestors 'none'" in policy, path
        assert "report-uri /csp-report" in policy, path
        assert "unsafe" not in policy, path
        assert headers["X-Content-Type-Options"] == "nosniff", path
        assert headers["X-Frame-Options"] == "DENY", path
        assert headers["Referrer-Policy"] == "same-origin", path
        assert headers["Cross-Origin-Opener-Policy"] == "same-origin", path
        assert headers["Strict-Transport-Security"] == (
            "max-age=31536000; includeSubDomains; preload"
        ), path
        if headers.get("Content-Type", "").startswith("text/html"):
            assert not INLINE.search(response.text), path


def test_cookies_are_for_this_host_over_https_and_not_for_scripts(https: httpx.Client) -> None:
    page = https.get("/accounts/login/", headers={"Cookie": ""})
    token = page.text.partition('csrfmiddlewaretoken" value="')[2][:64]
    csrf = page.cookies["__Host-csrf"]
    people.with_verified_address("cookie@cornflower.example", "a long password")
    entered = https.post(
        "/accounts/login/",
        data={
            "csrfmiddlewaretoken": token,
            "login": "cookie@cornflower.example",
            "password": "a long password",
        },
        headers={"Cookie": f"__Host-csrf={csrf}", "Referer": "https://localhost/accounts/login/"},
    )
    assert entered.status_code == 302, entered.text
    seen = SimpleCookie()
    for header in [*page.headers.get_list("set-cookie"), *entered.headers.get_list("set-cookie")]:
        seen.load(header)
    assert {"__Host-csrf", "__Host-session"} <= set(seen)
    for name in ("__Host-csrf", "__Host-session"):
        cookie = seen[name]
        assert cookie["secure"] and cookie["httponly"]
        assert (cookie["samesite"], cookie["path"], cookie["domain"]) == ("Lax", "/", "")


def test_plain_http_is_led_to_https(https: httpx.Client) -> None:
    response = https.get("/pricing/", headers={"X-Forwarded-Proto": "http"})
    assert response.status_code == 301
    assert response.headers["Location"].startswith("https://localhost")


def test_without_https_nothing_pretends_to_be_secure(house: House) -> None:
    response = house.http.get("/accounts/login/")
    assert "Strict-Transport-Security" not in response.headers
    assert "__Host-" not in str(response.headers.get_list("set-cookie"))


# --- Every template --------------------------------------------------------------------------

TEMPLATES = sorted((environment.BASE / "templates").rglob("*.html"))


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_no_template_has_anything_inline(path: Path) -> None:
    found = INLINE.search(path.read_text(encoding="utf-8"))
    assert found is None, f"{path}: {found}"


def test_the_policy_itself_allows_nothing_unsafe() -> None:
    words = str(settings.CONTENT_SECURITY_POLICY)
    assert "unsafe" not in words
    assert csp_reports.csp_report.__name__ == "csp_report"
    assert settings.CONTENT_SECURITY_POLICY["DIRECTIVES"]["default-src"] == ["'self'"]
