"""The page that shows what a search finds: each passage with both scores and both ranks."""

from __future__ import annotations

from dataclasses import dataclass
from operator import attrgetter

import pytest
from lxml import html

from tests.house import Tenant

FACTS = {
    "hours.md": "# Opening hours\n\nThe shop opens at nine and closes at six.",
    "returns.md": "# Returns\n\nYou may send goods back within sixty days of delivery.",
    "parking.md": "# Parking\n\nThere are twenty spaces for cars behind the building.",
    "delivery.md": "# Delivery\n\nParcels to Norway take five days; the price of delivery is £14.",
}
QUESTION = "How long does delivery to Norway take?"


@dataclass(frozen=True, slots=True)
class Row:
    """A passage as the page shows it; no rank is a dash there."""

    place: int
    title: str
    text: str
    score: float
    meaning: float
    meaning_rank: int | None
    words: float
    words_rank: int | None


@pytest.fixture
def taught(shop: Tenant) -> Tenant:
    for name, text in FACTS.items():
        assert shop.learn(name, text)["status"] == "ready"
    return shop


def rows(shop: Tenant, question: str) -> list[Row]:
    with shop.dashboard() as browser:
        page = browser.get("/app/knowledge/search/", params={"q": question})
    assert page.status_code == 200
    table = html.fromstring(page.text).xpath("//table[@class='hits']")[0]
    heads = [" ".join(head.text_content().split()) for head in table.xpath("thead//th")]
    assert heads == ["Place", "Passage", "Score", "Meaning", "Words"]
    return [row_of(row) for row in table.xpath("tbody/tr[not(@class='line')]")]


def row_of(row: html.HtmlElement) -> Row:
    place, score, meaning, words = (cell.text_content().split() for cell in row.xpath("td"))
    return Row(
        place=int(place[0]),
        title=row.xpath("string(th/a)"),
        text=row.xpath("string(th/p)"),
        score=float(score[0]),
        meaning=float(meaning[0]),
        meaning_rank=rank_of(meaning),
        words=float(words[0]),
        words_rank=rank_of(words),
    )


def rank_of(cell: list[str]) -> int | None:
    _, mark, rank = cell
    assert mark == "#"
    return None if rank == "–" else int(rank)


def test_passages_stand_in_the_order_of_their_scores(taught: Tenant) -> None:
    found = rows(taught, QUESTION)
    assert [row.place for row in found] == [1, 2, 3, 4]
    assert {row.title for row in found} == {"Opening hours", "Returns", "Parking", "Delivery"}
    assert found == sorted(found, key=attrgetter("score"), reverse=True)
    assert (found[0].title, "Parcels to Norway" in found[0].text) == ("Delivery", True)


def test_the_score_is_the_one_that_programs_get(taught: Tenant) -> None:
    told = {one["title"]: one["score"] for one in taught.search(QUESTION)}
    shown = {row.title: row.score for row in rows(taught, QUESTION)}
    assert shown == {title: pytest.approx(score, abs=0.0006) for title, score in told.items()}


def test_the_rank_in_meaning_is_the_place_by_closeness_alone(taught: Tenant) -> None:
    found = rows(taught, "Where do I leave my vehicle?")
    assert all(-1 <= row.meaning <= 1 for row in found)
    nearest = sorted(found, key=attrgetter("meaning"), reverse=True)
    assert [row.meaning_rank for row in nearest] == [1, 2, 3, 4]
    assert nearest[0].title == "Parking"


def test_the_rank_in_words_is_the_place_by_shared_words_alone(taught: Tenant) -> None:
    """A passage that shares no word has none."""
    found = rows(taught, QUESTION)
    sharing = [row for row in found if row.words]
    sharing.sort(key=attrgetter("words"), reverse=True)
    assert [(row.title, row.words_rank) for row in sharing] == [("Delivery", 1), ("Returns", 2)]
    assert {row.words_rank for row in found if not row.words} == {None}
    assert [row.words_rank for row in rows(taught, "Quantum chromodynamics?")] == [None] * 4
