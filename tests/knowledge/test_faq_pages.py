"""The pages of questions and answers: list, editor, and what becomes of a pair underneath."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client as Browser
from django.urls import reverse

from accounts.audit import Action
from accounts.models import AuditEvent, Client
from accounts.roles import Role
from chat.models import Bot
from knowledge import faqs, retrieve, tasks
from knowledge.embedding import default_model
from knowledge.faq_views import PAGE_SIZE
from knowledge.ingest import ingest
from knowledge.jobs import MOST_ATTEMPTS
from knowledge.models import Faq, KnowledgeBase, Passage, Source
from knowledge.pairs import checked
from tests.everything import Everything
from tests.queries import queries
from tests.services.chroma import Chroma

LIST, NEW = "/app/knowledge/faqs/", "/app/knowledge/faqs/new/"
HTMX = {"HX-Request": "true"}
MOST_QUERIES = 14
PAIR = {"question": "Is there parking?", "answer": "Yes, behind the shop.", "priority": "0"}


@pytest.fixture
def world(db: None) -> Everything:
    return Everything.make("zanzibar")


@pytest.fixture
def owner(world: Everything) -> Browser:
    return signed_in(world)


def signed_in(world: Everything, role: Role = Role.OWNER) -> Browser:
    browser = Browser()
    browser.force_login(world.people[role])
    return browser


def page_of(faq: Faq, name: str = "faq") -> str:
    return reverse(name, kwargs={"public_id": faq.public_id})


def add(world: Everything, count: int, **fields: Any) -> list[Faq]:
    made = []
    for number in range(count):
        name = f"Question {number} of {fields.get('category', 'none')}?"
        source = Source.objects.create(
            knowledge_base=world.base, kind="faq", title=name, format="text",
            sha256=name, state=fields.get("state", Source.State.READY), live_version=1,
        )  # fmt: skip
        made.append(
            Faq.objects.create(
                knowledge_base=world.base, source=source, question=name, key=name[:64],
                answer=f"Answer {number}.", category=fields.get("category", ""),
            )
        )  # fmt: skip
    return made


# --- The list -------------------------------------------------------------------------------


def test_the_list_shows_what_there_is(owner: Browser, world: Everything) -> None:
    add(world, 1, category="Hours")
    page = owner.get(LIST).content.decode()
    assert page.index("Question 0 of Hours?") < page.index(world.faq.question)  # newest first
    assert "Answer 0." in page
    assert world.faq.problem in page
    assert "Try again" in page
    assert 'aria-current="page">Questions and answers' in page


def test_an_empty_list_says_what_to_do(world: Everything) -> None:
    world.faq.source.delete()
    assert "Write down what you are asked" in signed_in(world).get(LIST).content.decode()
    viewer = signed_in(world, Role.VIEWER).get(LIST).content.decode()
    assert "Somebody who may edit" in viewer
    assert NEW not in viewer


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("?q=REPAIR", 1),
        ("?q=within a week", 1),
        ("?q=nothing", 0),
        ("?category=Hours", 2),
        ("?category=Hours&q=Answer 1", 1),
        ("?state=failed", 1),
        ("?state=ready", 3),
        ("?state=working", 0),
        # What makes no sense does not filter.
        ("?state=odd&category=nobody", 4),
        (f"?q={'x' * 500}", 4),
        ("?q=%00", 4),
        ("?page=99", 4),
        ("?bot=bot_of_nobody", 4),
    ],
)
def test_the_list_is_searched_and_filtered(
    owner: Browser, world: Everything, query: str, found: int
) -> None:
    add(world, 2, category="Hours")
    add(world, 1, category="Prices")
    assert len(owner.get(LIST + query).context["page"].object_list) == found


def test_a_filter_that_finds_nothing_offers_all(owner: Browser) -> None:
    assert "Show all" in owner.get(f"{LIST}?q=nothing").content.decode()


def test_fifty_stand_on_a_page_and_cost_as_many_queries_as_one(
    owner: Browser, world: Everything
) -> None:
    queries(owner, LIST)
    few = queries(owner, LIST)
    add(world, PAGE_SIZE, category="Hours")
    assert queries(owner, LIST) == few <= MOST_QUERIES
    first = owner.get(f"{LIST}?category=Hours")
    assert len(first.context["page"].object_list) == PAGE_SIZE
    assert "page=2" in owner.get(LIST).content.decode()
    assert world.faq in owner.get(f"{LIST}?page=2").context["page"].object_list


def test_the_api_lists_many_for_as_many_queries_as_one(owner: Browser, world: Everything) -> None:
    queries(owner, "/api/faqs")
    few = queries(owner, "/api/faqs")
    add(world, 20)
    assert queries(owner, "/api/faqs") == few <= MOST_QUERIES


def test_it_polls_only_while_something_is_being_learned(owner: Browser, world: Everything) -> None:
    assert "every 2s" not in owner.get(LIST).content.decode()
    Source.objects.filter(pk=world.faq.source_id).update(state=Source.State.QUEUED)
    fragment = owner.get(f"{LIST}?q=repair", headers=HTMX)
    assert 'hx-get="/app/knowledge/faqs/?q=repair"' in fragment.content.decode()
    assert b"<html" not in fragment.content
    assert "HX-Request" in fragment["Vary"]
    state = owner.get(page_of(world.faq), headers=HTMX).content.decode()
    assert "every 2s" in state
    assert "<html" not in state


def test_a_pair_is_no_source_of_the_other_list(owner: Browser, world: Everything) -> None:
    page = owner.get("/app/knowledge/")
    assert world.faq.source not in page.context["page"].object_list
    source = reverse("source", kwargs={"public_id": world.faq.source.public_id})
    assert owner.get(source).headers["Location"] == page_of(world.faq, "faq")
    delete = reverse("delete_source", kwargs={"public_id": world.faq.source.public_id})
    assert owner.post(delete).status_code == 404


# --- The editor -----------------------------------------------------------------------------


def test_a_pair_is_written(owner: Browser, world: Everything) -> None:
    assert "As your customers ask it." in owner.get(NEW).content.decode()
    answer = owner.post(NEW, PAIR | {"category": " Your  visit ", "priority": "1"}, follow=True)
    assert answer.redirect_chain == [(LIST, 302)]
    assert "“Is there parking?” is added." in answer.content.decode()
    made = world.base.faqs.latest("pk")
    assert (made.answer, made.category, made.priority) == (PAIR["answer"], "Your visit", 1)
    assert (made.source.state, made.source.title) == ("queued", "Is there parking?")
    event = AuditEvent.objects.for_client(world.client).latest("pk")
    assert (event.action, event.target) == (Action.FAQ_ADDED, "Is there parking?")
    assert event.actor == world.people[Role.OWNER]


def test_the_editor_takes_a_question_that_was_asked_in_vain(
    owner: Browser, world: Everything
) -> None:
    asked = "Do you rent <b>tents</b>?" + "x" * 300
    page = owner.get(NEW, {"question": asked + "\0"}).content.decode()
    assert 'value="Do you rent &lt;b&gt;tents&lt;/b&gt;?' in page
    conversation = f"/app/conversations/{world.conversation.public_id}/"
    link = f"{NEW}?question=Does%20zanzibar%20rent%20tents%3F"
    assert link in owner.get(conversation).content.decode()
    assert link in owner.get("/app/analytics/").content.decode()
    viewer = signed_in(world, Role.VIEWER)
    assert NEW not in viewer.get(conversation).content.decode()
    assert NEW not in viewer.get("/app/analytics/").content.decode()


def test_a_pair_is_changed_and_read_anew(owner: Browser, world: Everything) -> None:
    page = owner.get(page_of(world.faq)).content.decode()
    assert world.faq.answer in page
    sent = {"question": world.faq.question, "answer": "Not any more.", "priority": "-1"}
    assert owner.post(page_of(world.faq, "save_faq"), sent).status_code == 302
    world.faq.refresh_from_db()
    assert (world.faq.answer, world.faq.category, world.faq.priority) == ("Not any more.", "", -1)
    assert (world.faq.source.state, world.faq.source.version) == ("queued", 2)


@pytest.mark.parametrize(
    ("fields", "field", "reason"),
    [
        ({"question": ""}, "question", "required"),
        ({"question": "x" * 251}, "question", "250"),
        ({"question": "?!"}, "question", "no word"),
        ({"answer": " "}, "answer", "required"),
        ({"answer": "x" * 10_001}, "answer", "10000"),
        ({"answer": "a\0b"}, "answer", "Null characters"),
        ({"category": "x" * 81}, "category", "80"),
        ({"priority": "9"}, "priority", "valid choice"),
        ({"question": "does ZANZIBAR repair boots"}, "question", "has an answer already"),
    ],
)
def test_a_mistake_brings_the_editor_back_with_what_was_typed(
    owner: Browser, world: Everything, fields: dict[str, str], field: str, reason: str
) -> None:
    changed = add(world, 1)[0]
    for path in (NEW, page_of(changed, "save_faq")):
        answer = owner.post(path, PAIR | fields)
        assert answer.status_code in {409, 422}
        assert reason in " ".join(answer.context["form"].errors[field])
        assert (fields.get("answer") or PAIR["answer"])[:20] in answer.content.decode()
    assert world.base.faqs.count() == 2
    assert Faq.objects.get(pk=changed.pk).answer == "Answer 0."


def test_a_pair_is_deleted_with_all_that_was_made_of_it(owner: Browser, world: Everything) -> None:
    answer = owner.post(page_of(world.faq, "delete_faq"), follow=True)
    assert "is deleted" in answer.content.decode()
    assert not Faq.objects.exists()
    tasks.remove_source(world.faq.source_id)
    assert not Source.objects.filter(kind="faq").exists()
    event = AuditEvent.objects.for_client(world.client).latest("pk")
    assert (event.action, event.target) == (Action.FAQ_DELETED, world.faq.question)
    assert owner.post(page_of(world.faq, "delete_faq")).status_code == 404  # in another tab


def test_a_failed_pair_says_why_and_is_tried_again(owner: Browser, world: Everything) -> None:
    page = owner.get(page_of(world.faq)).content.decode()
    assert "also after several tries" in page
    assert "Try again" in page
    assert owner.post(page_of(world.faq, "retry_faq")).status_code == 302
    world.faq.source.refresh_from_db()
    assert world.faq.source.state == Source.State.QUEUED
    assert owner.post(page_of(world.faq, "retry_faq")).status_code == 409  # a second click


def test_viewers_read_and_change_nothing(world: Everything) -> None:
    viewer = signed_in(world, Role.VIEWER)
    page = viewer.get(page_of(world.faq)).content.decode()
    assert world.faq.answer in page
    assert "<textarea" not in page
    assert "Try again" not in page
    assert "Import" not in viewer.get(LIST).content.decode()
    assert viewer.get(NEW).status_code == 403
    for name in ("save_faq", "delete_faq", "retry_faq"):
        assert viewer.post(page_of(world.faq, name), PAIR).status_code == 403
    assert Faq.objects.get().answer == world.faq.answer


def test_an_inactive_client_looks_and_changes_nothing(owner: Browser, world: Everything) -> None:
    Client.objects.filter(pk=world.client.pk).update(is_active=False)
    assert world.faq.answer in owner.get(page_of(world.faq)).content.decode()
    assert "<textarea" not in owner.get(NEW).content.decode()
    assert owner.post(NEW, PAIR).status_code == 402
    assert owner.post(page_of(world.faq, "save_faq"), PAIR).status_code == 402
    assert owner.post(page_of(world.faq, "delete_faq")).status_code == 402
    assert Faq.objects.count() == 1


def test_wrong_methods_do_nothing(owner: Browser, world: Everything) -> None:
    for name in ("save_faq", "delete_faq", "retry_faq"):
        assert owner.get(page_of(world.faq, name)).status_code == 405
    assert owner.post(LIST).status_code == 405


def test_no_more_are_taken_than_a_chatbot_holds(
    owner: Browser, world: Everything, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(faqs, "MOST_FAQS", 1)
    answer = owner.post(NEW, PAIR)
    assert answer.status_code == 409
    assert "at most" in answer.content.decode()
    assert PAIR["answer"] in answer.content.decode()
    assert world.base.faqs.count() == 1


def test_each_chatbot_has_its_own_question(owner: Browser, world: Everything) -> None:
    base = KnowledgeBase.objects.create(client=world.client, name="B", embedding_model="none")
    second = Bot.objects.create(client=world.client, knowledge_base=base, name="Second")
    assert "For which chatbot" in owner.get(NEW).content.decode()
    assert owner.post(NEW, PAIR).status_code == 422  # which?
    same = PAIR | {"question": world.faq.question, "bot": second.public_id}
    assert owner.post(NEW, same).status_code == 302
    shown = owner.get(f"{LIST}?bot={second.public_id}").context["page"].object_list
    assert [one.knowledge_base for one in shown] == [base]


def test_text_of_any_script_never_becomes_markup(owner: Browser, world: Everything) -> None:
    text = "<img src=x> ‮مرحبا 😀"
    Faq.objects.update(question=text, answer=text, category=text)
    for path in (LIST, page_of(world.faq)):
        page = owner.get(path).content.decode()
        assert "<img src=x>" not in page
        assert "&lt;img src=x&gt; ‮مرحبا 😀" in page


# --- Underneath -----------------------------------------------------------------------------


@pytest.fixture
def taught(world: Everything, owner: Browser, chroma: Chroma) -> Faq:
    KnowledgeBase.objects.update(embedding_model=default_model(), live_passages=0, live_terms=0)
    Source.objects.filter(pk=world.source.pk).delete()
    owner.post(NEW, PAIR)
    faq = world.base.faqs.select_related("source", "knowledge_base__client").latest("pk")
    ingest(faq.source_id)
    return faq


def best(faq: Faq) -> list[str]:
    base = KnowledgeBase.objects.get(pk=faq.knowledge_base_id)
    return [hit.text for hit in retrieve.search(base, "Is there parking?", count=5).hits]


def test_the_old_answer_is_given_while_the_model_is_down(
    owner: Browser, taught: Faq, settings
) -> None:
    assert best(taught) == [PAIR["answer"]]
    settings.OPENAI_API_KEY, settings.OPENAI_BASE_URL = "sk-none", "http://127.0.0.1:9/v1"
    KnowledgeBase.objects.update(embedding_model="hosted:nobody")
    owner.post(page_of(taught, "save_faq"), PAIR | {"answer": "No, not any more."})
    ingest(taught.source_id)
    source = Source.objects.get(pk=taught.source_id)
    assert (source.state, source.version, source.live_version) == ("queued", 2, 1)
    assert best(taught) == [PAIR["answer"]]

    Source.objects.filter(pk=source.pk).update(attempts=MOST_ATTEMPTS, lease="")
    ingest(source.pk)
    page = owner.get(page_of(taught)).content.decode()
    assert "Answers still use the version before." in page
    assert best(taught) == [PAIR["answer"]]

    KnowledgeBase.objects.update(embedding_model=default_model())
    owner.post(page_of(taught, "retry_faq"))
    ingest(source.pk)
    assert best(taught) == ["No, not any more."]
    assert Passage.objects.filter(source=source).count() == 1


def test_a_change_takes_the_work_from_whoever_reads_the_version_before(
    owner: Browser, taught: Faq, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two edits, the second while the first is being embedded."""
    save = page_of(taught, "save_faq")
    owner.post(save, PAIR | {"answer": "The first edit."})

    def edited_meanwhile(*_: object) -> None:
        owner.post(save, PAIR | {"answer": "The second edit."})

    monkeypatch.setattr("knowledge.lexical.store", edited_meanwhile)
    ingest(taught.source_id)
    monkeypatch.undo()
    assert best(taught) == [PAIR["answer"]]
    ingest(taught.source_id)
    assert best(taught) == ["The second edit."]


def test_a_pair_that_is_deleted_while_it_is_edited_is_told(
    world: Everything, owner: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock = faqs.lock

    def deleted_meanwhile(client: Client) -> Client:
        Source.objects.filter(pk=world.faq.source_id).delete()
        return lock(client)

    monkeypatch.setattr(faqs, "lock", deleted_meanwhile)
    answer = owner.post(page_of(world.faq, "save_faq"), PAIR)
    assert answer.status_code == 404
    assert "deleted meanwhile" in answer.content.decode()
    assert PAIR["answer"] in answer.content.decode()  # not lost to who typed it


def test_the_same_pair_is_the_same_in_any_order_of_ingestion(taught: Faq) -> None:
    ingest(taught.source_id)  # a second message
    assert Passage.objects.filter(source=taught.source_id).count() == 1
    pair = checked("  Is \n there parking? ", "Yes, behind the shop.\r\n")
    assert not faqs.differs(Faq.objects.get(pk=taught.pk), pair)
