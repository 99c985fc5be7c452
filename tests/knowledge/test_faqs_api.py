"""Questions and answers over HTTP, with a real worker behind them: learned, asked, cited."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from accounts import keys
from accounts.audit import Action
from accounts.models import AuditEvent
from knowledge import holdings
from knowledge.models import Faq, Passage, PostingList, Source
from tests.house import House, Tenant, cited_text, refused
from tests.services.waiting import wait_until

QUESTION = "Can I pick up my order in the shop?"
ANSWER = "Yes. Choose “pick-up” at the checkout, and bring your order number along."
FIELDS = {
    "id",
    "bot",
    "source_id",
    "question",
    "answer",
    "category",
    "priority",
    "status",
    "error",
    "created_at",
    "updated_at",
}


def change(shop: Tenant, faq: dict[str, Any], **fields: Any) -> httpx.Response:
    return shop.http.patch(f"/api/faqs/{faq['id']}", json=fields, headers=shop.bearer)


def listed(shop: Tenant, query: str = "") -> list[str]:
    response = shop.http.get(f"/api/faqs{query}", headers=shop.bearer)
    assert response.status_code == 200, response.text
    return [one["question"] for one in response.json()["results"]]


def said_to(shop: Tenant, question: str) -> str:
    return str(shop.chat(question).json()["answer"])


# --- Learned and asked ----------------------------------------------------------------------


def test_a_pair_is_learned_and_its_answer_is_quoted_and_cited(shop: Tenant) -> None:
    sent = shop.add_faq(QUESTION, ANSWER, category="Orders", priority="high")
    assert sent.status_code == 201
    assert set(sent.json()) == FIELDS
    assert sent.json()["status"] in Source.State.values  # the worker may be quick

    faq = shop.taught(sent.json()["id"])
    assert (faq["status"], faq["error"]) == ("ready", "")
    assert (faq["category"], faq["priority"]) == ("Orders", "high")

    answer = shop.chat("can i pick up my order in the shop").json()
    assert answer["answered"]
    assert answer["answer"] == f"{ANSWER} [1]"
    cited = answer["citations"][0]
    assert (cited["source_id"], cited["title"]) == (faq["source_id"], QUESTION)
    assert cited_text(cited) in ANSWER


def test_it_is_found_by_other_words(shop: Tenant) -> None:
    shop.teach(QUESTION, ANSWER)
    shop.learn("paint.md", "# Paint\n\nOur boots are painted by hand in Norwich.")
    best = shop.search("Is it possible to collect a parcel at your store?")[0]
    assert (best["title"], best["text"]) == (QUESTION, ANSWER)


def test_a_model_reads_the_question_with_its_answer(house: House, speaking: Tenant) -> None:
    faq = speaking.teach(QUESTION, ANSWER)
    house.fake.answer("At the checkout [1].")
    answer = speaking.chat("Where do I choose pick-up?").json()
    assert [cited["source_id"] for cited in answer["citations"]] == [faq["source_id"]]
    told = str(house.fake.requests[-1].body["messages"][0]["content"])
    assert f"[1] {QUESTION}\n{ANSWER}" in told


def test_many_paragraphs_of_an_answer_are_passages_under_the_question(shop: Tenant) -> None:
    answer = "\n\n".join(f"Step {number}. Do what the sheet says. " * 12 for number in range(9))
    faq = shop.teach(QUESTION, answer)
    passages = Passage.objects.filter(source__public_id=faq["source_id"])
    assert passages.count() > 3
    assert set(passages.values_list("heading", flat=True)) == {QUESTION}


def test_a_longer_answer_is_quoted_to_its_end(shop: Tenant) -> None:
    steps = [f"In step {number} you fold part {number} of the tent along its seam." for number in
             range(1, 15)]  # fmt: skip
    shop.teach("How do I fold my tent?", " ".join(steps))
    answer = said_to(shop, "How do I fold my tent?")
    assert answer == f"{' '.join(steps)} [1]"


def test_an_unrelated_question_is_refused_whatever_the_priority(shop: Tenant) -> None:
    shop.teach(QUESTION, ANSWER, priority="high")
    shop.teach("What does delivery to Norway cost?", "It costs £12.", priority="high")
    for question in ("Who won the chess world cup?", "Do you rent out tents?"):
        assert not shop.chat(question).json()["answered"], question


@pytest.mark.parametrize(("priority", "wins"), [("high", True), ("normal", None), ("low", False)])
def test_priority_decides_between_answers_that_are_equally_good(
    shop: Tenant, priority: str, wins: bool | None
) -> None:
    question = "How long is the warranty on boots?"
    document = f"# {question}\n\nThe warranty on boots lasts two years."
    shop.learn("warranty.md", document)
    faq = shop.teach(question, "The warranty on boots lasts three years.", priority=priority)
    hits = shop.search(question)
    assert len(hits) == 2
    if wins is not None:
        assert (hits[0]["source_id"] == faq["source_id"]) == wins
        assert ("three" in said_to(shop, question).split("[1]")[0]) == wins


def test_priority_changes_no_score(shop: Tenant) -> None:
    faq = shop.teach(QUESTION, ANSWER)
    before = shop.search(QUESTION)[0]["score"]
    assert change(shop, faq, priority="low").json()["status"] == "ready"  # nothing to be read again
    assert shop.search(QUESTION)[0]["score"] == before


# --- Changed and deleted --------------------------------------------------------------------


def test_a_change_is_a_new_version_and_never_both_answer(shop: Tenant) -> None:
    faq = shop.teach(QUESTION, ANSWER)
    changed = change(shop, faq, answer="No, we send everything by mail.")
    assert changed.status_code == 200
    assert changed.json()["updated_at"] > faq["updated_at"]
    assert shop.taught(faq["id"])["status"] == "ready"
    source = shop.source(faq["source_id"])
    assert (source.version, source.live_version) == (2, 2)
    assert [one["text"] for one in shop.search(QUESTION)] == ["No, we send everything by mail."]
    assert Passage.objects.filter(source=source).count() == 1
    shop.base.refresh_from_db()
    assert shop.base.live_passages == 1


def test_a_changed_question_is_the_title_of_what_is_cited(shop: Tenant) -> None:
    faq = shop.teach(QUESTION, ANSWER)
    change(shop, faq, question="May I collect my order?")
    shop.taught(faq["id"])
    answer = shop.chat("May I collect my order?").json()
    assert answer["citations"][0]["title"] == "May I collect my order?"


def test_a_change_of_nothing_writes_nothing(shop: Tenant) -> None:
    faq = shop.teach(QUESTION, ANSWER)
    assert change(shop, faq, answer=f"{ANSWER}  \n").json() == faq
    assert shop.source(faq["source_id"]).version == 1


def test_a_deleted_pair_leaves_nothing_behind(shop: Tenant) -> None:
    faq = shop.teach(QUESTION, ANSWER)
    deleted = shop.http.delete(f"/api/faqs/{faq['id']}", headers=shop.bearer)
    assert deleted.status_code == 204
    assert shop.search(QUESTION) == []
    own = Source.objects.filter(knowledge_base=shop.base)
    wait_until(lambda: not own.exists(), 30)
    assert not PostingList.objects.filter(knowledge_base=shop.base).exists()
    assert not shop.chat(QUESTION).json()["answered"]
    shop.base.refresh_from_db()
    assert (shop.base.live_passages, shop.base.live_terms) == (0, 0)


def test_what_was_done_stands_in_the_audit_log(shop: Tenant) -> None:
    faq = shop.teach(QUESTION, ANSWER)
    change(shop, faq, category="Orders")
    shop.http.delete(f"/api/faqs/{faq['id']}", headers=shop.bearer)
    noted = AuditEvent.objects.for_client(shop.client).filter(action__startswith="faq.")
    assert list(noted.order_by("pk").values_list("action", flat=True)) == [
        Action.FAQ_ADDED,
        Action.FAQ_CHANGED,
        Action.FAQ_DELETED,
    ]
    assert set(noted.values_list("target", flat=True)) == {QUESTION}


# --- Beside documents -----------------------------------------------------------------------


def test_a_pair_is_no_document(shop: Tenant) -> None:
    faq = shop.teach(QUESTION, ANSWER)
    documents = shop.http.get("/api/documents", headers=shop.bearer).json()["results"]
    assert documents == []
    address = f"/api/documents/{faq['source_id']}"
    assert shop.http.get(address, headers=shop.bearer).status_code == 404
    assert shop.http.delete(address, headers=shop.bearer).status_code == 404
    held = holdings.of(shop.client)
    assert (held["documents"], held["crawl_pages"]) == (0, 0)
    assert held["knowledge_bytes"] == len(f"{QUESTION}{ANSWER}".encode())


def test_a_document_of_the_same_words_is_another_source(shop: Tenant) -> None:
    faq = shop.teach(QUESTION, ANSWER)
    document = shop.learn("pick-up.txt", ANSWER)
    assert document["status"] == "ready"
    assert {one["source_id"] for one in shop.search(QUESTION)} == {faq["source_id"], document["id"]}


def test_two_questions_may_have_the_same_answer(shop: Tenant) -> None:
    shop.teach(QUESTION, ANSWER)
    assert shop.teach("Where do I collect my parcel?", ANSWER)["status"] == "ready"


# --- The list -------------------------------------------------------------------------------


def test_the_list_is_cut_into_pages_and_filtered(shop: Tenant) -> None:
    shop.teach("What is one?", "The first.", category="Numbers")
    shop.teach("What is two?", "The second.", category="Numbers")
    shop.teach("What is red?", "A colour.")
    assert listed(shop) == ["What is red?", "What is two?", "What is one?"]
    assert listed(shop, "?category=Numbers") == ["What is two?", "What is one?"]
    assert listed(shop, "?category=") == ["What is red?"]
    assert listed(shop, "?q=COLOUR") == ["What is red?"]
    assert listed(shop, "?q=%00&bot=%00") == ["What is red?", "What is two?", "What is one?"]
    assert listed(shop, "?bot=bot_of_nobody") == []
    first = shop.http.get("/api/faqs?limit=2", headers=shop.bearer).json()
    second = shop.http.get(first["next"], headers=shop.bearer).json()
    assert [one["question"] for one in second["results"]] == ["What is one?"]


# --- Bad input, strangers -------------------------------------------------------------------


@pytest.mark.parametrize(
    "other", [QUESTION, "CAN I pick up   my order in the shop", f" {QUESTION}?!"]
)
def test_the_same_question_twice_is_refused(shop: Tenant, other: str) -> None:
    shop.teach(QUESTION, ANSWER)
    assert refused(shop.add_faq(other, "Another answer.")) == (409, "same_question")
    second = shop.teach("Is there parking?", "Yes.")
    assert refused(change(shop, second, question=other)) == (409, "same_question")
    assert Faq.objects.for_client(shop.client).count() == 2


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"question": ""}, "invalid"),
        ({"question": " \n "}, "invalid"),
        ({"question": "?!"}, "question"),
        ({"question": "w" * 251}, "question"),
        ({"question": ["a"]}, "invalid"),
        ({"question": "a\x00b"}, "invalid"),
        ({"answer": ""}, "invalid"),
        ({"answer": "👍"}, "answer"),
        ({"answer": "w" * 10_001}, "answer"),
        ({"category": "c" * 81}, "category"),
        ({"category": None}, "invalid"),
        ({"priority": "urgent"}, "invalid"),
        ({"priority": 7}, "invalid"),
    ],
)
def test_bad_input_is_told_and_leaves_nothing(
    shop: Tenant, fields: dict[str, Any], code: str
) -> None:
    body = {"bot": shop.bot.public_id, "question": QUESTION, "answer": ANSWER} | fields
    sent = shop.http.post("/api/faqs", json=body, headers=shop.bearer)
    assert refused(sent) == (400, code)
    assert not Source.objects.for_client(shop.client).exists()
    faq = shop.teach(QUESTION, ANSWER)
    assert refused(change(shop, faq, **fields)) == (400, code)
    assert shop.faq(faq["id"]) == faq


def test_what_is_missing_is_told(shop: Tenant) -> None:
    for missing in ("bot", "question", "answer"):
        body = {"bot": shop.bot.public_id, "question": QUESTION, "answer": ANSWER}
        del body[missing]
        sent = shop.http.post("/api/faqs", json=body, headers=shop.bearer)
        assert refused(sent) == (400, "invalid")
        assert missing in sent.json()["error"]["message"]


def test_strangers_get_404(shop: Tenant, rival: Tenant) -> None:
    faq = shop.teach(QUESTION, ANSWER)
    address = f"/api/faqs/{faq['id']}"
    assert rival.http.get(address, headers=rival.bearer).status_code == 404
    assert rival.http.patch(address, json={"answer": "x"}, headers=rival.bearer).status_code == 404
    assert rival.http.delete(address, headers=rival.bearer).status_code == 404
    assert listed(rival) == []
    assert listed(rival, f"?bot={shop.bot.public_id}") == []
    into = rival.add_faq(QUESTION, ANSWER, bot=shop.bot.public_id)
    assert refused(into) == (404, "unknown_bot")
    assert rival.teach(QUESTION, "Ours.")["status"] == "ready"  # the same question of another


def test_a_key_needs_the_right_to_write(shop: Tenant) -> None:
    _, reading = keys.make(shop.client, "Reader", scopes=["read"])
    headers = {"Authorization": f"Bearer {reading}"}
    body = {"bot": shop.bot.public_id, "question": QUESTION, "answer": ANSWER}
    assert shop.http.post("/api/faqs", json=body, headers=headers).status_code == 403
    assert shop.http.get("/api/faqs", headers=headers).status_code == 200
    assert shop.http.get("/api/faqs").status_code == 401


def test_an_inactive_client_changes_nothing(shop: Tenant) -> None:
    faq = shop.teach(QUESTION, ANSWER)
    type(shop.client).objects.filter(pk=shop.client.pk).update(is_active=False)
    assert refused(shop.add_faq("Is it late?", "Yes.")) == (402, "subscription_inactive")
    assert refused(change(shop, faq, answer="No.")) == (402, "subscription_inactive")
    assert Faq.objects.for_client(shop.client).get().answer == ANSWER
