"""Questions and answers in a real browser: written, learned, changed, moved by a spreadsheet."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from knowledge.models import Faq, Source, question_key
from tests.e2e.looking import WAYS, look
from tests.e2e.test_knowledge_pages import Shop, payload
from tests.house import House
from tests.services.browser import open_browser

LIST = "/app/knowledge/faqs/"


@pytest.fixture(scope="module")
def empty(house: House) -> Shop:
    return Shop(house.tenant())


@pytest.fixture(scope="module")
def full(house: House) -> Shop:
    """Some sixty pairs, of all states."""
    tenant = house.tenant()
    for number in range(60):
        category = ("Delivery", "Returns and exchanges of everything", "")[number % 3]
        faq(tenant.base, f"What does delivery to country number {number} cost?", category, number)
    faq(tenant.base, "هل يمكنني استلام طلبي من المتجر؟", "أسئلة", 1)
    faq(tenant.base, "Why is this one " + "very " * 40 + "long?", "Long", 0)
    failed = faq(tenant.base, "Is the shop open at Easter?", "Hours", 1)
    Source.objects.filter(pk=failed.source_id).update(state=Source.State.FAILED)
    return Shop(tenant)


def faq(base, question: str, category: str, number: int) -> Faq:
    source = Source.objects.create(
        knowledge_base=base,
        kind=Source.Kind.FAQ,
        title=question,
        format="text",
        sha256=question_key(question),
        state=Source.State.READY,
        live_version=1,
        indexed_version=1,
    )
    return Faq.objects.create(
        knowledge_base=base,
        source=source,
        question=question,
        key=question_key(question),
        answer=f"It costs £{number}.\n\nParcels to islands take a week longer, and cost the same.",
        category=category,
        priority=number % 3 - 1,
    )


@pytest.fixture(scope="module")
def new_context(empty: Shop, full: Shop) -> Iterator[Callable[..., BrowserContext]]:
    with open_browser() as browser:
        yield browser.new_context


@pytest.fixture
def page(new_context: Callable[..., BrowserContext], empty: Shop) -> Iterator[Page]:
    """Whose console stays empty, also of what the policy blocks."""
    said: list[str] = []
    context = new_context(viewport={"width": 1280, "height": 900})
    context.on("console", lambda message: said.append(message.text))
    context.on("weberror", lambda error: said.append(str(error.error)))
    yield empty.enter(context)
    context.close()
    assert not [one for one in said if not one.startswith("Failed to load resource")]


def test_a_pair_from_the_first_word_to_its_end(page: Page, empty: Shop, shots: Path) -> None:
    page.goto(f"{empty.url}/app/knowledge/")
    page.get_by_role("link", name="Questions and answers").click()
    expect(page.get_by_role("heading", name="No question yet")).to_be_visible()
    look(page, shots / "faqs-empty.png")
    page.get_by_role("link", name="New question").first.click()
    page.get_by_label("Question", exact=True).fill("Is there parking?")
    page.get_by_role("button", name="Add").click()  # the browser itself asks for the answer
    expect(page.get_by_label("Answer", exact=True)).to_be_focused()
    page.get_by_label("Answer", exact=True).fill("Yes, behind the shop.")
    page.get_by_label("Category").fill("Your visit")
    page.get_by_label("Priority").select_option("High")
    page.get_by_role("button", name="Add").click()
    expect(page.get_by_text("“Is there parking?” is added.")).to_be_visible()
    expect(page.locator("#faqs .badge.ready")).to_be_visible(timeout=30_000)

    refuses_it_twice(page, empty, shots)

    page.goto(f"{empty.url}{LIST}")
    page.get_by_role("link", name="Is there parking?").click()
    page.get_by_label("Answer", exact=True).fill("No, but the tram stops here.")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("“Is there parking?” is saved.")).to_be_visible()
    expect(page.locator("#faqs .badge.ready")).to_be_visible(timeout=30_000)
    page.goto(f"{empty.url}/app/playground/")
    page.get_by_label("Your question").fill("Is there parking?")
    page.get_by_role("button", name="Ask", exact=True).click()
    answer = page.locator("[data-role=bot]").last
    expect(answer).to_contain_text("No, but the tram stops here.", timeout=20_000)
    goes_for_good(page, empty)


def refuses_it_twice(page: Page, empty: Shop, shots: Path) -> None:
    page.goto(f"{empty.url}{LIST}new/")
    page.get_by_label("Question", exact=True).fill("is there PARKING")
    page.get_by_label("Answer", exact=True).fill("Something else.")
    page.get_by_role("button", name="Add").click()
    expect(page.get_by_text("This question has an answer already.")).to_be_visible()
    look(page, shots / "faq-mistake.png")


def goes_for_good(page: Page, empty: Shop) -> None:
    page.goto(f"{empty.url}{LIST}")
    page.get_by_role("link", name="Is there parking?").click()
    page.get_by_role("button", name="Delete").first.click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(page.get_by_text("is deleted. Answers no longer use it.")).to_be_visible()
    expect(page.get_by_role("heading", name="No question yet")).to_be_visible()


def test_a_spreadsheet_goes_in_and_comes_back(page: Page, empty: Shop, shots: Path) -> None:
    page.goto(f"{empty.url}{LIST}")
    wrong = b"question;answer;priority\nIs it late?;;urgent\nIs it late?;Yes.;high\n"
    page.get_by_label("CSV file").set_input_files(payload("faqs.csv", wrong))
    page.get_by_role("button", name="Import").click()
    expect(page.get_by_text("Row 2: The priority is low, normal or high.")).to_be_visible()
    look(page, shots / "faqs-import-mistake.png")
    right = b"question;answer;priority\nIs it late?;Yes.;high\nIs it early?;=No;\n"
    page.get_by_label("CSV file").set_input_files(payload("faqs.csv", right))
    page.get_by_role("button", name="Import").click()
    expect(page.get_by_text("2 added, 0 changed, 0 the same")).to_be_visible()
    expect(page.locator("#faqs .badge.ready")).to_have_count(2, timeout=30_000)
    with page.expect_download() as download:
        page.get_by_role("link", name="Download CSV").click()
    file = Path(download.value.path()).read_bytes()
    assert b"Is it early?,'=No,,normal" in file
    page.get_by_label("CSV file").set_input_files(payload("faqs.csv", file))
    page.get_by_role("button", name="Import").click()
    expect(page.get_by_text("0 added, 0 changed, 2 the same")).to_be_visible()


@pytest.mark.parametrize(("scheme", "width"), WAYS)
def test_the_pages_have_nothing_for_axe_to_say(
    new_context: Callable[..., BrowserContext],
    full: Shop,
    shots: Path,
    scheme: str,
    width: int,
) -> None:
    context = new_context(
        viewport={"width": width, "height": 900}, color_scheme=scheme, reduced_motion="reduce"
    )
    page = full.enter(context)
    name = f"{scheme}-{width}.png"
    page.goto(f"{full.url}{LIST}")
    look(page, shots / f"faqs-full-{name}")
    page.goto(f"{full.url}{LIST}?q=nothing")
    look(page, shots / f"faqs-nothing-{name}")
    page.goto(f"{full.url}{LIST}new/")
    look(page, shots / f"faq-new-{name}")
    page.goto(f"{full.url}{LIST}?state=failed")
    page.get_by_role("link", name="Is the shop open at Easter?").click()
    look(page, shots / f"faq-failed-{name}")
    page.get_by_role("button", name="Delete").first.click()
    look(page, shots / f"faq-dialog-{name}")
    viewer = full.enter(context, full.viewer)
    viewer.goto(f"{full.url}{LIST}")
    look(viewer, shots / f"faqs-viewer-{name}")
    viewer.get_by_role("link", name="Is the shop open at Easter?").click()
    look(viewer, shots / f"faq-viewer-{name}")
    context.close()
