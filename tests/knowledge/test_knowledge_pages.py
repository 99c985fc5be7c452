"""The knowledge pages: who sees and changes what, forms without JavaScript, bad input."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from io import BytesIO
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client as Browser
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.access import HEADER
from accounts.audit import Action
from accounts.models import AuditEvent, Client, Membership
from accounts.roles import Role
from chat.models import Bot
from knowledge import tasks
from knowledge.ingest import ingest
from knowledge.jobs import MOST_ATTEMPTS
from knowledge.models import KnowledgeBase, Passage, Source
from knowledge.views import PAGE_SIZE
from tests.environment import BASE
from tests.everything import Everything
from tests.house import Tenant
from tests.services.waiting import wait_until

HOURS = "# Opening hours\n\nThe shop opens at nine and closes at six."
LIST = "/app/knowledge/"
UPLOAD = "/app/knowledge/upload/"
WRITE = "/app/knowledge/write/"
HTMX = {"HX-Request": "true"}
MOST_QUERIES = 12
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


@pytest.fixture
def world(db: None) -> Everything:
    return Everything.make("zanzibar")


@pytest.fixture
def other(db: None) -> Everything:
    return Everything.make("tromso")


@pytest.fixture
def browser_of() -> Callable[..., Browser]:
    def enter(world: Everything, role: Role = Role.OWNER, **options: Any) -> Browser:
        browser = Browser(**options)
        browser.force_login(world.people[role])
        return browser

    return enter


@pytest.fixture
def owner(world: Everything, browser_of: Callable[..., Browser]) -> Browser:
    browser: Browser = browser_of(world)
    return browser


def page_of(source: Source, name: str = "source") -> str:
    return reverse(name, kwargs={"public_id": source.public_id})


def file(name: str = "hours.md", content: str | bytes = HOURS) -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content.encode() if isinstance(content, str) else content)


def text_form(title: str = "Opening hours", text: str = "We open at nine.", **more: str) -> dict:
    return {"write-title": title, "write-text": text, **more}


def lapse(client: Client) -> None:
    Client.objects.filter(pk=client.pk).update(is_active=False)


def another_bot(world: Everything) -> tuple[Bot, KnowledgeBase]:
    base = KnowledgeBase.objects.create(client=world.client, name="B", embedding_model="none")
    return Bot.objects.create(client=world.client, knowledge_base=base, name="Second"), base


def add_sources(base: KnowledgeBase, count: int, **fields: Any) -> None:
    Source.objects.bulk_create(
        Source(
            knowledge_base=base,
            title=f"Source {number}",
            format="text",
            sha256=f"{base.pk}-{fields}-{number}"[:64],
            **{"state": Source.State.READY, **fields},
        )
        for number in range(count)
    )


# --- The list -------------------------------------------------------------------------------


def test_the_list_shows_what_there_is(owner: Browser, world: Everything) -> None:
    page = owner.get(LIST).content.decode()
    assert world.source.title in page
    assert world.failed.title in page
    assert page.index(world.failed.title) < page.index(world.source.title)  # newest first
    assert 'hx-trigger="sources-changed"' in page


def test_an_empty_list_says_what_to_do(
    other: Everything, browser_of: Callable[..., Browser]
) -> None:
    Source.objects.for_client(other.client).delete()
    assert "Add a file above" in browser_of(other).get(LIST).content.decode()
    for_viewers = browser_of(other, Role.VIEWER).get(LIST).content.decode()
    assert "Somebody who may edit" in for_viewers
    assert "<h2>Add files" not in for_viewers


@pytest.mark.parametrize(
    ("query", "titles"),
    [
        ("?q=HOURS", {"hours"}),
        ("?q=nothing", set()),
        ("?state=failed", {"scan"}),
        ("?state=ready", {"hours"}),
        ("?state=working", {"slow"}),
        ("?q=zanzibar&state=failed", {"scan"}),
        # What makes no sense does not filter.
        ("?state=odd", {"hours", "scan", "slow"}),
        (f"?q={'x' * 500}", {"hours", "scan", "slow"}),
        ("?q=%00", {"hours", "scan", "slow"}),
        ("?page=99", {"hours", "scan", "slow"}),
        ("?bot=bot_of_nobody", {"hours", "scan", "slow"}),
    ],
)
def test_the_list_is_searched_and_filtered(
    owner: Browser, world: Everything, query: str, titles: set[str]
) -> None:
    add_sources(world.base, 1, state=Source.State.READING)
    Source.objects.filter(state=Source.State.READING).update(title="zanzibar slow")
    shown = owner.get(LIST + query).context["page"].object_list
    assert {one.title.split()[-1] for one in shown} == titles


def test_the_list_is_filtered_by_chatbot_when_there_are_several(
    owner: Browser, world: Everything
) -> None:
    assert b"All chatbots" not in owner.get(LIST).content
    bot, base = another_bot(world)
    add_sources(base, 1)
    assert b"All chatbots" in owner.get(LIST).content
    shown = owner.get(f"{LIST}?bot={bot.public_id}").context["page"].object_list
    assert [one.title for one in shown] == ["Source 0"]


def test_fifty_stand_on_a_page(owner: Browser, world: Everything) -> None:
    add_sources(world.base, PAGE_SIZE)
    first = owner.get(LIST + "?state=ready")
    assert len(first.context["page"].object_list) == PAGE_SIZE
    assert "/app/knowledge/?state=ready&amp;page=2" in first.content.decode()
    second = owner.get(LIST + "?state=ready&page=2").context["page"].object_list
    assert [one.title for one in second] == [world.source.title]


def test_the_number_of_queries_does_not_grow(owner: Browser, world: Everything) -> None:
    def queries(path: str) -> int:
        with CaptureQueriesContext(connection) as caught:
            assert owner.get(path).status_code == 200
        return len(caught)

    queries(LIST)
    few, few_passages = queries(LIST), queries(page_of(world.source))
    add_sources(world.base, 40)
    old = world.source.passages.get()
    more = [
        Passage(
            **{name: getattr(old, name) for name in ("text", "version", "terms", "embedding")},
            source=world.source,
            position=position,
            start=0,
            end=9,
        )
        for position in range(1, 40)
    ]
    Passage.objects.bulk_create(more)
    assert queries(LIST) == few <= MOST_QUERIES
    assert queries(page_of(world.source)) == few_passages <= MOST_QUERIES


def test_it_polls_only_while_something_is_being_read(owner: Browser, world: Everything) -> None:
    working = Source.objects.filter(pk=world.source.pk)
    working.update(state=Source.State.EMBEDDING, progress=0.4)
    fragment = owner.get(LIST + "?q=zanzibar", headers=HTMX)
    assert "every 2s" in fragment.content.decode()
    assert 'hx-get="/app/knowledge/?q=zanzibar"' in fragment.content.decode()
    assert '<progress value="0.400"' in fragment.content.decode()
    assert b"<html" not in fragment.content
    assert "HX-Request" in fragment["Vary"]
    working.update(state=Source.State.READY)
    assert "every 2s" not in owner.get(LIST, headers=HTMX).content.decode()


def test_a_page_that_polls_keeps_showing_its_own_client(
    owner: Browser, world: Everything, other: Everything
) -> None:
    """Its reader switched to another company in another tab."""
    person = world.people[Role.OWNER]
    second = Membership.objects.create(client=other.client, user=person, role=Role.VIEWER)
    owner.post(reverse("switch_client"), {"to": other.client.public_id})
    poll = {**HTMX, HEADER: world.client.public_id}
    assert "zanzibar hours" in owner.get(LIST, headers=poll).content.decode()
    Membership.objects.filter(user=person).exclude(pk=second.pk).delete()
    assert owner.get(LIST, headers=poll).status_code == 404


def test_names_of_any_script_stand_apart_and_never_become_markup(
    owner: Browser, world: Everything
) -> None:
    title = "<img src=x> ‮مرحبا 😀"
    Source.objects.filter(pk=world.source.pk).update(title=title)
    for path in (LIST, page_of(world.source)):
        page = owner.get(path).content.decode()
        assert "<img src=x>" not in page
        assert "<bdi>&lt;img src=x&gt; ‮مرحبا 😀</bdi>" in page


# --- The page of a source -------------------------------------------------------------------


def test_a_source_shows_its_passages_as_read(owner: Browser, world: Everything) -> None:
    Passage.objects.filter(source=world.source).update(heading="Hours › Shop", pages=[[0, 7]])
    page = owner.get(page_of(world.source)).content.decode()
    assert "zanzibar opens at nine." in page
    assert "Hours › Shop" in page
    assert "page 7" in page
    assert "Ask this document" in page
    assert "every 2s" not in page


def test_a_failed_source_says_why_and_to_upload_it_again(owner: Browser, world: Everything) -> None:
    page = owner.get(page_of(world.failed)).content.decode()
    assert world.failed.error in page
    assert "then send it again" in page
    assert "Try again" not in page
    again = owner.post(page_of(world.failed, "retry_source"))
    assert again.status_code == 409
    assert "upload it again" in again.content.decode()


def test_a_source_that_nobody_finished_is_tried_again(owner: Browser, world: Everything) -> None:
    failed = give_file(world.failed)
    assert "Try again" in owner.get(page_of(failed)).content.decode()
    assert owner.post(page_of(failed, "retry_source")).status_code == 302
    failed.refresh_from_db()
    assert (failed.state, failed.error, failed.attempts) == (Source.State.QUEUED, "", 0)
    assert owner.post(page_of(failed, "retry_source")).status_code == 409  # a second click


def test_a_source_that_kills_its_workers_fails_and_keeps_its_file(world: Everything) -> None:
    source = give_file(world.failed)
    again = Source.objects.filter(pk=source.pk)
    again.update(state=Source.State.READING, attempts=MOST_ATTEMPTS, heartbeat_at=LONG_AGO)
    ingest(source.pk)
    source.refresh_from_db()
    assert (source.state, source.can_be_retried) == (Source.State.FAILED, True)
    assert "after several tries" in source.error
    assert default_storage.exists(source.file)


def test_no_retry_beside_the_same_file(owner: Browser, world: Everything) -> None:
    failed = give_file(world.failed)
    Source.objects.create(knowledge_base=world.base, title="again", sha256=failed.sha256)
    answer = owner.post(page_of(failed, "retry_source"))
    assert answer.status_code == 409
    assert "has exactly this content already" in answer.content.decode()


def give_file(source: Source) -> Source:
    """As if every worker that took it was killed."""
    stored = default_storage.save(f"tests/{source.public_id}", ContentFile(HOURS.encode()))
    Source.objects.filter(pk=source.pk).update(file=stored, attempts=9)
    source.refresh_from_db()
    return source


def test_deleting_removes_everything_and_is_noted(owner: Browser, world: Everything) -> None:
    answer = owner.post(page_of(world.source, "delete_source"), follow=True)
    assert answer.redirect_chain == [(LIST, 302)]
    assert "is deleted" in answer.content.decode()
    listed = owner.get("/api/documents").json()["results"]
    assert world.source.public_id not in {one["id"] for one in listed}
    assert not Passage.objects.live().filter(source=world.source).exists()
    tasks.remove_source(world.source.pk)
    assert not Source.objects.filter(pk=world.source.pk).exists()
    assert not Passage.objects.filter(source__pk=world.source.pk).exists()
    assert not default_storage.exists(world.source.file)
    event = AuditEvent.objects.for_client(world.client).latest("pk")
    assert (event.action, event.target) == (Action.SOURCE_DELETED, world.source.title)
    assert event.actor == world.people[Role.OWNER]
    assert event.details == {"source": world.source.public_id, "bytes": world.source.bytes}
    assert owner.post(page_of(world.source, "delete_source")).status_code == 404  # in another tab


# --- Forms without JavaScript ---------------------------------------------------------------


def test_files_of_a_plain_form_become_sources(owner: Browser, world: Everything) -> None:
    files = [file(), file("notes.txt", "Closed on Mondays.")]
    answer = owner.post(UPLOAD, {"file": files}, follow=True)
    assert answer.redirect_chain == [(LIST, 302)]
    assert "2 files are being read now." in answer.content.decode()
    made = Source.objects.for_client(world.client).unfinished()
    assert set(made.values_list("title", flat=True)) == {"hours", "notes"}
    noted = AuditEvent.objects.for_client(world.client).filter(action=Action.SOURCE_ADDED)
    assert noted.count() == 2
    owner.post(UPLOAD, {"file": file("copy.md")})
    assert noted.count() == 2  # the same bytes are the same source


def test_a_file_that_cannot_be_taken_says_why(owner: Browser, world: Everything) -> None:
    answer = owner.post(UPLOAD, {"file": [file("film.mp4", b"...."), file("empty.txt", b"")]})
    assert answer.status_code == 422
    page = answer.content.decode()
    assert "film.mp4: Files of type “.mp4” cannot be read." in page
    assert "“empty.txt” is empty." in page
    assert not Source.objects.for_client(world.client).unfinished().exists()


def test_what_can_be_taken_of_several_files_is_taken(owner: Browser) -> None:
    answer = owner.post(UPLOAD, {"file": [file(), file("film.mp4", b"....")]}, follow=True)
    assert "It is being read now." in answer.content.decode()
    assert "film.mp4: Files of type" in answer.content.decode()


def test_a_form_without_a_file_says_so(owner: Browser) -> None:
    answer = owner.post(UPLOAD, {})
    assert answer.status_code == 422
    assert "Send the file" in answer.content.decode()


def test_a_file_that_is_too_large_is_refused(owner: Browser, settings: Any) -> None:
    settings.MAX_UPLOAD_BYTES = 100
    answer = owner.post(UPLOAD, {"file": file("long.txt", "x" * 101)})
    assert answer.status_code == 413
    assert not Source.objects.filter(title="long").exists()


def test_a_text_can_be_written_instead(owner: Browser, world: Everything) -> None:
    answer = owner.post(WRITE, text_form(" Open 24/7,\n always ", "We never close."), follow=True)
    assert answer.redirect_chain == [(LIST, 302)]
    made = Source.objects.for_client(world.client).unfinished().get()
    assert (made.format, made.title) == ("markdown", "Open 24-7, always")
    with default_storage.open(made.file) as stored:
        assert stored.read().decode() == "# Open 24/7, always\n\nWe never close.\n"
    assert AuditEvent.objects.filter(action=Action.SOURCE_ADDED, target=made.title).exists()


@pytest.mark.parametrize(
    "form",
    [
        {},
        text_form(title=""),
        text_form(text="  "),
        text_form(title="x" * 121),
        text_form(text="x" * 100_001),
        text_form(text="nul \x00"),
        text_form(**{"write-bot": "bot_of_nobody"}),
    ],
)
def test_a_wrong_text_shows_the_form_again(
    owner: Browser, world: Everything, form: dict[str, str]
) -> None:
    answer = owner.post(WRITE, form)
    assert answer.status_code == 422
    assert "errorlist" in answer.content.decode()
    assert "<details open>" in answer.content.decode()
    assert not Source.objects.for_client(world.client).unfinished().exists()


def test_with_several_chatbots_one_must_be_chosen(
    owner: Browser, world: Everything, other: Everything
) -> None:
    bot, base = another_bot(world)
    assert owner.post(WRITE, text_form()).status_code == 422
    assert owner.post(UPLOAD, {"file": file()}).status_code == 422
    of_rival = text_form(**{"write-bot": other.bot.public_id})
    assert owner.post(WRITE, of_rival).status_code == 422
    assert owner.post(WRITE, text_form(**{"write-bot": bot.public_id})).status_code == 302
    assert owner.post(UPLOAD, {"file": file(), "bot": bot.public_id}).status_code == 302
    assert base.sources.count() == 2


def test_a_client_without_a_chatbot_is_told(owner: Browser, world: Everything) -> None:
    Bot.objects.for_client(world.client).delete()
    assert "no chatbot yet" in owner.get(LIST).content.decode()
    assert owner.post(WRITE, text_form()).status_code == 422


def test_a_plain_form_belongs_to_the_client_in_its_address(
    owner: Browser, world: Everything, other: Everything
) -> None:
    """Reading the field of the form would read the upload: its address names the client."""
    person = world.people[Role.OWNER]
    Membership.objects.create(client=other.client, user=person, role=Role.EDITOR)
    for client in (other.client, world.client):
        body = {"file": file("a.txt", f"for {client.public_id}")}
        assert owner.post(f"{UPLOAD}?client={client.public_id}", body).status_code == 302
        assert Source.objects.for_client(client).unfinished().count() == 1
    stranger = f"{UPLOAD}?client={Everything.make('oslo').client.public_id}"
    assert owner.post(stranger, {"file": file()}).status_code == 404


def test_an_upload_of_another_site_is_refused(
    world: Everything, browser_of: Callable[..., Browser]
) -> None:
    strict = browser_of(world, enforce_csrf_checks=True)
    assert strict.post(UPLOAD, {"file": file()}).status_code == 403
    assert strict.post(WRITE, text_form()).status_code == 403
    page = strict.get(LIST)
    token = page.context["csrf_token"]
    sent = {"file": file(), "csrfmiddlewaretoken": str(token)}
    assert strict.post(UPLOAD, sent).status_code == 302


# --- A new version ---------------------------------------------------------------------------


def replace(browser: Browser, source: Source, *files: SimpleUploadedFile) -> Any:
    return browser.post(page_of(source, "replace_source"), {"file": list(files)}, follow=True)


def test_a_source_gets_a_new_version_by_a_plain_form(owner: Browser, world: Everything) -> None:
    kept = world.source.file
    answer = replace(owner, world.source, file("new hours.md"))
    assert answer.redirect_chain == [(page_of(world.source), 302)]
    page = answer.content.decode()
    assert "The new version is being read." in page
    assert "zanzibar opens at nine." in page  # until then the old one answers
    source = Source.objects.get(pk=world.source.pk)
    assert (source.version, source.live_version, source.state) == (2, 1, Source.State.QUEUED)
    assert (source.title, source.previous["file"]) == ("new hours", kept)
    assert default_storage.exists(kept)
    assert default_storage.exists(source.file)
    event = AuditEvent.objects.for_client(world.client).latest("pk")
    assert (event.action, event.target) == (Action.SOURCE_REPLACED, "new hours")
    again = replace(owner, world.source, file("again.md"))
    assert "nothing to do" in again.content.decode()


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ([], "Send the file"),
        ([file("film.mp4", b"....")], "Files of type"),
        ([file("empty.txt", b"")], "is empty"),
        ([file("all.zip", b"PK\x03\x04" + bytes(100))], "ZIP"),
    ],
)
def test_a_new_version_that_cannot_be_taken_says_why(
    owner: Browser, world: Everything, files: list[SimpleUploadedFile], said: str
) -> None:
    answer = replace(owner, world.source, *files)
    assert said in answer.content.decode()
    source = Source.objects.get(pk=world.source.pk)
    assert (source.version, source.state) == (1, Source.State.READY)


def test_a_new_version_beyond_the_plan_leaves_nothing(owner: Browser, world: Everything) -> None:
    Source.objects.filter(pk=world.failed.pk).update(bytes=10**15)
    answer = replace(owner, world.source, file())
    assert "a larger plan holds more" in answer.content.decode()
    source = Source.objects.get(pk=world.source.pk)
    assert (source.version, source.previous, source.file) == (1, {}, world.source.file)
    assert [one for one in default_storage.listdir(world.client.public_id)[1] if "src" in one] == []


def test_a_new_version_of_another_site_is_refused(
    world: Everything, browser_of: Callable[..., Browser]
) -> None:
    strict = browser_of(world, enforce_csrf_checks=True)
    assert strict.post(page_of(world.source, "replace_source"), {"file": file()}).status_code == 403


def test_a_source_is_read_again_from_its_file(owner: Browser, world: Everything) -> None:
    assert "Read its file again" in owner.get(page_of(world.source)).content.decode()
    assert owner.post(page_of(world.source, "retry_source")).status_code == 302
    source = Source.objects.get(pk=world.source.pk)
    assert (source.version, source.state, source.file) == (2, "queued", world.source.file)
    noted = AuditEvent.objects.for_client(world.client).latest("pk")
    assert noted.action == Action.SOURCE_QUEUED_AGAIN


def test_a_file_that_is_lost_cannot_be_read_again(owner: Browser, world: Everything) -> None:
    default_storage.delete(world.source.file)
    answer = owner.post(page_of(world.source, "retry_source"))
    assert answer.status_code == 409
    assert Source.objects.get(pk=world.source.pk).version == 1


# --- Rights ---------------------------------------------------------------------------------


@pytest.mark.parametrize("role", [Role.VIEWER])
def test_a_viewer_looks_and_changes_nothing(
    world: Everything, browser_of: Callable[..., Browser], role: Role
) -> None:
    viewer = browser_of(world, role)
    page = viewer.get(page_of(world.source)).content.decode()
    assert "zanzibar opens at nine." in page
    assert "<dialog" not in page
    for path in (
        UPLOAD,
        WRITE,
        page_of(world.source, "delete_source"),
        page_of(world.failed, "retry_source"),
    ):
        assert viewer.post(path).status_code == 403
    assert Source.objects.for_client(world.client).documents().count() == 2


def test_strangers_find_nothing(
    world: Everything, other: Everything, browser_of: Callable[..., Browser]
) -> None:
    stranger = browser_of(other)
    assert stranger.get(page_of(world.source)).status_code == 404
    for name in ("delete_source", "retry_source"):
        assert stranger.post(page_of(world.failed, name)).status_code == 404
    assert Source.objects.filter(pk=world.failed.pk).exists()


def test_wrong_methods_are_refused(owner: Browser, world: Everything) -> None:
    assert owner.post(LIST).status_code == 405
    assert owner.post(page_of(world.source)).status_code == 405
    for path in (UPLOAD, WRITE, page_of(world.source, "delete_source")):
        assert owner.get(path).status_code == 405


def test_a_lapsed_client_looks_and_changes_nothing(owner: Browser, world: Everything) -> None:
    lapse(world.client)
    page = owner.get(LIST).content.decode()
    assert world.source.title in page
    assert "Add files" not in page
    assert "zanzibar opens at nine." in owner.get(page_of(world.source)).content.decode()
    failed = give_file(world.failed)
    for path, body in {
        UPLOAD: {"file": file()},
        WRITE: text_form(),
        page_of(world.source, "delete_source"): {},
        page_of(failed, "retry_source"): {},
    }.items():
        answer = owner.post(path, body)
        assert answer.status_code == 402, path
        assert "Choose a plan, and everything works again" in answer.content.decode()
    assert Source.objects.for_client(world.client).documents().count() == 2


# --- The API, by key and by session ---------------------------------------------------------


def test_a_lapsed_client_changes_nothing_by_the_api_either(
    owner: Browser, world: Everything
) -> None:
    lapse(world.client)
    program = Browser(headers={"Authorization": f"Bearer {world.key_text}"})
    for caller in (program, owner):
        body = {"file": file(), "bot": world.bot.public_id}
        assert caller.post("/api/documents", body).status_code == 402
        assert caller.delete(f"/api/documents/{world.source.public_id}").status_code == 402
    assert owner.get("/api/documents").json()["results"]


def test_the_audit_log_names_the_key_that_changed_something(world: Everything) -> None:
    program = Browser(headers={"Authorization": f"Bearer {world.key_text}"})
    sent = program.post("/api/documents", {"file": file(), "bot": world.bot.public_id})
    assert sent.status_code == 201
    assert program.delete(f"/api/documents/{sent.json()['id']}").status_code == 204
    noted = AuditEvent.objects.for_client(world.client).filter(target="hours").order_by("pk")
    assert list(noted.values_list("action", "actor_name")) == [
        (Action.SOURCE_ADDED, f"API key {world.key.prefix}…"),
        (Action.SOURCE_DELETED, f"API key {world.key.prefix}…"),
    ]


# --- Over HTTP, with a worker ---------------------------------------------------------------


def test_a_session_uploads_by_the_api_as_the_page_does(shop: Tenant, rival: Tenant) -> None:
    with shop.dashboard() as browser:
        # A cookie of somebody else's script that only lenient readers survive.
        browser.cookies.set("odd", '{"a":[1,2]}')
        token = hidden(browser.get(LIST).text, "csrfmiddlewaretoken")
        headers = {"X-CSRFToken": token, HEADER: shop.client.public_id}
        body: dict[str, Any] = {
            "data": {"bot": shop.bot.public_id},
            "files": {"file": ("hours.md", BytesIO(HOURS.encode()))},
        }
        refused = browser.post("/api/documents", **body, headers={HEADER: headers[HEADER]})
        assert refused.status_code == 403, refused.text
        body["files"] = {"file": ("hours.md", BytesIO(HOURS.encode()))}
        elsewhere = {**headers, HEADER: rival.client.public_id}
        assert browser.post("/api/documents", **body, headers=elsewhere).status_code == 404
        body["files"] = {"file": ("hours.md", BytesIO(HOURS.encode()))}
        sent = browser.post("/api/documents", **body, headers=headers)
        assert sent.status_code == 201, sent.text
        assert shop.finished(sent.json()["id"])["status"] == "ready"
        assert "Opening hours" in browser.get(LIST).text
        assert "closes at six" in browser.get(f"{LIST}{sent.json()['id']}/").text
    event = AuditEvent.objects.for_client(shop.client).get(action=Action.SOURCE_ADDED)
    assert event.actor is not None


def test_a_written_text_is_answered_from(shop: Tenant) -> None:
    with shop.dashboard() as browser:
        token = hidden(browser.get(LIST).text, "csrfmiddlewaretoken")
        form = {"csrfmiddlewaretoken": token, **text_form(text="The shop opens at nine.")}
        assert browser.post(WRITE, data=form).status_code == 302
        made = Source.objects.for_client(shop.client)
        wait_until(lambda: made.filter(state=Source.State.READY).exists(), 60)
        assert made.get().title == "Opening hours"
    assert "at nine" in shop.chat("When does the shop open?").json()["answer"]


def test_a_plain_form_streams_through_the_door(shop: Tenant) -> None:
    with shop.dashboard() as browser:
        page = browser.get(LIST).text
        token = hidden(page, "csrfmiddlewaretoken")
        address = f"{UPLOAD}?client={shop.client.public_id}"
        assert address in page
        # More than any body but an upload's may have, and quick to read.
        large = b"The shop opens at nine. <!--" + b" " * 3_000_000 + b"-->"
        answer = browser.post(
            address,
            data={"csrfmiddlewaretoken": token},
            files={"file": ("large.md", BytesIO(large))},
        )
        assert answer.status_code == 302, answer.text
        assert Source.objects.for_client(shop.client).get().bytes == len(large)
    nobody = shop.http.post(address, files={"file": ("large.md", BytesIO(large))})
    assert nobody.status_code == 401


def hidden(page: str, name: str) -> str:
    """The value of a hidden field."""
    return page.partition(f'name="{name}" value="')[2].partition('"')[0]


def test_the_script_knows_each_state_there_is() -> None:
    """static/js/upload.js shows each in words of its own."""
    script = (BASE / "static" / "js" / "upload.js").read_text(encoding="utf-8")
    shown = set(Source.State) - {Source.State.GONE}
    assert all(state in script for state in shown)
