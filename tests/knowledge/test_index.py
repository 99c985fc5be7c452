"""Search on real rows and a real Chroma, which may be slow, empty or gone."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from django.conf import settings
from django.db import connection, connections

from knowledge import healing, index, ingest, retrieve, sources
from knowledge.embedding import unpack
from knowledge.engine.embed import Matrix
from knowledge.engine.rank import fuse
from knowledge.models import KnowledgeBase, Passage
from knowledge.vectors import Vectors, VectorsDown, vectors
from tests import environment
from tests.house import House, Tenant
from tests.services.django import manage
from tests.services.waiting import wait_until

FACTS = {
    "hours.md": "# Opening hours\n\nThe shop opens at nine and closes at six.",
    "returns.md": "# Returns\n\nYou may send goods back within sixty days of delivery.",
    "parking.md": "# Parking\n\nThere are twenty spaces for cars behind the building.",
    "delivery.md": "# Delivery\n\n| Country | Days | Price |\n|---|---|---|\n| Norway | 5 | £14 |",
}


@pytest.fixture
def taught(shop: Tenant, tmp_path: Path) -> Tenant:
    """A shop that knows four things, read in this process or by the worker, whoever is first."""
    for name, text in FACTS.items():
        path = tmp_path / name
        path.write_text(text)
        ingest.ingest(sources.add_path(shop.base, path).pk)
    wait_until(lambda: known(shop) == len(FACTS), 30)
    return shop


def is_checked(shop: Tenant) -> bool:
    shop.base.refresh_from_db()
    return shop.base.index_checked_at is not None


def known(shop: Tenant) -> int:
    shop.base.refresh_from_db()
    return shop.base.live_passages


@pytest.mark.parametrize(
    ("question", "title"),
    [
        ("When do you open?", "Opening hours"),
        ("How can I send something back?", "Returns"),
        ("Where can I leave my car?", "Parking"),
        ("norway", "Delivery"),
    ],
)
def test_the_right_passage_comes_first(taught: Tenant, question: str, title: str) -> None:
    hits = retrieve.search(taught.base, question, count=3).hits
    assert hits[0].title == title
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)


def test_scores_are_the_same_without_chroma(house: House, taught: Tenant) -> None:
    """The candidates then come from the lexical half alone, each with its true cosine."""
    question = "Until when may goods be sent back after delivery?"
    with_chroma = retrieve.search(taught.base, question, count=1).hits[0]
    house.chroma.kill()
    try:
        without = retrieve.search(taught.base, question, count=1).hits[0]
    finally:
        house.chroma.start()
    assert without.id == with_chroma.id
    assert without.score == pytest.approx(with_chroma.score, abs=0.01)


def test_a_frozen_chroma_delays_a_search_by_its_time_out_at_most(
    house: House, taught: Tenant
) -> None:
    vectors().count(taught.base.collection)
    with house.chroma.paused():
        began = time.monotonic()
        hits = retrieve.search(taught.base, "When does the shop open?", count=1).hits
        waited = time.monotonic() - began
    assert hits[0].title == "Opening hours"
    assert waited < settings.CHROMA_TIMEOUT + 5


def test_an_index_that_is_being_filled_anew_hides_nothing_of_a_small_base(taught: Tenant) -> None:
    """It answers, but holds only a part of what there is."""
    wait_until(lambda: is_checked(taught), 60)  # else the worker heals it in between
    question = "Room for automobiles?"
    before = retrieve.search(taught.base, question, count=4).hits
    assert {hit.cosine_rank for hit in before} == {1, 2, 3, 4}
    vectors().remove(taught.base.collection, [hit.id for hit in before[:3]])
    assert vectors().count(taught.base.collection) == 1
    assert retrieve.search(taught.base, question, count=4).hits == before


def test_a_hit_that_is_no_live_passage_of_this_base_is_dropped(
    taught: Tenant, rival: Tenant
) -> None:
    """Whatever stands in the collection: rows decide."""
    foreign = retrieve.search(taught.base, "When do you open?", count=1).hits[0]
    vector = _vector(foreign.id)
    vectors().add(rival.base.collection, [foreign.id, 10**9], vector.repeat(2, axis=0))
    assert retrieve.search(rival.base, "When do you open?", count=5).hits == []


def test_a_collection_of_vectors_of_another_length_is_made_anew(taught: Tenant) -> None:
    """As after an update from which on the index holds less of each vector."""
    wait_until(lambda: is_checked(taught), 60)  # else the worker heals it in between
    vectors().drop(taught.base.collection)
    vectors().add(taught.base.collection, [10**9], np.ones((1, 7), np.float32))
    assert retrieve.search(taught.base, "When do you open?", count=1).hits
    assert not index.check(taught.base).ok
    KnowledgeBase.objects.filter(pk=taught.base.pk).doubt()
    healing.heal_some()
    wait_until(lambda: index.check(taught.base).ok, 60)


def test_any_number_may_write_to_one_collection(shop: Tenant) -> None:
    """Chroma itself stands still for good when two do at once."""
    rows = np.random.default_rng(1).normal(size=(4000, 256)).astype(np.float32)
    writers = [Vectors(settings.CHROMA_URL) for _ in range(4)]

    def write(begin: int) -> None:
        try:
            writers[begin % 4].add(shop.base.collection, range(begin, 4000, 16), rows[begin::16])
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write, range(16)))
    assert vectors().count(shop.base.collection) == 4000


def test_rebuild_index_says_what_differs(house: House, taught: Tenant) -> None:
    client = taught.client.public_id
    wait_until(lambda: is_checked(taught), 60)  # else the worker heals it in between
    assert (
        " ok: 4 passages"
        in manage("rebuild_index", "--check", "--client", client, env=house.env).stdout
    )
    vectors().drop(taught.base.collection)
    failed = manage("rebuild_index", "--check", "--client", client, env=house.env, check=False)
    assert failed.returncode == 1
    assert "DIFFERS" in failed.stdout
    assert " ok: 4 passages" in manage("rebuild_index", "--client", client, env=house.env).stdout


def test_rebuild_index_without_chroma_is_a_clear_error(house: House, taught: Tenant) -> None:
    nowhere = house.env | {"CHROMA_URL": "http://127.0.0.1:9"}
    failed = manage("rebuild_index", "--check", env=nowhere, check=False)
    assert failed.returncode == 1
    assert "Chroma does not answer" in failed.stderr
    assert "Traceback" not in failed.stderr


def test_the_terminal_reads_files_and_answers(house: House, shop: Tenant, tmp_path: Path) -> None:
    for name, text in FACTS.items():
        (tmp_path / name).write_text(text)
    (tmp_path / "picture.pdf").write_bytes(b"\x89PNG\r\n\x1a\n")
    bot = shop.bot.public_id
    read = manage("ingest", str(tmp_path), "--bot", bot, env=house.env, check=False)
    assert read.returncode == 1
    assert "picture.pdf" in read.stderr
    assert "4 passages ready" in read.stdout
    answer = manage("ask", "When does the shop open?", "--bot", bot, env=house.env).stdout
    assert "The shop opens at nine and closes at six. [1]" in answer
    assert "[1] Opening hours" in answer
    nobody = manage("ask", "Hello?", "--bot", "bot_unknown", env=house.env, check=False)
    assert nobody.returncode == 1
    assert "no bot" in nobody.stderr


def test_a_dead_address_is_one_exception_of_ours() -> None:
    with pytest.raises(VectorsDown):
        Vectors("http://127.0.0.1:9").count("anything")


def test_no_passage_is_found_by_a_question_of_other_words_alone(taught: Tenant) -> None:
    hits = retrieve.search(taught.base, "quantum chromodynamics", count=1).hits
    assert hits[0].score < 0.3
    assert fuse({}, {}) == []


def _vector(passage_id: int) -> Matrix:
    return unpack([bytes(Passage.objects.get(pk=passage_id).embedding)])


@pytest.fixture
def hosted(house: House, speaking: Tenant) -> Tenant:
    """A shop whose vectors come from an embedding server."""
    speaking.base.embedding_model = "hosted:text-embedding-3-small"
    speaking.base.save(update_fields=["embedding_model"])
    return speaking


def test_vectors_may_come_from_an_embedding_server(house: House, hosted: Tenant) -> None:
    assert hosted.learn("hours.md", FACTS["hours.md"])["status"] == "ready"
    asked = [one.body for one in house.fake.requests if one.path.endswith("/embeddings")]
    assert asked[0]["model"] == "text-embedding-3-small"
    assert "Opening hours" in asked[0]["input"][0]
    assert hosted.search("When does the shop open?")[0]["title"] == "Opening hours"


def test_a_document_waits_while_the_embedding_server_is_down(house: House, hosted: Tenant) -> None:
    house.fake.fail(500, on="embeddings", times=1000)
    document = hosted.upload("hours.md", FACTS["hours.md"]).json()["id"]
    house.fake.wait_until(lambda: len(house.fake.requests) >= 2, timeout=30)
    assert hosted.document(document)["error"] == ""
    house.fake.reset()
    assert hosted.finished(document)["status"] == "ready"


def test_without_the_embedding_server_words_are_searched_alone(
    house: House, hosted: Tenant
) -> None:
    hosted.learn("hours.md", FACTS["hours.md"])
    house.fake.fail(500, on="embeddings", times=1000)
    assert hosted.search("When does the shop open?")[0]["title"] == "Opening hours"
    assert hosted.search("quantum") == []


def test_the_suite_runs_on_the_database_that_it_says(house: House) -> None:
    assert connection.vendor == ("postgresql" if environment.ON_POSTGRES else "sqlite")
