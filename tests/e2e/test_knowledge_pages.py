"""From files on the desk to an answer in the playground, in a real browser."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
from django.conf import settings
from django.utils import timezone
from playwright.sync_api import BrowserContext, FilePayload, Page, Route, expect

from accounts.roles import Role
from knowledge.embedding import default_model
from knowledge.models import KnowledgeBase, Reembedding, Source, WebPage, Website
from tests.e2e.looking import WAYS, look
from tests.house import House, Tenant, session_of
from tests.services.browser import open_browser
from tests.services.waiting import wait_until

HOURS = "# Opening hours\n\nThe shop opens at nine and closes at six. It is closed on Mondays.\n"
RETURNS = "\n\n".join(
    f"## Item {number}\n\nYou may return item {number} within {number + 10} days. "
    "It must be unworn, and the label must still be on it."
    for number in range(60)
)
DROP = """(zone, files) => {
  const carried = new DataTransfer();
  for (const [name, text] of files) carried.items.add(new File([text], name));
  const options = { dataTransfer: carried, bubbles: true, cancelable: true };
  for (const type of ["dragenter", "dragover", "drop"])
    zone.dispatchEvent(new DragEvent(type, options));
}"""
# Keeps all that was told to those who listen to the page.
LISTEN_TO_NEWS = """() => {
  window.told = [];
  const news = document.querySelector("#upload-news");
  new MutationObserver(() => told.push(news.textContent)).observe(news, { childList: true });
}"""
# Keeps all that each file's line ever said.
LISTEN = """() => {
  window.heard = {};
  const uploads = document.querySelector("#uploads");
  new MutationObserver(() => {
    for (const row of uploads.children)
      (heard[row.querySelector("bdi").textContent] ??= new Set())
        .add(row.querySelector("small").textContent);
  }).observe(uploads, { childList: true, subtree: true, characterData: true });
}"""


class Shop:
    """A tenant and the sessions of its people, made before the browser starts."""

    def __init__(self, tenant: Tenant) -> None:
        self.tenant = tenant
        self.url = str(tenant.http.base_url).rstrip("/")
        self.owner = session_of(tenant.member())
        self.viewer = session_of(tenant.member(Role.VIEWER))

    def enter(self, context: BrowserContext, session: str = "") -> Page:
        name, value = settings.SESSION_COOKIE_NAME, session or self.owner
        context.add_cookies([{"name": name, "value": value, "url": self.url}])
        return context.new_page()


@pytest.fixture(scope="module")
def empty(house: House) -> Shop:
    return Shop(house.tenant())


@pytest.fixture(scope="module")
def twenty(house: House) -> Shop:
    return Shop(house.tenant())


@pytest.fixture(scope="module")
def quoting(house: House) -> Shop:
    tenant = house.tenant()
    tenant.learn("hours.md", HOURS)
    tenant.bot.suggestions = ["When does the shop close?"]
    tenant.bot.save()
    return Shop(tenant)


@pytest.fixture(scope="module")
def speaking_shop(house: House) -> Shop:
    tenant = house.speaking_tenant()
    tenant.learn("hours.md", HOURS)
    return Shop(tenant)


@pytest.fixture(scope="module")
def full(house: House, two_pages: bytes, pdfs: dict[str, bytes]) -> Shop:
    """As after some weeks of use."""
    tenant = house.tenant()
    tenant.learn("locked.pdf", pdfs["locked.pdf"])
    for name in ("Delivery times", "Prices of repairs", "أسئلة متكررة", "Über uns 😀"):
        tenant.learn(f"{name}.txt", f"{name}: we answer within two days. " * 30)
    guide = tenant.learn("guide.pdf", two_pages)
    note = "Pages 2–4, 7 are pictures. Their text could not be read, for it would take too long."
    Source.objects.filter(public_id=guide["id"]).update(note=note)
    tenant.learn("returns.md", RETURNS)
    site = house.website()
    site.article("/", "A shop with a very long name", "Welcome to the shop.", "/hours", "/closed")
    site.article("/hours", "Hours", "We open at ten in winter.")
    site.remove("/closed", 403)
    tenant.crawl(site.url)
    waits(tenant)
    changes_its_models(tenant)
    tenant.bot.suggestions = ["How long do I have to return item 7?", "When does the warranty end?"]
    tenant.bot.save()
    return Shop(tenant)


def changes_its_models(tenant: Tenant) -> None:
    """One change that failed, and one that goes on, of knowledge without a chatbot."""
    fields = {"embedding_model": "hosted:text-embedding-3-small", "generation": 2}
    error = "text-embedding-3-small does not accept the key. Everything stays as it was."
    Reembedding.objects.create(
        knowledge_base=tenant.base, state="failed", error=error, is_cleared=True, **fields
    )
    other = KnowledgeBase.objects.create(
        client=tenant.client, name="Nachschlagewerk", embedding_model=default_model()
    )
    going_on = {"state": "embedding", "progress": 0.4, "lease": "somebody"}
    change = Reembedding.objects.create(knowledge_base=other, **going_on, **fields)
    tomorrow = timezone.now() + timedelta(days=1)
    Reembedding.objects.filter(pk=change.pk).update(heartbeat_at=tomorrow)


def waits(tenant: Tenant) -> None:
    """A website of which pages were found, and nobody has said yet which to read."""
    url = "https://waiting.example/"
    website = Website.objects.create(
        knowledge_base=tenant.base, mode="crawl", url=url, limit=100, state="found"
    )
    for number in range(30):
        path = f"help/a-long-way-to-the-article-of-number-{number}"
        WebPage.objects.create(
            website=website, url=url + path, key=path, title=f"Article {number}", state="found"
        )


@pytest.fixture(scope="module")
def new_context(
    empty: Shop, twenty: Shop, quoting: Shop, speaking_shop: Shop, full: Shop
) -> Iterator[Callable[..., BrowserContext]]:
    """Starts after all rows are made: Playwright's loop and Django's ORM do not mix in a thread."""
    with open_browser() as browser:
        yield browser.new_context


@pytest.fixture
def context(new_context: Callable[..., BrowserContext]) -> Iterator[BrowserContext]:
    """Whose pages say nothing on the console."""
    said: list[str] = []
    context = new_context(viewport={"width": 1280, "height": 900})
    context.on("console", lambda message: said.append(message.text))
    context.on("weberror", lambda error: said.append(str(error.error)))
    yield context
    context.close()
    # The browser itself notes each refused request.
    assert not [one for one in said if not one.startswith("Failed to load resource")]


def payload(name: str, content: bytes) -> FilePayload:
    return {"name": name, "mimeType": "", "buffer": content}


def ask(page: Page, question: str) -> None:
    page.get_by_label("Your question").fill(question)
    page.get_by_role("button", name="Ask", exact=True).click()


def answer(page: Page):
    return page.locator("[data-role=bot]").last


def test_two_dropped_files_become_an_answer(
    context: BrowserContext, empty: Shop, shots: Path
) -> None:
    page = empty.enter(context)
    page.goto(f"{empty.url}/app/playground/")
    expect(page.get_by_role("heading", name="Add a source first")).to_be_visible()
    page.get_by_role("link", name="Add a source").click()
    expect(page.get_by_text("No sources yet")).to_be_visible()

    long = "\n\n".join(f"{RETURNS}\n\nEdition {number}." for number in range(20))
    files = [["hours.md", HOURS], ["returns.md", long]]
    page.locator(".drop").evaluate(DROP, files)
    uploads = page.locator("#uploads li")
    expect(uploads).to_have_count(2)
    rows = page.locator("#sources tbody tr")
    expect(rows).to_have_count(2, timeout=10_000)
    expect(page.locator("#sources[data-working]")).to_be_visible()
    page.screenshot(path=shots / "knowledge-uploading.png", full_page=True)
    for upload in uploads.all():
        expect(upload).to_contain_text("Ready", timeout=60_000)
    expect(page.locator("#sources .badge.ready")).to_have_count(2)
    polls_no_more(page)

    page.get_by_role("link", name="Opening hours").click()
    expect(page.get_by_text("The shop opens at nine")).to_be_visible()
    expect(page.get_by_role("heading", name="Ask this document")).to_be_visible()
    ask(page, "When does the shop close?")
    expect(answer(page)).to_have_attribute("data-state", "done", timeout=20_000)
    expect(answer(page)).to_contain_text("closes at six")
    first = page.locator("#used > li").first
    expect(first).to_contain_text("Opening hours")
    expect(first).to_contain_text("Cited as [1]")
    expect(first.locator("meter")).to_be_visible()
    page.screenshot(path=shots / "document-answered.png", full_page=True)


def test_twenty_dropped_files_tell_each_its_step_and_share(
    context: BrowserContext, house: House, twenty: Shop, shots: Path
) -> None:
    """The list is filtered, so most of them are not in it."""
    page = twenty.enter(context)
    page.goto(f"{twenty.url}/app/knowledge/?q=no+such+title")
    page.evaluate(LISTEN)
    long = "\n\n".join(f"{RETURNS}\n\nEdition {number}." for number in range(60))
    files = [[f"file-{number:02}.md", f"# File {number}\n\nFact {number}."] for number in range(18)]
    files += [["long.md", long], ["locked.txt", "\u0001\u0002\u0003" * 300]]
    page.locator(".drop").evaluate(DROP, files)
    uploads = page.locator("#uploads li")
    expect(uploads).to_have_count(20)
    expect(uploads.locator("progress").first).to_be_visible()
    page.screenshot(path=shots / "uploads-twenty.png", full_page=True)
    for upload in uploads.all():
        expect(upload).to_contain_text(re.compile("Ready|not the right type"), timeout=120_000)
    expect(page.locator("#upload-sum")).to_have_text(
        "19 of 20 files are through, 1 cannot be read."
    )
    expect(uploads.locator("progress")).to_have_count(0)
    told = page.evaluate("Object.fromEntries(Object.entries(heard).map(([k, v]) => [k, [...v]]))")
    assert len(told) == 20
    steps = " ".join(told["long.md"])
    for step in ("Waits to be sent", "Sending", "Waits to be read", "Being learned", "Ready"):
        assert step in steps, steps
    assert re.search(r"Being learned… \d+ %", steps)
    look(page, shots / "uploads-twenty-done.png")


def test_three_files_are_on_their_way_at_once_and_the_others_wait(
    context: BrowserContext, twenty: Shop
) -> None:
    page = twenty.enter(context)
    page.goto(f"{twenty.url}/app/knowledge/?q=no+such+title")
    held: list[Route] = []
    page.route(re.compile("/api/documents$"), lambda route: held.append(route))
    files = [[f"held-{number}.md", f"# Held {number}\n\nFact {number}."] for number in range(7)]
    page.locator(".drop").evaluate(DROP, files)
    uploads = page.locator("#uploads li")
    for number in range(7):  # let one go: the next one follows
        on_their_way = min(number + 3, 7)
        expect(uploads.filter(has_text="Waits to be sent")).to_have_count(7 - on_their_way)
        wait_until(partial(_came, page, held, on_their_way), 30)
        held[number].continue_()
    expect(uploads.filter(has_text="Ready")).to_have_count(7, timeout=60_000)


def _came(page: Page, held: list[Route], count: int) -> bool:
    page.wait_for_timeout(20)  # what the page sent comes in meanwhile
    return len(held) == count


def polls_no_more(page: Page) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.wait_for_timeout(2500)
    assert not asked


def test_what_is_wrong_with_a_file_stands_beside_it(
    context: BrowserContext, quoting: Shop, shots: Path
) -> None:
    page = quoting.enter(context)
    page.goto(f"{quoting.url}/app/knowledge/")
    page.evaluate(LISTEN_TO_NEWS)
    page.locator("#files").set_input_files(
        [
            payload("same.md", HOURS.encode()),
            payload("empty.txt", b""),
            payload("noise.md", bytes(range(1, 9)) * 200),
        ]
    )
    same, empty, noise = (page.locator("#uploads li").nth(number) for number in range(3))
    expect(same).to_contain_text("Ready")
    expect(empty).to_contain_text("“empty.txt” is empty.")
    expect(noise).to_contain_text("is not the right type")
    # They come in any order, since several are on their way at once.
    page.wait_for_function("told.length >= 3")
    told = " ".join(page.evaluate("told"))
    for name in ("same.md is ready", "empty.txt: ", "noise.md: "):
        assert name in told
    look(page, shots / "knowledge-refused.png")


def test_a_file_beyond_the_limit_is_not_even_sent(context: BrowserContext, quoting: Shop) -> None:
    page = quoting.enter(context)
    page.goto(f"{quoting.url}/app/knowledge/")
    page.locator("#upload").evaluate("form => { form.dataset.mostBytes = 3 }")
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url))
    page.locator("#files").set_input_files(payload("a.txt", b"four"))
    expect(page.locator("#uploads li")).to_contain_text("A file may have 500 MB at most.")
    assert not sent


def test_without_javascript_a_form_does_it(
    new_context: Callable[..., BrowserContext], quoting: Shop, shots: Path
) -> None:
    context = new_context(java_script_enabled=False, viewport={"width": 1280, "height": 900})
    page = quoting.enter(context)
    page.goto(f"{quoting.url}/app/knowledge/")
    page.locator("#files").set_input_files(payload("plain.txt", b"Parking is free."))
    page.get_by_role("button", name="Upload").click()
    expect(page.get_by_text("It is being read now.")).to_be_visible()
    expect(page.get_by_role("link", name="plain", exact=True)).to_be_visible()
    page.get_by_text("Write it here").click()
    page.locator("#id_write-title").fill("Dogs")
    page.locator("#id_write-text").fill("Dogs are welcome.")
    page.get_by_role("button", name="Add this text").click()
    expect(page.get_by_role("link", name="Dogs", exact=True)).to_be_visible()
    page.screenshot(path=shots / "knowledge-without-javascript.png", full_page=True)
    context.close()


def test_a_source_is_deleted_after_a_question(context: BrowserContext, quoting: Shop) -> None:
    page = quoting.enter(context)
    page.goto(f"{quoting.url}/app/knowledge/")
    page.locator("#files").set_input_files(payload("old.txt", b"An old text."))
    page.get_by_role("link", name="old", exact=True).click()
    delete, keep = (page.get_by_role("button", name=name) for name in ("Delete", "Keep it"))
    delete.first.click()
    expect(page.get_by_role("dialog")).to_contain_text("Delete “old”?")
    keep.click()
    expect(page.get_by_role("dialog")).to_be_hidden()
    delete.first.click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(page.get_by_text("“old” is deleted.")).to_be_visible()
    expect(page.get_by_role("link", name="old", exact=True)).to_have_count(0)


def test_an_answer_streams_stops_and_can_be_asked_for_again(
    context: BrowserContext, house: House, speaking_shop: Shop
) -> None:
    house.fake.reset()
    page = speaking_shop.enter(context)
    page.goto(f"{speaking_shop.url}/app/playground/")
    house.fake.answer("At nine [1]. " + "Mind the Mondays. " * 200, tokens_per_second=20)
    ask(page, "When do you open?")
    expect(page.locator("#used > li").first).to_be_visible()
    expect(answer(page)).to_contain_text("At nine")
    page.get_by_role("button", name="Stop").click()
    expect(answer(page)).to_contain_text("Stopped.")
    expect(page.get_by_role("button", name="Ask", exact=True)).to_be_visible()

    house.fake.fail(401)
    ask(page, "When do you open?")
    again = page.get_by_role("button", name="Try again")
    expect(again).to_be_visible(timeout=20_000)
    house.fake.answer("At **nine** <b>sharp</b> [1].")
    again.click()
    expect(answer(page)).to_contain_text("At nine <b>sharp</b>", timeout=20_000)
    expect(answer(page).locator("strong")).to_have_text("nine")
    expect(page.locator("#used > li").first).to_contain_text("Cited as [1]")
    page.get_by_role("button", name="New chat").click()
    expect(page.locator("#log > *")).to_have_count(0)
    expect(page.locator("#used > li")).to_have_count(0)


def test_the_keyboard_alone_is_enough_to_ask(context: BrowserContext, quoting: Shop) -> None:
    page = quoting.enter(context, quoting.viewer)
    page.goto(f"{quoting.url}/app/playground/")
    page.get_by_role("button", name="When does the shop close?").focus()
    page.keyboard.press("Enter")
    expect(answer(page)).to_contain_text("closes at six", timeout=20_000)
    expect(page.get_by_role("button", name="Ask", exact=True)).to_be_visible()
    page.get_by_label("Your question").focus()
    page.keyboard.type("On which day is it closed?")
    page.keyboard.press("Enter")
    expect(page.locator("[data-role=visitor]")).to_have_count(2)
    expect(answer(page)).to_contain_text("Mondays", timeout=20_000)


def test_a_website_is_seen_before_it_is_read(
    context: BrowserContext, house: House, empty: Shop
) -> None:
    site = house.website()
    site.article("/", "Start", "Welcome to the shop.", "/hours", "/jobs")
    site.article("/hours", "Winter hours", "We open at ten in winter.")
    site.article("/jobs", "Jobs", "We look for a baker.")
    page = empty.enter(context)
    page.goto(f"{empty.url}/app/knowledge/")
    page.get_by_label("Address", exact=True).fill(site.url)
    page.get_by_role("button", name="Look for pages").click()
    expect(page.get_by_role("heading", name="3 pages found")).to_be_visible(timeout=20_000)
    page.get_by_label("Leave out Jobs").check()
    page.get_by_role("button", name="Read these pages").click()
    expect(page.get_by_role("status").filter(has_text="Ready")).to_be_visible(timeout=30_000)
    page.get_by_role("link", name="Winter hours").click()
    expect(page.locator("#text")).to_contain_text("We open at ten", timeout=20_000)


def test_a_passage_that_was_found_leads_to_its_place_in_the_document(
    context: BrowserContext, full: Shop, shots: Path
) -> None:
    page = full.enter(context)
    page.goto(f"{full.url}/app/knowledge/search/?q=item+55")
    page.locator(".hits tbody a").first.click()
    expect(page).to_have_url(re.compile(r"/\?page=1#passage-\d+$"))
    passage = page.locator(".passages > :target")
    expect(passage).to_contain_text("Item 55")
    expect(passage).to_be_in_viewport()
    page.screenshot(path=shots / "document-at-passage.png")


@pytest.mark.parametrize(("scheme", "width"), WAYS)
def test_the_document_pages_have_nothing_for_axe_to_say(
    new_context: Callable[..., BrowserContext], full: Shop, shots: Path, scheme: str, width: int
) -> None:
    context = new_context(
        viewport={"width": width, "height": 900}, color_scheme=scheme, reduced_motion="reduce"
    )
    page = full.enter(context)
    name = f"{scheme}-{width}.png"
    page.goto(f"{full.url}/app/knowledge/")
    page.get_by_role("link", name="returns").click()
    look(page, shots / f"document-ready-{name}")
    ask(page, "How long do I have to return item 7?")
    expect(answer(page)).to_have_attribute("data-state", "done", timeout=20_000)
    look(page, shots / f"document-answered-{name}")
    page.get_by_role("button", name="Replace").first.click()
    look(page, shots / f"document-replace-{name}")
    page.get_by_role("button", name="Cancel").click()
    page.get_by_role("button", name="Delete").first.click()
    look(page, shots / f"document-dialog-{name}")
    page.goto(f"{full.url}/app/knowledge/?state=failed")
    page.get_by_role("link", name="locked").click()
    look(page, shots / f"document-failed-{name}")
    page.goto(f"{full.url}/app/knowledge/?q=guide")
    look(page, shots / f"sources-in-part-{name}")
    page.get_by_role("link", name="guide").click()
    expect(page.get_by_text("Not all of it could be read")).to_be_visible()
    look(page, shots / f"document-in-part-{name}")
    page.goto(f"{full.url}/app/knowledge/search/?q=How+long+do+I+have+to+return+item+7%3F")
    expect(page.get_by_text("it is never quoted")).to_be_visible()
    look(page, shots / f"retrieval-{name}")
    page.goto(f"{full.url}/app/knowledge/search/")
    look(page, shots / f"retrieval-empty-{name}")
    context.close()


@pytest.mark.parametrize(("scheme", "width"), WAYS)
def test_the_pages_have_nothing_for_axe_to_say(
    new_context: Callable[..., BrowserContext],
    full: Shop,
    empty: Shop,
    shots: Path,
    scheme: str,
    width: int,
) -> None:
    context = new_context(
        viewport={"width": width, "height": 900}, color_scheme=scheme, reduced_motion="reduce"
    )
    page = full.enter(context)
    name = f"{scheme}-{width}.png"
    page.goto(f"{full.url}/app/knowledge/")
    page.get_by_text("Write it here").click()
    look(page, shots / f"knowledge-full-{name}")
    page.goto(f"{full.url}/app/knowledge/")
    page.get_by_text("Only a part of it").click()
    look(page, shots / f"knowledge-website-{name}")
    page.get_by_role("link", name="http://site").click()
    look(page, shots / f"website-ready-{name}")
    page.goto(f"{full.url}/app/knowledge/")
    page.get_by_role("link", name="https://waiting.example/").click()
    look(page, shots / f"website-found-{name}")
    page.goto(f"{full.url}/app/playground/")
    look(page, shots / f"playground-begin-{name}")
    ask(page, "How long do I have to return item 7?")
    expect(answer(page)).to_have_attribute("data-state", "done", timeout=20_000)
    look(page, shots / f"playground-full-{name}")
    context.close()


@pytest.mark.parametrize(("scheme", "width"), WAYS)
def test_the_page_of_search_models_has_nothing_for_axe_to_say(
    new_context: Callable[..., BrowserContext],
    house: House,
    full: Shop,
    shots: Path,
    scheme: str,
    width: int,
) -> None:
    context = new_context(
        viewport={"width": width, "height": 900}, color_scheme=scheme, reduced_motion="reduce"
    )
    page = full.enter(context)
    page.goto(f"{house.speaking.url}/app/knowledge/model/")  # this web knows OpenAI
    look(page, shots / f"search-model-{scheme}-{width}.png")
    context.close()
