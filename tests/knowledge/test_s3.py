"""Files in a bucket, over HTTP to a server that speaks S3: nothing held in memory, nothing left."""

from __future__ import annotations

import hashlib
import io
import os
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import pytest
from asgiref.sync import async_to_sync
from django.conf import settings as in_force
from django.core.files.base import ContentFile, File
from django.core.files.storage import default_storage
from django.utils import timezone

from accounts.models import Export
from chatbot_saas.data import deletion, export
from chatbot_saas.data.views import _chunks
from chatbot_saas.lib.s3.storage import PART_BYTES
from chatbot_saas.lib.storage import StorageDown, is_up, parted_uploads
from chatbot_saas.lib.storage_url import Keys, storage_of
from knowledge import discard, ingest, jobs, local_copy, removal, sources, unpack
from knowledge.crawl import run
from knowledge.embedding import default_model
from knowledge.engine.errors import Unreadable
from knowledge.models import DiscardedFile, Source
from tests.engine.made_files import zipped
from tests.everything import Everything
from tests.services.chroma import Chroma
from tests.services.s3 import S3


@pytest.fixture
def world(bucket: str, db: None, chroma: Chroma) -> Everything:
    made = Everything.make("marigold")
    made.base.embedding_model = default_model()
    made.base.save()
    return made


def large(parts: int) -> bytes:
    return os.urandom(1024) * (PART_BYTES * parts // 1024 + 1)


def left_here() -> list[Path]:
    return list(in_force.FILE_UPLOAD_TEMP_DIR.glob("copy-*"))


# --- The storage itself ----------------------------------------------------------------------


@pytest.mark.parametrize("parts", [0, 2])
def test_a_file_comes_back_as_it_was_sent(s3: S3, bucket: str, parts: int) -> None:
    content = large(parts) if parts else b"We open at nine."
    name = default_storage.save("cli_1/src_1", ContentFile(content))
    assert s3.files(bucket) == ["our/files/cli_1/src_1"]
    assert default_storage.exists(name)
    assert default_storage.size(name) == len(content)
    with default_storage.open(name) as file:
        assert file.size == len(content)
        assert hashlib.file_digest(file, "sha256").digest() == hashlib.sha256(content).digest()
    assert s3.begun(bucket) == []


def test_folders_are_listed_as_on_a_disk(bucket: str) -> None:
    for name in ("cli_1/a", "cli_1/b", "cli_1/exports/c", "cli_2/d"):
        default_storage.save(name, ContentFile(b"x"))
    assert default_storage.listdir("cli_1") == (["exports"], ["a", "b"])
    assert default_storage.listdir("cli_3") == ([], [])
    default_storage.delete("cli_1/a")
    default_storage.delete("cli_1/a")
    assert default_storage.listdir("cli_1")[1] == ["b"]


def test_what_is_not_there_is_a_missing_file_and_not_an_outage(bucket: str) -> None:
    assert not default_storage.exists("cli_1/none")
    with pytest.raises(FileNotFoundError):
        default_storage.open("cli_1/none")
    with pytest.raises(FileNotFoundError):
        default_storage.size("cli_1/none")


def test_an_upload_that_breaks_off_leaves_nothing(s3: S3, bucket: str) -> None:
    class Broken(File):
        def chunks(self, chunk_size: int | None = None):
            yield b"x" * PART_BYTES
            raise OSError("the disk died")

    with pytest.raises(OSError, match="the disk died"):
        default_storage.save("cli_1/broken", Broken(io.BytesIO()))
    assert s3.files(bucket) == s3.begun(bucket) == []


def test_files_are_encrypted_where_the_address_says_so(s3: S3, bucket: str, settings) -> None:
    url = s3.storage_url(bucket, encryption="AES256")
    settings.STORAGES = settings.STORAGES | {"default": storage_of(url, Keys())}
    default_storage.save("small", ContentFile(b"x"))
    default_storage.save("large", ContentFile(large(1)))
    for name in ("small", "large"):
        head = s3.client.head_object(Bucket=bucket, Key=name)
        assert head["ServerSideEncryption"] == "AES256"


@pytest.mark.parametrize("problem", ["no server", "no bucket", "silence"])
def test_a_storage_that_is_down_says_so_everywhere(
    s3: S3, bucket: str, settings, problem: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chatbot_saas.lib.s3.client.READ_SECONDS", 0.2)
    monkeypatch.setattr("chatbot_saas.lib.s3.client.QUICK_SECONDS", 0.2)
    url = s3.storage_url("no-such-bucket" if problem == "no bucket" else bucket)
    if problem == "no server":
        url = url.replace(s3.url, "http://127.0.0.1:9")
    settings.STORAGES = settings.STORAGES | {"default": storage_of(url, Keys())}
    if problem == "silence":
        s3.pause()
    try:
        assert not is_up()
        for call in (
            lambda: default_storage.save("a", ContentFile(b"x")),
            lambda: default_storage.open("a"),
            lambda: default_storage.listdir("a"),
        ):
            with pytest.raises(StorageDown) as told:
                call()
            assert "again in a few minutes" in told.value.message
            assert "AKIA" not in str(told.value)
    finally:
        s3.resume()
    assert told.value.response().status_code == 503


def test_a_storage_that_is_up_is_up(bucket: str) -> None:
    assert is_up()


# --- Those that read it ----------------------------------------------------------------------


def test_a_document_is_read_from_a_copy_of_its_own_that_goes_again(world: Everything) -> None:
    source = sources.add_text(world.base, "Hours", "We open at nine.")
    ingest.ingest(source.pk)
    source.refresh_from_db()
    assert (source.state, source.error) == ("ready", "")
    assert left_here() == []


def test_an_archive_is_unpacked_and_forgotten(s3: S3, bucket: str, world: Everything) -> None:
    before = set(s3.files(bucket))
    content = zipped({"a.md": "# A\n\nWe open at nine.", "b.md": "# B\n\nWe close at six."})
    path = in_force.VAR_DIR / "two.zip"
    path.write_bytes(content)
    archive = sources.add_path(world.base, path)
    claimed = jobs.claim(archive.pk)
    assert claimed is not None
    for member in unpack.unpacked(claimed):
        ingest.ingest(member)
    made = Source.objects.filter(knowledge_base=world.base, format="markdown")
    assert set(s3.files(bucket)) - before == {f"our/files/{one.file}" for one in made}
    assert made.count() == 2
    assert left_here() == []


def test_a_file_that_cannot_be_read_leaves_nothing(
    s3: S3, bucket: str, world: Everything, pdfs: dict[str, bytes]
) -> None:
    before = s3.files(bucket)
    path = in_force.VAR_DIR / "damaged.pdf"
    path.write_bytes(pdfs["damaged.pdf"])
    source = sources.add_path(world.base, path)
    ingest.ingest(source.pk)
    source.refresh_from_db()
    assert source.state == "failed"
    assert s3.files(bucket) == before
    assert left_here() == []


@pytest.mark.parametrize("where", ["bucket", "folder"])
def test_a_file_that_is_gone_fails_with_a_plain_reason(
    where: str, request: pytest.FixtureRequest, db: None
) -> None:
    if where == "bucket":
        request.getfixturevalue("bucket")
    world = Everything.make("tromso")
    source = sources.add_text(world.base, "Hours", "We open at nine.")
    default_storage.delete(source.file)
    ingest.ingest(source.pk)
    source.refresh_from_db()
    assert source.state == "failed"
    assert source.error == "The file of this document is gone. Please upload it again."


def test_a_document_waits_for_the_storage_and_never_fails_by_that(
    world: Everything, settings
) -> None:
    source = sources.add_text(world.base, "Hours", "We open at nine.")
    there = settings.STORAGES
    settings.STORAGES = there | {"default": down()}
    for _ in range(jobs.MOST_ATTEMPTS + 2):
        rested(source)
        ingest.ingest(source.pk)
        source.refresh_from_db()
        assert source.state == "queued"
    settings.STORAGES = there
    rested(source)
    ingest.ingest(source.pk)
    source.refresh_from_db()
    assert (source.state, source.attempts) == ("ready", 0)


def down() -> dict:
    return storage_of("s3://a:b@nowhere?endpoint=http://127.0.0.1:9", Keys())


def rested(source: Source) -> None:
    Source.objects.filter(pk=source.pk).update(heartbeat_at=timezone.now() - timedelta(hours=1))


def test_what_is_deleted_while_the_storage_is_down_goes_once_it_answers(
    s3: S3, bucket: str, world: Everything, settings
) -> None:
    source = sources.add_text(world.base, "Hours", "We open at nine.")
    there = settings.STORAGES
    settings.STORAGES = there | {"default": down()}
    removal.remove(source)
    discard.sweep()
    assert DiscardedFile.objects.get().name == source.file
    settings.STORAGES = there
    assert f"our/files/{source.file}" in s3.files(bucket)
    discard.sweep()
    assert f"our/files/{source.file}" not in s3.files(bucket)
    assert not DiscardedFile.objects.exists()


# --- Copies ----------------------------------------------------------------------------------


def test_two_workers_read_the_same_file_from_two_copies(bucket: str) -> None:
    default_storage.save("a", ContentFile(b"We open at nine."))
    with local_copy.local_copy("a") as one, local_copy.local_copy("a") as other:
        assert one != other
        assert one.read_bytes() == other.read_bytes() == b"We open at nine."
    assert left_here() == []


def test_the_copy_of_a_killed_worker_is_swept_and_that_of_a_living_one_is_not(
    bucket: str,
) -> None:
    default_storage.save("a", ContentFile(b"We open at nine."))
    dead = in_force.FILE_UPLOAD_TEMP_DIR / "copy-of-a-dead-one"
    dead.write_bytes(b"x")
    long_ago = time.time() - 3600
    with local_copy.local_copy("a") as living:
        for path in (dead, living):
            os.utime(path, (long_ago, long_ago))
        local_copy.sweep()
        assert living.exists()
        assert not dead.exists()


def test_the_copy_of_a_process_is_kept_until_it_is_killed(bucket: str) -> None:
    path = in_force.FILE_UPLOAD_TEMP_DIR / "copy-of-a-process"
    program = (
        "import fcntl, sys, time; file = open(sys.argv[1], 'wb');"
        "fcntl.flock(file, fcntl.LOCK_EX); print('held', flush=True); time.sleep(60)"
    )
    worker = subprocess.Popen([sys.executable, "-c", program, path], stdout=subprocess.PIPE)
    assert worker.stdout is not None
    assert worker.stdout.readline() == b"held\n"
    long_ago = time.time() - 3600
    os.utime(path, (long_ago, long_ago))
    local_copy.sweep()
    assert path.exists()
    worker.kill()
    worker.communicate()
    local_copy.sweep()
    assert not path.exists()


def test_a_copy_that_is_shorter_than_its_file_is_not_read(bucket: str, monkeypatch) -> None:
    default_storage.save("a", ContentFile(b"We open at nine."))
    monkeypatch.setattr(
        "chatbot_saas.lib.s3.storage.StoredFile.chunks", lambda *_: iter([b"We open"])
    )
    with pytest.raises(StorageDown, match="7 bytes of 16"), local_copy.local_copy("a"):
        pass
    assert left_here() == []


def test_a_long_fetch_beats(bucket: str, monkeypatch) -> None:
    monkeypatch.setattr(local_copy, "BEAT_SECONDS", 0)
    default_storage.save("a", ContentFile(b"x" * 3 * local_copy.CHUNK))
    beats = []
    with local_copy.local_copy("a", beat=lambda: beats.append(1)):
        assert len(beats) == 3


def test_a_missing_file_is_unreadable(bucket: str) -> None:
    with pytest.raises(Unreadable, match="is gone"), local_copy.local_copy("none"):
        pass


# --- Exports, and the end --------------------------------------------------------------------


def test_an_export_is_built_downloaded_and_replaced(s3: S3, bucket: str, world: Everything) -> None:
    first = built(world)
    with default_storage.open(first.file) as file:
        assert len(file.read()) == first.bytes > 0
        downloaded = async_to_sync(all_of)(first.file)
        assert len(downloaded) == first.bytes
    second = built(world)
    stored = {name for name in s3.files(bucket) if "/exports/" in name}
    assert f"our/files/{second.file}" in stored
    assert f"our/files/{first.file}" not in stored
    export.discard(second)
    assert f"our/files/{second.file}" not in s3.files(bucket)


async def all_of(stored: str) -> bytes:
    return b"".join([chunk async for chunk in _chunks(stored)])


def built(world: Everything) -> Export:
    one = Export.objects.create(client=world.client)
    export.build(one.pk)
    one.refresh_from_db()
    assert one.state == Export.State.READY
    return one


def test_an_export_waits_for_the_storage(world: Everything, settings) -> None:
    one = Export.objects.create(client=world.client)
    there = settings.STORAGES
    settings.STORAGES = there | {"default": down()}
    export.build(one.pk)
    one.refresh_from_db()
    assert (one.state, one.attempts) == ("working", 0)


def test_nothing_of_a_client_that_goes_is_left_in_the_bucket(
    s3: S3, bucket: str, world: Everything
) -> None:
    rival = Everything.make("tromso")
    parts = parted_uploads()
    assert parts is not None
    parts.begin(f"{world.client.public_id}/half")
    parts.begin(f"{rival.client.public_id}/half")
    deletion._delete_stored(world.client)
    keys = s3.files(bucket) + s3.begun(bucket)
    assert keys
    assert not [key for key in keys if world.client.public_id in key]
    assert [key for key in s3.begun(bucket) if rival.client.public_id in key]


def test_a_client_is_deleted_later_when_the_storage_is_down(
    world: Everything, settings, monkeypatch
) -> None:
    settings.STORAGES = settings.STORAGES | {"default": down()}
    monkeypatch.setattr(deletion, "_is_somebody_at_work", lambda _client: False)
    assert not deletion.delete_for_good(world.client)
    world.client.refresh_from_db()


def test_a_website_waits_for_the_storage(world: Everything, monkeypatch) -> None:
    def refuse(*_: object) -> None:
        raise StorageDown("down")

    monkeypatch.setattr(run, "_work", refuse)
    world.website.state = "taking"
    world.website.lease = ""
    world.website.save()
    assert run.crawl(world.website.pk) is None
    world.website.refresh_from_db()
    assert world.website.state == "taking"
