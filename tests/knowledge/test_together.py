"""Short sources of one base go through all steps together, and each ends for itself."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import default_storage

from knowledge import ingest, jobs, local_copy, publishing, removal, sources, storing
from knowledge.engine import reading_processes, sandbox
from knowledge.engine.errors import EmbedderRefused
from knowledge.models import Passage, Segment, Source
from knowledge.vectors import vectors
from tests.house import House, Tenant
from tests.knowledge.postings import indexed_passages
from tests.services.waiting import wait_until


@pytest.fixture
def idle(house: House) -> Iterator[House]:
    """Nobody works but this process."""
    house.worker.kill()
    yield house
    house.worker.start()


def claimed(shop: Tenant, folder: Path, texts: list[str]) -> list[Source]:
    made = []
    for number, text in enumerate(texts):
        path = folder / f"{number}.html"
        path.write_text(text)
        made.append(sources.add_path(shop.base, path))
    first = jobs.claim(made[0].pk)
    assert first is not None
    return [first, *jobs.claim_alike(first)]


def states(taken: list[Source]) -> list[str]:
    return [Source.objects.get(pk=source.pk).state for source in taken]


def assert_whole(shop: Tenant) -> None:
    """The base holds, counts and indexes the passages of what is ready, and no others."""
    live = Passage.objects.live().filter(source__knowledge_base=shop.base)
    everything = Passage.objects.filter(source__knowledge_base=shop.base)
    shop.base.refresh_from_db()
    assert live.count() == everything.count() == shop.base.live_passages
    assert vectors().count(shop.base.collection) == live.count()
    assert indexed_passages(shop.base) == set(live.values_list("pk", flat=True))


def test_what_cannot_be_read_costs_the_others_nothing(
    shop: Tenant, idle: House, tmp_path: Path
) -> None:
    texts = [f"<p>Rule {number} of the house.</p>" for number in range(5)]
    texts[2] = "<script>nothing()</script>"
    taken = claimed(shop, tmp_path, texts)
    assert len(taken) == 5
    ingest.run(taken)
    assert states(taken) == ["ready", "ready", "failed", "ready", "ready"]
    assert_whole(shop)


def test_short_files_are_read_by_one_process_and_what_it_does_not_read_alone(
    shop: Tenant, idle: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs_done = watched(monkeypatch)
    texts = [f"<p>Rule {number} of the house.</p>" for number in range(5)]
    texts[2] = "<script>nothing()</script>"
    taken = claimed(shop, tmp_path, texts)
    Path(default_storage.path(taken[3].file)).unlink()
    ingest.run(taken)
    assert states(taken) == ["ready", "ready", "failed", "failed", "ready"]
    reasons = [Source.objects.get(pk=source.pk).error for source in taken]
    assert reasons[2] == "There is no text in this page."
    assert reasons[3] == local_copy.GONE
    assert jobs_done == ["several", "passages"]
    assert_whole(shop)


def test_what_ends_the_process_costs_the_others_nothing(
    shop: Tenant, idle: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each has more text than the pipe holds: the process is still at work on them."""
    jobs_done = watched(monkeypatch)
    whole, ended = sandbox._whole, list[str]()

    def killed_after_two(lines: sandbox.Lines) -> sandbox.Reading | None:
        text = whole(lines)
        ended.append(text.title if text else "")
        if len(ended) == 2:
            os.killpg(lines.child.pid, signal.SIGKILL)
        return text

    monkeypatch.setattr(sandbox, "_whole", killed_after_two)
    long = [f"<title>{n}</title>" + f"<p>Rule {n} of the house.</p>" * 2000 for n in range(5)]
    taken = claimed(shop, tmp_path, long)
    ingest.run(taken)
    assert states(taken) == ["ready"] * 5
    assert ended == ["0", "1", ""]
    assert jobs_done == ["several", "passages", "passages", "passages"]
    assert_whole(shop)


def watched(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What processes were made for."""
    made = list[str]()
    usual = reading_processes.Child

    def child(job: dict[str, Any], *given: Any) -> reading_processes.Child:
        made.append(job["does"])
        return usual(job, *given)

    monkeypatch.setattr(sandbox, "Child", child)
    return made


def test_what_is_deleted_on_the_way_leaves_nothing_behind(
    shop: Tenant, idle: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken = claimed(shop, tmp_path, [f"<p>Rule {number} of the house.</p>" for number in range(5)])
    store, publish = storing.store, publishing.publish

    def deleted_before(*given: object) -> object:
        removal.remove(taken[1])
        return store(*given)  # type: ignore[arg-type]

    def deleted_after(*given: object) -> object:
        removal.remove(taken[3])
        return publish(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(storing, "store", deleted_before)
    monkeypatch.setattr(ingest, "publish", deleted_after)
    ingest.run(taken)
    assert [Source.objects.filter(pk=source.pk).exists() for source in taken] == [
        True,
        False,
        True,
        False,
        True,
    ]
    assert_whole(shop)


def test_what_is_deleted_while_it_is_indexed_is_taken_out_again(
    shop: Tenant, idle: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever deletes it takes its vectors out before they are in."""
    taken = claimed(shop, tmp_path, [f"<p>Rule {number} of the house.</p>" for number in range(3)])
    finish = ingest._Stream._finish

    def put_in_late(stream: ingest._Stream, stored: storing.Stored, error: None) -> None:
        removal.remove(taken[1])
        vectors().add(stored.collection, stored.ids, stored.vectors)
        finish(stream, stored, error)

    monkeypatch.setattr(ingest._Stream, "_finish", put_in_late)
    ingest.run(taken)
    assert_whole(shop)


def test_a_text_that_the_model_refuses_fails_alone(
    shop: Tenant, idle: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first time all of its request are refused; then each is worked on by itself."""
    texts = [f"<p>Rule {number} of the house.</p>" for number in range(3)]
    texts[1] = "<p>Unspeakable.</p>"
    taken = claimed(shop, tmp_path, texts)
    embed = storing.embed

    def refusing(model: str, parts: list[storing.Part]) -> storing.Batch:
        if any("Unspeakable" in piece.text for part in parts for piece in part.pieces):
            return storing.Batch(parts, model, error=EmbedderRefused("It does not take it."))
        return embed(model, parts)

    monkeypatch.setattr(storing, "embed", refusing)
    ingest.run(taken)
    assert states(taken) == ["queued"] * 3
    Source.objects.filter(pk__in=[source.pk for source in taken]).update(lease="")
    for source in taken:
        again = jobs.claim(source.pk)
        assert again is not None
        assert not jobs.claim_alike(again)
        ingest.run([again])
    assert states(taken) == ["ready", "queued", "ready"]
    removal.remove(taken[1])
    assert_whole(shop)


def test_what_was_stored_and_not_indexed_is_put_in_by_whoever_goes_on(
    shop: Tenant, idle: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A long text is put down after its first batch, with the last vectors not yet in."""
    path = tmp_path / "long.txt"
    path.write_text("\n\n".join(f"Paragraph {n} tells of item {n}. " * 30 for n in range(150)))
    long = sources.add_path(shop.base, path)
    first = jobs.claim(long.pk)
    assert first is not None
    ingest.run([first], is_over=lambda: True)
    long.refresh_from_db()
    stored = long.passages.count()
    assert (long.state, long.lease, long.pushed) == (Source.State.QUEUED, "", stored)
    assert 32 <= stored < 150
    lost = list(long.passages.order_by("-position").values_list("pk", flat=True)[:20])
    vectors().remove(shop.base.collection, lost)
    Source.objects.filter(pk=long.pk).update(pushed=stored - 20)  # as of one that was killed
    ingest.ingest(long.pk)
    long.refresh_from_db()
    assert long.state == Source.State.READY
    assert long.segments.count() > 2
    assert_whole(shop)


def test_all_of_them_are_ready_after_the_worker_comes_back(shop: Tenant, house: House) -> None:
    house.worker.kill()
    try:
        for number in range(40):
            assert shop.upload(f"{number}.txt", f"Rule {number} of the house.").is_success
    finally:
        house.worker.start()
    wait_until(lambda: not Source.objects.for_client(shop.client).unfinished().exists(), 120)
    ready = Source.objects.for_client(shop.client).filter(state=Source.State.READY)
    assert ready.count() == Segment.objects.filter(source__in=ready).count() == 40
    assert_whole(shop)
