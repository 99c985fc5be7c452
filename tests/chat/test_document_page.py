"""The page of a document: its text with its passages, who asked about it, and asking it alone."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client as Browser
from django.urls import reverse

from accounts.roles import Role
from chat.models import Citation, Conversation, Message
from knowledge.models import Passage, Source
from tests.everything import Everything
from tests.queries import queries

HTMX = {"HX-Request": "true"}
MOST_QUERIES = 12


@pytest.fixture
def world(db: None) -> Everything:
    return Everything.make("zanzibar")


@pytest.fixture
def rival(db: None) -> Everything:
    return Everything.make("tromso")


@pytest.fixture
def owner(world: Everything) -> Browser:
    return browser_of(world)


def browser_of(world: Everything, role: Role = Role.OWNER) -> Browser:
    browser = Browser()
    browser.force_login(world.people[role])
    return browser


def path_of(source: Source) -> str:
    return reverse("source", kwargs={"public_id": source.public_id})


def shown(browser: Browser, source: Source, query: str = "") -> str:
    answer = browser.get(path_of(source) + query)
    assert answer.status_code == 200
    return answer.content.decode()


def say(source: Source, *texts: str, version: int = 1, **fields: Any) -> None:
    """Give the source these passages alone; `fields` hold a value for each."""
    old = source.passages.first()
    assert old is not None
    start, made = 0, []
    for position, text in enumerate(texts):
        more = {name: values[position] for name, values in fields.items()}
        made.append(
            Passage(
                source=source,
                version=version,
                position=position,
                text=text,
                start=start,
                end=start + len(text),
                terms=1,
                embedding=old.embedding,
                **more,
            )
        )
        start += len(text) + 2
    source.passages.all().delete()
    Passage.objects.bulk_create(made)


def cite(world: Everything, source: Source, question: str = "When?", **of: Any) -> Conversation:
    conversation = Conversation.objects.create(bot=world.bot, **of)
    Message.objects.create(conversation=conversation, role="visitor", text=question)
    answer = Message.objects.create(conversation=conversation, role="bot", answered=True)
    for number in (1, 2):
        Citation.objects.create(
            message=answer,
            number=number,
            source_id=source.public_id,
            title="Hours",
            quote="At nine.",
            start=0,
            end=8,
        )
    return conversation


# --- The text -------------------------------------------------------------------------------


def test_the_text_is_shown_with_its_passages(owner: Browser, world: Everything) -> None:
    say(
        world.source,
        "First <b>words</b>.",
        "Second words.",
        "Third words.",
        heading=["Hours", "Hours", "Hours › Winter"],
        pages=[[[0, 1]], [[0, 1], [7, 2]], [[0, 2], [3, 3], [5, 4]]],
    )
    page = shown(owner, world.source)
    places = [page.index(f'id="passage-{number}"') for number in (1, 2, 3)]
    first, second, third = (
        page[places[0] : places[1]],
        page[places[1] : places[2]],
        page[places[2] :],
    )
    assert "First &lt;b&gt;words&lt;/b&gt;." in first
    assert "<bdi>Hours</bdi>" in first
    assert "page 1" in first
    assert "<bdi>" not in second  # the heading goes on
    assert "page 2" in second
    assert "<bdi>Hours › Winter</bdi>" in third
    assert "pages 3–4" in third


def test_a_place_in_the_text_leads_to_its_passage(owner: Browser, world: Everything) -> None:
    say(world.source, *[f"Passage {number:03}." for number in range(1, 121)])
    size = len("Passage 001.") + 2
    for number, page in ((1, 1), (50, 1), (51, 2), (120, 3)):
        for place in (0, 5):
            answer = owner.get(f"{path_of(world.source)}?at={(number - 1) * size + place}")
            assert answer.status_code == 302
            assert answer["Location"].endswith(f"/?page={page}#passage-{number}")
    beyond = owner.get(f"{path_of(world.source)}?at={'9' * 18}")
    assert beyond["Location"].endswith("#passage-120")
    second = shown(owner, world.source, "?page=2")
    assert "Passage 051." in second
    assert "Passage 050." not in second


@pytest.mark.parametrize("at", ["", "-1", "x", "²", "9" * 40, "%00"])
def test_a_place_that_makes_no_sense_is_no_mistake(
    owner: Browser, world: Everything, at: str
) -> None:
    assert "zanzibar opens at nine." in shown(owner, world.source, f"?at={at}")


def test_a_document_without_text_has_no_places(owner: Browser, world: Everything) -> None:
    assert "There is none" in shown(owner, world.failed, "?at=5")


def test_facts_tell_language_and_version(owner: Browser, world: Everything) -> None:
    Source.objects.filter(pk=world.source.pk).update(language="de", version=3, live_version=3)
    world.source.passages.update(version=3)
    page = " ".join(shown(owner, world.source).split())
    assert "German" in page
    assert "version 3" in page
    Source.objects.filter(pk=world.source.pk).update(language="xx-odd")
    assert "xx-odd" in shown(owner, world.source)


# --- While it is read -----------------------------------------------------------------------


def test_a_document_that_is_read_shows_how_far_it_is(owner: Browser, world: Everything) -> None:
    source = Source.objects.filter(pk=world.source.pk)
    source.update(state="embedding", progress=0.4, live_version=0)
    page = shown(owner, world.source)
    assert "40 % done" in page
    assert 'hx-trigger="every 2s"' in page
    assert "Ask this document" not in page
    poll = page.partition('hx-get="')[2].partition('"')[0].replace("&amp;", "&")
    fragment = owner.get(poll, headers=HTMX)
    assert b"<html" not in fragment.content
    assert b'hx-swap-oob="true"' in fragment.content
    assert "HX-Request" in fragment["Vary"]
    source.update(state="ready", live_version=1)
    done = owner.get(poll, headers=HTMX)
    assert done["HX-Refresh"] == "true"  # the chat appears, and the title may be another


def test_while_a_new_version_is_read_the_one_that_answers_is_shown(
    owner: Browser, world: Everything
) -> None:
    Source.objects.filter(pk=world.source.pk).update(state="reading", version=2)
    page = shown(owner, world.source)
    assert "A new version is being read." in page
    assert "zanzibar opens at nine." in page
    assert "Ask this document" in page


def test_a_new_version_that_failed_says_why(owner: Browser, world: Everything) -> None:
    error = "The new version could not be read. It is locked."
    Source.objects.filter(pk=world.source.pk).update(error=error)
    page = shown(owner, world.source)
    assert error in page
    assert "The version before goes on answering" in page


# --- Who asked ------------------------------------------------------------------------------


def test_the_questions_that_it_answered_lately(owner: Browser, world: Everything) -> None:
    talk = cite(world, world.source, "When does it open?")
    cite(world, world.source, "A try", channel="playground")
    cite(world, world.failed, "About another")
    page = shown(owner, world.source)
    assert page.count("When does it open?") == 1  # cited twice in one answer
    assert reverse("conversation", kwargs={"public_id": talk.public_id}) in page
    assert "A try" not in page
    assert "About another" not in page
    assert "1 in the last 30 days" in page


def test_the_newest_twenty_are_listed_and_all_are_counted(
    owner: Browser, world: Everything
) -> None:
    for number in range(25):
        cite(world, world.source, f"Question {number}?")
    page = shown(owner, world.source)
    assert "25 in the last 30 days" in page
    assert "Question 24?" in page
    assert "Question 5?" in page
    assert "Question 4?" not in page


def test_the_number_of_queries_does_not_grow(owner: Browser, world: Everything) -> None:
    path = path_of(world.source)
    cite(world, world.source)
    queries(owner, path)
    few = queries(owner, path)
    for number in range(15):
        cite(world, world.source, f"Question {number}?")
    say(world.source, *[f"Passage {number}." for number in range(200)])
    assert queries(owner, path) == few <= MOST_QUERIES


def test_questions_to_another_client_are_never_shown(
    owner: Browser, world: Everything, rival: Everything
) -> None:
    """Also if its rows named a document of ours."""
    cite(rival, world.source, "tromso asks")
    assert "tromso asks" not in shown(owner, world.source)


# --- Who may what ---------------------------------------------------------------------------


def test_a_viewer_reads_and_asks_but_changes_nothing(world: Everything) -> None:
    page = shown(browser_of(world, Role.VIEWER), world.source)
    assert "Ask this document" in page
    for word in ("Replace", "Delete", "again"):
        assert word not in page.partition("<main")[2]


def test_a_stranger_finds_nothing(world: Everything, rival: Everything) -> None:
    assert browser_of(rival).get(path_of(world.source)).status_code == 404
    assert browser_of(rival).get(path_of(world.source) + "?at=1").status_code == 404


def test_a_page_of_a_website_is_not_replaced(owner: Browser, world: Everything) -> None:
    Source.objects.filter(pk=world.source.pk).update(kind="page")
    page = shown(owner, world.source)
    assert "Replace" not in page
    assert "Read its file again" in page


@pytest.mark.parametrize(
    ("query", "status"), [("", 200), ("?q=", 200), ("?q=%00", 200), (f"?q={'x' * 5000}", 200)]
)
def test_a_search_for_nothing_is_an_empty_form(
    owner: Browser, world: Everything, query: str, status: int
) -> None:
    answer = owner.get(reverse("retrieval") + query)
    assert (answer.status_code, "found" in answer.context) == (status, False)


def test_a_client_without_a_chatbot_cannot_search(owner: Browser, world: Everything) -> None:
    world.bot.delete()
    page = owner.get(reverse("retrieval") + "?q=hours").content.decode()
    assert "no chatbot yet" in page
