"""Searching one document alone, and the page that tells how a search found what it found."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from django.conf import settings
from django.test import Client as Browser

from knowledge import retrieve
from knowledge.embedding import unpack
from knowledge.models import Source
from tests.chat.test_playground import Member, data_of
from tests.house import House, Tenant, refused, session_of

CROWD = "\n\n".join(
    f"## Room {number}\n\n" + f"The swimming pool of room {number} opens in the morning. " * 16
    for number in range(80)
)
LONE = "# Garden\n\nThe garden closes at dusk.\n\n## Pond\n\nIn the pond live carps. Do not swim."
QUESTION = "When does the swimming pool open in the morning?"
OUT = ("score", "cosine", "lexical")


@pytest.fixture(scope="module")
def crowded(house: House) -> Tenant:
    """One document of many passages that fit, one of a few that hardly do."""
    tenant = house.tenant()
    tenant.learn("rooms.md", CROWD)
    tenant.learn("garden.md", LONE)
    return tenant


def source(tenant: Tenant, title: str) -> Source:
    return Source.objects.for_client(tenant.client).get(title=title)


def test_one_source_is_searched_whole_and_alone(crowded: Tenant) -> None:
    """Of the whole base its passages would not be among the best 50."""
    garden = source(crowded, "Garden")
    everywhere = retrieve.search(crowded.base, QUESTION, count=50).hits
    assert len(everywhere) == 50
    assert garden.public_id not in {hit.source_id for hit in everywhere}
    within = retrieve.search(crowded.base, QUESTION, count=50, within=garden).hits
    assert {hit.source_id for hit in within} == {garden.public_id}
    assert len(within) == garden.passages.count()
    assert [hit.cosine_rank for hit in sorted(within, key=lambda one: -one.cosine)] == [
        *range(1, len(within) + 1)
    ]


def test_scores_within_a_source_are_those_of_the_whole_base(crowded: Tenant) -> None:
    rooms = source(crowded, "rooms")
    whole = {hit.id: hit for hit in retrieve.search(crowded.base, QUESTION, count=50).hits}
    within = retrieve.search(crowded.base, QUESTION, count=50, within=rooms).hits
    shared = [hit for hit in within if hit.id in whole]
    assert len(shared) >= 40
    for hit in shared:
        mine, other = ([getattr(one, name) for name in OUT] for one in (hit, whole[hit.id]))
        assert mine == pytest.approx(other, abs=0.002)  # Chroma's cosines are of rounded vectors


def test_the_nearest_of_a_large_source_are_found_batch_by_batch(
    crowded: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    rooms = source(crowded, "rooms")
    vector = np.ones(384, dtype=np.float32)
    rows = dict(rooms.passages.values_list("pk", "embedding"))
    cosines = dict(zip(rows, unpack(map(bytes, rows.values())) @ vector, strict=True))
    best = sorted(cosines, key=lambda pk: -cosines[pk])[: retrieve.CANDIDATES]
    monkeypatch.setattr(retrieve, "COMPARED_AT_ONCE", 7)
    assert list(retrieve._nearest_among(rooms.passages.live(), crowded.base, vector)) == best


def test_ranks_say_which_search_found_it(crowded: Tenant) -> None:
    hits = retrieve.search(crowded.base, "carps pond", count=50).hits
    assert (hits[0].cosine_rank, hits[0].lexical_rank) == (1, 1)
    assert any(hit.lexical_rank is None for hit in hits)  # shares no word
    for ranks in ([hit.cosine_rank for hit in hits], [hit.lexical_rank for hit in hits]):
        seen = [rank for rank in ranks if rank is not None]
        assert len(seen) == len(set(seen))
        assert set(seen) <= set(range(1, retrieve.CANDIDATES + 1))


def test_the_time_of_each_step_is_told(crowded: Tenant) -> None:
    seconds = retrieve.search(crowded.base, QUESTION, count=5).seconds
    assert set(seconds) == {"words", "embedding", "meaning", "ranking"}
    assert all(value >= 0 for value in seconds.values())


def test_the_api_gives_the_fields_of_the_contract_and_no_others(crowded: Tenant) -> None:
    assert set(crowded.search(QUESTION)[0]) == {
        "id",
        "source_id",
        "title",
        "text",
        "score",
        "start",
        "end",
    }


# --- Asking one document --------------------------------------------------------------------


@pytest.fixture
def member(crowded: Tenant) -> Any:
    someone = Member(crowded)
    yield someone
    someone.http.close()


def test_a_document_is_asked_alone(crowded: Tenant, member: Member) -> None:
    garden = source(crowded, "Garden").public_id
    events = member.ask("When does the garden close?", source=garden)
    assert {one["source_id"] for one in data_of(events, "passages")} == {garden}
    assert data_of(events, "done")["answered"] is True
    assert {one["source_id"] for one in data_of(events, "citations")} == {garden}
    refusal = member.ask(QUESTION, source=garden)  # the other document would answer
    assert data_of(refusal, "done")["answered"] is False


def test_a_document_of_somebody_else_cannot_be_asked(
    crowded: Tenant, member: Member, rival: Tenant
) -> None:
    theirs = rival.learn("a.txt", "The rival opens at ten.")["id"]
    for name in (theirs, "src_unknown"):
        assert refused(member.post("When?", source=name)) == (404, "unknown_source")


# --- The page -------------------------------------------------------------------------------


@pytest.fixture
def browser(crowded: Tenant) -> Browser:
    browser = Browser()
    browser.cookies[settings.SESSION_COOKIE_NAME] = session_of(crowded.member())
    return browser


def test_the_page_tells_scores_ranks_and_the_line(crowded: Tenant, browser: Browser) -> None:
    answer = browser.get("/app/knowledge/search/", {"q": "carps pond"})
    page = answer.content.decode()
    hits, above = answer.context["hits"], answer.context["above"]
    assert 0 < above < len(hits)
    assert all((hit.score >= 0.3) == (place < above) for place, hit in enumerate(hits))
    first = hits[0]
    for figure in (first.score, first.cosine, first.lexical):
        assert f"{figure:.3f}" in page
    assert f"/app/knowledge/{first.source_id}/?at={first.start}" in page
    assert page.count("it is never quoted") == 1
    assert "ms: words" in page
    follow = browser.get(f"/app/knowledge/{first.source_id}/?at={first.start}")
    number = int(follow["Location"].rpartition("-")[2])
    passage = source(crowded, "Garden").passages.get(position=number - 1)
    assert passage.pk == first.id


def test_a_question_about_nothing_lies_below_the_line(browser: Browser) -> None:
    answer = browser.get("/app/knowledge/search/", {"q": "quantum entanglement of hadrons"})
    assert answer.context["above"] == 0
    assert "does not know" in answer.content.decode()
