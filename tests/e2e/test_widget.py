"""The widget in a real browser, on our own demo page and on another site."""

from __future__ import annotations

import functools
import http.server
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import brotli
import httpx
import pytest
from django.test import override_settings
from playwright.sync_api import BrowserContext, Page, expect

from chatbot_saas.demo.seed import seed
from knowledge.models import Source
from tests import environment
from tests.e2e.looking import look
from tests.house import House, Tenant
from tests.services.browser import open_browser
from tests.services.waiting import wait_until

FACTS = "# Opening hours\n\nThe shop opens at nine and closes at six. It is closed on Mondays.\n"
WIDGET_BYTES = 8 * 1024
LOADER_BYTES = 1536
POLICY = (
    "default-src 'none'; script-src {product}; connect-src {product}; "
    "require-trusted-types-for 'script'; trusted-types 'none'"
)


@dataclass
class Site:
    """A client's page on another site than the product, under a strict policy of its own."""

    url: str
    html: str = ""
    policy: str = ""


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    found = Site("")
    server = http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), functools.partial(ClientPage, site=found)
    )
    found.url = f"http://localhost:{server.server_port}/"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield found
    server.shutdown()
    server.server_close()


class ClientPage(http.server.BaseHTTPRequestHandler):
    def __init__(self, *args, site: Site) -> None:
        self.site = site
        super().__init__(*args)

    def do_GET(self) -> None:
        found = self.path == "/"
        body = self.site.html.encode() if found else b""
        self.send_response(200 if found else 404)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Security-Policy", self.site.policy)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        """Quiet."""


@pytest.fixture(scope="module")
def demo(house: House) -> str:
    """The demo client, read by the house's worker; the address of its page."""
    with override_settings(SITE_URL=house.web.url):
        made = seed(reset=True)  # so that its sources are linked under this address
    sources = Source.objects.filter(knowledge_base__client__public_id=made.client_id)
    wait_until(lambda: not sources.unfinished().exists(), 120)
    return f"{house.web.url}/demo/"


@pytest.fixture(scope="module")
def taught(house: House) -> Tenant:
    tenant = house.tenant(domains=("localhost",))
    assert tenant.learn("hours.md", FACTS)["status"] == "ready"
    return tenant


@pytest.fixture(scope="module")
def spoken_to(house: House) -> Tenant:
    tenant = house.speaking_tenant(domains=("localhost",))
    assert tenant.learn("hours.md", FACTS)["status"] == "ready"
    return tenant


@pytest.fixture(scope="module")
def new_context(
    demo: str, taught: Tenant, spoken_to: Tenant
) -> Iterator[Callable[..., BrowserContext]]:
    """Starts after all rows are made: Playwright's loop and Django's ORM do not mix in a thread."""
    with open_browser() as browser:
        yield browser.new_context


@pytest.fixture
def page(new_context: Callable[..., BrowserContext]) -> Iterator[Page]:
    context = new_context(viewport={"width": 1280, "height": 800})
    page = context.new_page()
    page.on("console", lambda message: messages.append(message.text))
    page.on("pageerror", lambda error: messages.append(str(error)))
    messages: list[str] = []
    yield page
    context.close()
    assert not messages


def part(page: Page, name: str):
    return page.locator(f"[data-part={name}]")


def ask(page: Page, question: str) -> None:
    part(page, "input").fill(question)
    part(page, "send").click()


def answer(page: Page):
    return page.locator("[data-role=bot]").last


def stand(site: Site, tenant: Tenant, *, attributes: str = "") -> str:
    product = str(tenant.http.base_url).rstrip("/")
    site.policy = POLICY.format(product=product)
    script = (
        f'<script src="{product}/widget.js" data-bot="{tenant.bot.public_id}" {attributes} async>'
    )
    site.html = f"<!doctype html><title>Shop</title><h1>Shop</h1>{script}</script>"
    return site.url


def test_a_visitor_of_the_demo_asks_reads_and_follows_a_citation(
    page: Page, demo: str, shots: Path
) -> None:
    page.goto(demo)
    part(page, "launcher").click()
    ask(page, "How many days do I have to return something?")
    expect(answer(page)).to_have_attribute("data-state", "done", timeout=20_000)
    expect(answer(page)).to_contain_text("45 days")
    page.screenshot(path=shots / "demo-answer.png")

    source = part(page, "source").last
    part(page, "citation").last.click()
    expect(source).to_have_attribute("open", "")
    page.screenshot(path=shots / "demo-citation.png")
    with page.expect_popup() as popup:
        source.locator("a").first.click()
    assert "/demo/help/" in popup.value.url
    expect(popup.value.locator("h1")).to_contain_text("Returns")

    ask(page, "How does quantum entanglement work?")
    expect(answer(page)).to_contain_text("could not find", timeout=20_000)
    expect(answer(page).locator("[data-part=source]")).to_have_count(0)
    page.screenshot(path=shots / "demo-refusal.png")


def test_the_answer_streams_and_survives_a_reload(
    page: Page, house: House, spoken_to: Tenant, site: Site
) -> None:
    house.fake.reset()
    house.fake.answer(
        "We open at nine in the morning and close at six [1]. " + "Mind the Mondays. " * 20,
        tokens_per_second=40,
    )
    page.goto(stand(site, spoken_to))
    part(page, "launcher").click()
    ask(page, "When do you open?")
    expect(answer(page)).to_have_attribute("data-state", "streaming")
    expect(answer(page)).to_contain_text("We open at nine")
    assert answer(page).get_attribute("data-state") == "streaming"
    expect(answer(page)).to_have_attribute("data-state", "done", timeout=20_000)
    expect(part(page, "source")).to_have_count(1)
    expect(part(page, "status")).to_contain_text("We open at nine")

    page.reload()
    expect(page.locator("[data-role=visitor]")).to_contain_text("When do you open?")
    expect(answer(page)).to_contain_text("Mind the Mondays.")
    expect(part(page, "source")).to_have_count(1)


def test_it_stands_on_another_site_under_a_strict_policy_without_a_cookie(
    page: Page, taught: Tenant, site: Site
) -> None:
    requests: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    page.goto(stand(site, taught))
    expect(part(page, "launcher")).to_be_visible()
    product = str(taught.http.base_url).rstrip("/")
    assert [one for one in requests if one.startswith(product)] == [f"{product}/widget.js"]

    part(page, "launcher").click()
    expect(part(page, "input")).to_be_visible()
    expect(page.locator("[data-role=bot]").first).to_be_visible()
    made = [one for one in requests if one.startswith(product)]
    assert len(made) <= 4  # loader, module, session and its preflight
    ask(page, "When does the shop close?")
    expect(answer(page)).to_contain_text("closes at six", timeout=20_000)
    assert page.context.cookies() == []
    assert {httpx.URL(one).host for one in requests} == {"localhost", "127.0.0.1"}
    assert "token" not in page.evaluate("JSON.stringify({...sessionStorage, ...localStorage})")


def test_a_site_that_is_not_on_the_list_gets_nothing(
    new_context: Callable[..., BrowserContext], taught: Tenant, site: Site
) -> None:
    context = new_context()
    page = context.new_page()
    address = stand(site, taught).replace("localhost", "evil.localhost")
    page.goto(address)
    part(page, "launcher").click()
    expect(page.locator("[data-part=panel]")).to_contain_text("could not be reached")
    context.close()


def test_what_an_answer_says_is_text_whatever_it_looks_like(
    page: Page, house: House, spoken_to: Tenant, site: Site
) -> None:
    house.fake.reset()
    house.fake.answer(
        "<img src=x onerror=alert(1)> <script>alert(2)</script> [link](javascript:alert(3)) "
        "![image](http://evil.example/leak) **bold** [1]"
    )
    page.on("dialog", lambda dialog: pytest.fail(f"a script ran: {dialog.message}"))
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(stand(site, spoken_to))
    part(page, "launcher").click()
    ask(page, "What is new?")
    expect(answer(page)).to_have_attribute("data-state", "done", timeout=20_000)
    assert answer(page).locator("img, script, [href^=javascript]").count() == 0
    expect(answer(page)).to_contain_text("<script>alert(2)</script>")
    assert not [one for one in asked if "evil" in one]


def test_a_failed_answer_can_be_asked_for_again(
    page: Page, house: House, spoken_to: Tenant, site: Site
) -> None:
    house.fake.reset()
    house.fake.fail(401)
    page.goto(stand(site, spoken_to))
    part(page, "launcher").click()
    ask(page, "When do you open?")
    expect(part(page, "retry")).to_be_visible(timeout=20_000)
    house.fake.answer("At nine [1].")
    part(page, "retry").click()
    expect(answer(page)).to_contain_text("At nine", timeout=20_000)


def test_the_keyboard_alone_is_enough(page: Page, taught: Tenant, site: Site) -> None:
    page.goto(stand(site, taught))
    expect(part(page, "launcher")).to_be_visible()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(part(page, "input")).to_be_focused()
    page.keyboard.type("When does the shop close?")
    page.keyboard.press("Enter")
    expect(answer(page)).to_contain_text("closes at six", timeout=20_000)
    page.keyboard.press("Escape")
    expect(part(page, "panel")).to_be_hidden()
    expect(part(page, "launcher")).to_be_focused()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_pages_and_widget_have_no_axe_violation(
    new_context: Callable[..., BrowserContext], demo: str, shots: Path, scheme: str, width: int
) -> None:
    context = new_context(
        viewport={"width": width, "height": 800}, color_scheme=scheme, reduced_motion="reduce"
    )
    page = context.new_page()
    start = demo.removesuffix("demo/")
    for name, path in {
        "landing": "",
        "article": "demo/help/delivery-times/",
        "demo": "demo/",
    }.items():
        page.goto(start + path)
        if name == "demo":
            part(page, "launcher").click()
            ask(page, "What does standard delivery to Germany cost?")
            expect(answer(page)).to_have_attribute("data-state", "done", timeout=20_000)
            part(page, "citation").first.click()
        look(page, shots / f"{name}-{scheme}-{width}.png")
    context.close()


def test_the_widget_is_small() -> None:
    var = environment.BASE / "var"
    joined = (var / "joined" / "widget" / "joined.js").read_bytes()
    loader = (environment.BASE / "static" / "widget" / "loader.js").read_bytes()
    assert len(brotli.compress(loader)) <= LOADER_BYTES
    assert len(brotli.compress(loader)) + len(brotli.compress(joined)) <= WIDGET_BYTES


def test_the_loader_is_cached_and_compressed(house: House) -> None:
    first = house.http.get("/widget.js", headers={"Accept-Encoding": "br"})
    assert first.headers["Content-Encoding"] == "br"
    assert first.headers["Cache-Control"] == "public, max-age=300"
    headers = {"Accept-Encoding": "br", "If-None-Match": first.headers["ETag"]}
    assert house.http.get("/widget.js", headers=headers).status_code == 304
    plain = house.http.get("/widget.js", headers={"Accept-Encoding": "identity"})
    assert "Content-Encoding" not in plain.headers
    assert "__CHAT_MODULE__" not in plain.text
