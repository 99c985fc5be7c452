"""Files that go straight into the bucket: signed for, sent over HTTP, looked at, then a source."""

from __future__ import annotations

import os
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.test import Client as Browser
from django.utils import timezone

from accounts.audit import Action
from accounts.models import AuditEvent
from accounts.roles import Role
from billing import limits
from chatbot_saas.lib.storage import StorageDown
from knowledge import arrivals, direct, sources, tasks
from knowledge.models import DirectUpload, Source
from tests.everything import Everything
from tests.services.s3 import S3

MB = 1024 * 1024
HOURS = b"# Opening hours\n\nThe shop opens at nine and closes at six.\n"


@pytest.fixture
def world(bucket: str, db: None) -> Everything:
    return Everything.make("marigold")


@pytest.fixture
def program(world: Everything) -> Program:
    return Program(world)


class Program:
    """A client's own program, with its key."""

    def __init__(self, world: Everything) -> None:
        self.world = world
        self.http = Browser(headers={"Authorization": f"Bearer {world.key_text}"})

    def begin(self, name: str, size: int, **more: object) -> Any:
        body = {"bot": self.world.bot.public_id, "name": name, "bytes": size, **more}
        return self.http.post("/api/uploads", body, content_type="application/json")

    def send(self, name: str, content: bytes) -> dict[str, Any]:
        begun = self.begin(name, len(content)).json()
        send_parts(begun, content)
        return dict(begun)

    def finish(self, begun: dict[str, Any]) -> Any:
        return self.http.post(f"/api/uploads/{begun['id']}/finish")

    def see(self, begun: dict[str, Any]) -> dict[str, Any]:
        return dict(self.http.get(f"/api/uploads/{begun['id']}").json())


def send_parts(begun: dict[str, Any], content: bytes) -> None:
    for part in begun["parts"]:
        answer = httpx.put(part["url"], content=content[part["start"] : part["end"]])
        assert answer.status_code == 200, answer.text


def row_of(begun: dict[str, Any]) -> DirectUpload:
    return DirectUpload.objects.get(public_id=begun["id"])


def taken(begun: dict[str, Any]) -> Source:
    """The source that a worker makes of it."""
    source_id = arrivals.take(row_of(begun).pk)
    assert source_id is not None
    return Source.objects.get(pk=source_id)


def refused(response: Any) -> tuple[int, str]:
    return response.status_code, response.json()["error"]["code"]


def files_of(s3: S3, bucket: str, world: Everything) -> set[str]:
    """All that lies in the bucket, but for what the world was made with."""
    made = {world.source.file, world.export.file}
    keys = {key.removeprefix("our/files/") for key in s3.files(bucket)}
    return keys - made


def test_a_file_becomes_a_source_once_its_bytes_were_looked_at(
    s3: S3, bucket: str, program: Program
) -> None:
    begun = program.send("hours.md", HOURS)
    assert begun["status"] == "sending"
    assert not Source.objects.filter(title="hours").exists()
    answer = program.finish(begun)
    assert (answer.status_code, answer.json()["status"]) == (202, "checking")
    assert not Source.objects.filter(title="hours").exists()

    source = taken(begun)
    assert (source.title, source.format, source.bytes) == ("hours", "markdown", len(HOURS))
    assert program.see(begun)["document"] == source.public_id
    assert files_of(s3, bucket, program.world) == {source.file}
    with default_storage.open(source.file) as file:
        assert file.read() == HOURS
    noted = AuditEvent.objects.get(action=Action.SOURCE_ADDED)
    assert (noted.target, noted.actor_name) == ("hours.md", f"API key {program.world.key.prefix}…")


def test_a_large_file_goes_in_parts_that_fit_together(program: Program) -> None:
    content = os.urandom(MB) * 33
    content = b"a,b\n" + bytes(65 + byte % 26 for byte in content[:MB]) * 33
    begun = program.send("large.csv", content)
    assert [part["end"] - part["start"] for part in begun["parts"]] == [
        16 * MB,
        16 * MB,
        len(content) - 32 * MB,
    ]
    assert program.finish(begun).status_code == 202
    source = taken(begun)
    assert source.bytes == len(content)


def test_an_address_is_good_for_its_bytes_and_for_hours_and_under_ones_own_folder(
    program: Program,
) -> None:
    begun = program.begin("hours.md", len(HOURS)).json()
    url = urlsplit(begun["parts"][0]["url"])
    signed = {name: value[0] for name, value in parse_qs(url.query).items()}
    assert signed["X-Amz-SignedHeaders"] == "content-length;host"
    assert signed["X-Amz-Expires"] == "21600"
    assert f"/our/files/{program.world.client.public_id}/src_" in url.path
    assert "secret" not in begun["parts"][0]["url"]


def test_the_addresses_are_worth_nothing_once_it_is_finished(
    s3: S3, bucket: str, program: Program
) -> None:
    begun = program.send("hours.md", HOURS)
    program.finish(begun)
    again = httpx.put(begun["parts"][0]["url"], content=HOURS.replace(b"nine", b"five"))
    assert again.is_error
    assert s3.begun(bucket) == []
    with default_storage.open(row_of(begun).file) as file:
        assert file.read() == HOURS


@pytest.mark.parametrize(
    ("name", "size", "status", "code"),
    [
        ("hours.md", 0, 400, "file_empty"),
        ("hours.md", 500 * MB + 1, 413, "too_large"),
        ("hours.md", -1, 400, "invalid"),
        ("setup.exe", 7, 415, "file_type"),
        ("../hours.md", 7, 400, "file_name"),
        ("x" * 201 + ".md", 7, 400, "file_name"),
        ("...", 7, 400, "file_name"),
    ],
)
def test_nothing_is_signed_for_what_could_not_be_taken(
    program: Program, name: str, size: int, status: int, code: str
) -> None:
    assert refused(program.begin(name, size)) == (status, code)
    assert [*DirectUpload.objects.open()] == [program.world.upload]


def test_a_file_of_another_type_than_its_name_says_is_refused_and_gone(
    s3: S3, bucket: str, program: Program
) -> None:
    begun = program.send("photo.md", b"\x89PNG\r\n\x1a\n" + bytes(100))
    assert refused(program.finish(begun)) == (415, "file_type")
    seen = program.see(begun)
    assert seen["status"] == "refused"
    assert "photo.md" in seen["error"] or "type" in seen["error"]
    assert files_of(s3, bucket, program.world) == set()


def test_a_missing_or_short_part_is_told_and_can_be_sent_still(program: Program) -> None:
    begun = program.begin("hours.md", len(HOURS)).json()
    assert refused(program.finish(begun)) == (409, "upload_incomplete")
    httpx.put(begun["parts"][0]["url"], content=HOURS[:-1])
    assert refused(program.finish(begun)) == (409, "upload_incomplete")
    send_parts(begun, HOURS)
    assert program.finish(begun).status_code == 202


def test_finishing_twice_and_taking_twice_is_finishing_once(
    s3: S3, bucket: str, program: Program
) -> None:
    begun = program.send("hours.md", HOURS)
    for _ in range(2):
        assert program.finish(begun).json()["status"] == "checking"
    row = row_of(begun)
    assert arrivals.take(row.pk)
    assert arrivals.take(row.pk) is None
    assert arrivals._take(row, "0" * 64) is None  # a second worker that hashed meanwhile
    assert Source.objects.filter(title="hours").count() == 1
    assert len(files_of(s3, bucket, program.world)) == 1
    assert AuditEvent.objects.filter(action=Action.SOURCE_ADDED).count() == 1


def test_a_web_process_that_died_after_the_last_part_does_no_harm(program: Program) -> None:
    begun = program.send("hours.md", HOURS)
    direct._complete(direct._parted(), row_of(begun))
    assert program.finish(begun).json()["status"] == "checking"


def test_the_same_bytes_again_are_the_document_that_there_is(
    s3: S3, bucket: str, program: Program, django_capture_on_commit_callbacks
) -> None:
    source = sources.add_text(program.world.base, "Hours", "We open at nine.")
    with default_storage.open(source.file) as file:
        begun = program.send("copy.md", file.read())
    program.finish(begun)
    with django_capture_on_commit_callbacks(execute=True):
        assert arrivals.take(row_of(begun).pk) is None
    assert program.see(begun)["document"] == source.public_id
    assert files_of(s3, bucket, program.world) == {source.file}


def test_a_plan_that_is_full_signs_nothing_and_counts_what_is_on_its_way(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    holds_bytes(monkeypatch, 100 + 2 * len(HOURS))
    assert program.begin("a.md", len(HOURS)).status_code == 201
    assert refused(program.begin("b.md", 200)) == (402, "plan_limit")


def holds_bytes(monkeypatch: pytest.MonkeyPatch, most: int) -> None:
    def require(_client: object, *, used_bytes: int, new_bytes: int) -> None:
        if used_bytes + new_bytes > most:
            raise limits._limit("It holds little")

    monkeypatch.setattr(limits, "require_bytes", require)


def test_what_fills_the_plan_meanwhile_refuses_it_and_nothing_stays(
    s3: S3, bucket: str, program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = program.send("hours.md", HOURS)
    program.finish(begun)
    holds_bytes(monkeypatch, 5)
    assert arrivals.take(row_of(begun).pk) is None
    assert program.see(begun)["status"] == "refused"
    assert not Source.objects.filter(title="hours").exists()
    assert files_of(s3, bucket, program.world) == set()


def test_too_many_at_once_are_refused(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(direct, "MOST_OPEN", 2)
    assert program.begin("a.md", 7).status_code == 201  # the world has one on its way
    answer = program.begin("b.md", 7)
    assert refused(answer) == (429, "too_many_uploads")
    assert answer["Retry-After"] == "60"


def test_one_that_is_cancelled_leaves_nothing(s3: S3, bucket: str, program: Program) -> None:
    begun = program.send("hours.md", HOURS)
    assert s3.begun(bucket)
    assert program.http.delete(f"/api/uploads/{begun['id']}").status_code == 204
    assert s3.begun(bucket) == []
    assert program.finish(begun).status_code == 404
    finished = program.send("hours.md", HOURS)
    program.finish(finished)
    answer = program.http.delete(f"/api/uploads/{finished['id']}")
    assert refused(answer) == (409, "upload_finished")


def test_abandoned_ones_are_swept_and_others_stay(s3: S3, bucket: str, program: Program) -> None:
    late, early = (program.send(name, HOURS) for name in ("late.md", "early.md"))
    begun_only = program.begin("nothing-sent.md", 7).json()
    row = row_of(begun_only)
    DirectUpload.objects.filter(pk=row.pk).update(parts_id="")  # died before it was noted
    gone_by = timezone.now() - timedelta(minutes=1)
    rows = DirectUpload.objects.filter(public_id__in=[late["id"], begun_only["id"]])
    rows.update(expires_at=gone_by)
    assert arrivals.sweep() == []
    assert not rows.exists()
    assert s3.begun(bucket) == [f"our/files/{row_of(early).file}"]


def test_one_that_nobody_looked_at_is_found_and_old_ones_are_forgotten(
    program: Program,
) -> None:
    begun = program.send("hours.md", HOURS)
    program.finish(begun)
    row = row_of(begun)
    long_ago = timezone.now() - timedelta(days=8)
    DirectUpload.objects.filter(pk=row.pk).update(heartbeat_at=long_ago)
    assert arrivals.sweep() == [row.pk]
    assert arrivals.sweep() == []
    tasks.take_upload(row.pk)
    DirectUpload.objects.filter(pk=row.pk).update(heartbeat_at=long_ago)
    arrivals.sweep()
    assert not DirectUpload.objects.filter(pk=row.pk).exists()
    assert Source.objects.filter(title="hours").exists()


def test_a_file_that_vanished_is_refused_and_one_that_cannot_be_reached_waits(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = program.send("hours.md", HOURS)
    program.finish(begun)
    row = row_of(begun)

    def down(_row: DirectUpload) -> str:
        raise StorageDown("silence")

    with monkeypatch.context() as patch:
        patch.setattr(arrivals, "_sha256", down)
        assert arrivals.take(row.pk) is None
    assert program.see(begun)["status"] == "checking"
    default_storage.delete(row.file)
    assert arrivals.take(row.pk) is None
    assert program.see(begun)["error"] == "This file is gone. Please send it again."


def test_strangers_find_no_upload_and_viewers_begin_none(program: Program, bucket: str) -> None:
    rival = Program(Everything.make("tromso"))
    begun = program.send("hours.md", HOURS)
    assert rival.http.get(f"/api/uploads/{begun['id']}").status_code == 404
    assert rival.http.delete(f"/api/uploads/{begun['id']}").status_code == 404
    assert rival.finish(begun).status_code == 404
    assert rival.begin("a.md", 7, bot=program.world.bot.public_id).status_code == 404
    viewer = Browser()
    viewer.force_login(program.world.people[Role.VIEWER])
    body = {"bot": program.world.bot.public_id, "name": "a.md", "bytes": 7}
    assert viewer.post("/api/uploads", body, content_type="application/json").status_code == 403
    assert program.http.get("/api/uploads").status_code == 405


def test_where_files_lie_in_a_folder_nothing_is_signed(db: None) -> None:
    program = Program(Everything.make("marigold"))
    assert refused(program.begin("hours.md", 7)) == (409, "direct_uploads_off")


def test_only_the_page_that_sends_files_may_talk_to_the_bucket(s3: S3, world: Everything) -> None:
    owner = Browser()
    owner.force_login(world.people[Role.OWNER])
    page = owner.get("/app/knowledge/")
    assert f"connect-src 'self' {s3.url};" in page["Content-Security-Policy"] + ";"
    assert 'data-direct="/api/uploads"' in page.content.decode()
    for path in ("/app/", "/app/playground/", "/app/settings/"):
        assert s3.url not in owner.get(path, follow=True)["Content-Security-Policy"]


def test_with_files_in_a_folder_the_page_stays_as_it_is(db: None) -> None:
    world = Everything.make("marigold")
    owner = Browser()
    owner.force_login(world.people[Role.OWNER])
    page = owner.get("/app/knowledge/")
    assert "connect-src" not in page["Content-Security-Policy"]
    assert "data-direct" not in page.content.decode()


def test_a_stored_file_is_not_sent_for(world: Everything) -> None:
    """The folder's own way stays: a file through us lands in the bucket too."""
    content = ContentFile(HOURS, name="hours.md")
    http = Browser(headers={"Authorization": f"Bearer {world.key_text}"})
    answer = http.post("/api/documents", {"bot": world.bot.public_id, "file": content})
    assert answer.status_code == 201
    source = Source.objects.get(public_id=answer.json()["id"])
    with default_storage.open(source.file) as file:
        assert file.read() == HOURS
