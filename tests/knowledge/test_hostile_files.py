"""Hostile files through the product: each ends in ready or failed, and costs nothing else."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import pytest
from django.conf import settings

from knowledge import sizes
from knowledge.models import DiscardedFile, Passage, Segment, Source
from knowledge.vectors import vectors
from tests import hostile
from tests.hostile import FAILED, READY, REFUSED, UNPACKED, Hostile
from tests.house import House, Tenant
from tests.knowledge.postings import indexed_passages
from tests.services.waiting import wait_until

LONGEST = 480
# What a program says of a fault and its owner cannot use, and what tells about this machine.
NOT_PLAIN = re.compile(r"Error|Exception|Traceback|errno|None|0x|/tmp|/var|\.py\b|[{}<>=_]")
NEVER_READ = ("root:", "alert(", "AutoOpen", "Got out.")


@dataclass(frozen=True, slots=True)
class End:
    """What became of a file that was sent; `document` is "" when it was refused at once."""

    state: str
    reason: str
    document: str = ""


@dataclass
class Sent:
    """All files, sent by one client to one worker."""

    shop: Tenant
    worker: int  # its process when the first one was sent
    logged: int  # so many characters had it logged
    files: list[Hostile]
    own: dict[str, End]
    of_corpus: dict[str, End]

    @property
    def reasons(self) -> list[str]:
        """All that the client was told: at once, and of documents, also those out of archives."""
        ends = [*self.own.values(), *self.of_corpus.values()]
        refused = [end.reason for end in ends if end.state == REFUSED]
        failed = Source.objects.for_client(self.shop.client).filter(state=Source.State.FAILED)
        return refused + list(failed.values_list("error", flat=True))


@pytest.fixture(scope="module")
def sent(house: House, odd_files: Path) -> Sent:
    shop, files = house.tenant(), list(hostile.made())
    worker, logged = house.worker.pid, len(house.worker.log_text())
    own = {file.name: send(shop, file.name, file.content) for file in files}
    corpus = hostile.of_corpus(odd_files)
    more = {name: send(shop, name, content) for name, content in corpus.items()}
    unfinished = Source.objects.for_client(shop.client).unfinished()
    wait_until(lambda: not unfinished.exists(), LONGEST)
    own, more = ({name: ended(end) for name, end in sent.items()} for sent in (own, more))
    return Sent(shop, worker, logged, files, own, more)


def send(shop: Tenant, name: str, content: bytes) -> End:
    response = shop.upload(name, content)
    if response.is_success:
        return End("", "", response.json()["id"])
    assert response.status_code in {400, 415}, response.text
    return End(REFUSED, response.json()["error"]["message"])


def ended(end: End) -> End:
    """As it is after the worker had it; an archive goes when its files are taken."""
    if not end.document:
        return end
    source = Source.objects.filter(public_id=end.document).exclude(state=Source.State.GONE).first()
    return End(source.state, source.error, end.document) if source else End(UNPACKED, "")


def test_each_file_of_ours_ends_as_it_should(sent: Sent) -> None:
    assert {name: end.state for name, end in sent.own.items()} == {
        file.name: file.ends for file in sent.files
    }


def test_each_file_of_the_corpus_ends_in_ready_or_failed(sent: Sent) -> None:
    """Which of both is looked at in tests/engine/test_corpus.py."""
    if not sent.of_corpus:
        pytest.skip("the corpus of files is not here")
    ends = {end.state for end in sent.of_corpus.values()}
    assert ends == {REFUSED, READY, FAILED, UNPACKED}


def test_what_is_said_fits_the_file(sent: Sent) -> None:
    said = {file.name: what_is_said(sent, file) for file in sent.files}
    assert [file.name for file in sent.files if file.words not in said[file.name]] == []


def what_is_said(sent: Sent, file: Hostile) -> str:
    """The reason, or what was read; of an archive, what the list says about the rest of it."""
    end = sent.own[file.name]
    if end.state == READY:
        return "\n".join(sent.shop.source(end.document).passages.values_list("text", flat=True))
    if end.state == UNPACKED:
        title = Path(file.name).stem
        return Source.objects.for_client(sent.shop.client).get(title=title).error
    return end.reason


def test_each_reason_is_a_sentence_for_the_owner_of_a_shop(sent: Sent) -> None:
    assert len(sent.reasons) > 15
    for reason in sent.reasons:
        assert re.match(r"[A-Z0-9“].* .*\.$", reason, re.DOTALL), reason
        assert not NOT_PLAIN.search(reason), reason


def test_the_worker_lives_and_reads_the_next_file(sent: Sent, house: House) -> None:
    assert house.worker.alive
    assert house.worker.pid == sent.worker
    assert "WorkerLostError" not in house.worker.log_text()[sent.logged :]
    assert sent.shop.learn("hours.txt", "We open at nine in the morning.")["status"] == "ready"


def test_no_file_is_stored_but_those_of_ready_documents(sent: Sent) -> None:
    ready = Source.objects.for_client(sent.shop.client).filter(state=Source.State.READY)
    kept = {settings.MEDIA_ROOT / name for name in ready.values_list("file", flat=True)}
    folder = settings.MEDIA_ROOT / sent.shop.client.public_id
    # Archives go a moment after their files are taken, and temporary files after the response.
    wait_until(lambda: {path for path in folder.rglob("*") if path.is_file()} == kept, 30)
    wait_until(lambda: not list(settings.FILE_UPLOAD_TEMP_DIR.glob("*.upload*")), 30)
    assert not DiscardedFile.objects.filter(name__startswith=sent.shop.client.public_id).exists()
    assert not list(settings.VAR_DIR.rglob("escaped*"))


def test_nothing_of_a_failed_file_is_left_in_the_tables(sent: Sent) -> None:
    base = sent.shop.base
    failed = Source.objects.filter(knowledge_base=base, state=Source.State.FAILED)
    assert failed.count() > 10
    assert not Passage.objects.filter(source__in=failed).exists()
    assert not Segment.objects.filter(source__in=failed).exists()
    there = set(Passage.objects.filter(source__knowledge_base=base).values_list("pk", flat=True))
    assert indexed_passages(base) == there


def test_what_is_counted_is_what_is_there_and_in_the_index(sent: Sent) -> None:
    base = sent.shop.base
    unindexed = Source.objects.filter(knowledge_base=base).unindexed()
    wait_until(lambda: not unindexed.exists(), 60)
    base.refresh_from_db()
    there = Passage.objects.filter(source__knowledge_base=base)
    assert there.unused().count() == 0
    assert sizes.of(there) == sizes.Size(base.live_passages, base.live_terms)
    assert vectors(base.shard).count(base.collection) == base.live_passages > 100


def test_no_script_macro_or_foreign_file_is_read(sent: Sent) -> None:
    passages = Passage.objects.filter(source__knowledge_base=sent.shop.base)
    for words in NEVER_READ:
        assert not passages.filter(text__contains=words).exists(), words
