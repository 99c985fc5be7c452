"""Everything that a client has, in one ZIP file: complete, safe, and in nobody else's hands."""

from __future__ import annotations

import hashlib
import io
import json
import re
import zipfile
from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.test import Client as Browser
from django.utils import timezone
from playwright.sync_api import Error, Page

from accounts.audit import Action
from accounts.models import AuditEvent, Client, Export, Membership, OutboxEmail
from accounts.roles import Role
from chat.models import Bot, Conversation, Message
from chatbot_saas import tasks
from chatbot_saas.data import archive, contents, export
from chatbot_saas.data.belongings import belongings
from chatbot_saas.lib.lease import LeaseLost
from knowledge.models import KnowledgeBase, Source
from tests.e2e.looking import WAYS, look, shots
from tests.everything import Everything
from tests.house import House, Tenant, session_of
from tests.services.browser import open_browser
from tests.services.django import Worker
from tests.services.waiting import wait_until

PAGE = "/app/settings/data/"
START = "/app/settings/data/export/"


SCENES = ["empty", "working", "ready", "closing", "wrong-name", "wrong-days"]


@pytest.fixture
def world(db: None) -> Everything:
    return Everything.make("marigold")


@pytest.fixture
def rival(db: None) -> Everything:
    return Everything.make("tromso")


@pytest.fixture
def owner(world: Everything) -> Browser:
    return signed_in(world, Role.OWNER)


def signed_in(world: Everything, role: Role) -> Browser:
    browser = Browser()
    browser.force_login(world.people[role])
    return browser


def built(client: Client) -> Export:
    one = Export.objects.create(client=client)
    export.build(one.pk)
    one.refresh_from_db()
    assert one.state == Export.State.READY
    return one


def opened(one: Export) -> zipfile.ZipFile:
    with default_storage.open(one.file) as file:
        return zipfile.ZipFile(io.BytesIO(file.read()))


def rows(file: zipfile.ZipFile, kind: str) -> list[dict]:
    return [json.loads(line) for line in file.read(f"{kind}.jsonl").splitlines()]


def test_an_export_holds_everything_of_this_client_and_nothing_of_others(
    world: Everything, rival: Everything
) -> None:
    file = opened(built(world.client))
    for name in file.namelist():
        assert b"tromso" not in file.read(name)
    assert rows(file, "company")[0]["name"] == "marigold GmbH"
    assert {row["role"] for row in rows(file, "members")} == set(Role)
    assert rows(file, "invitations")[0]["email"] == "invited@marigold.example"
    assert rows(file, "knowledge_bases")[0]["id"] == world.base.public_id
    assert rows(file, "bots")[0]["name"] == "marigold bot"
    titles = {"marigold hours", "marigold scan", "Does marigold repair boots?"}
    assert {row["title"] for row in rows(file, "sources")} == titles
    assert rows(file, "faqs")[0]["answer"] == "marigold repairs boots within a week."
    assert rows(file, "passages")[0]["text"] == "marigold opens at nine."
    assert rows(file, "conversations")[0]["page_url"] == "https://marigold.example/help"
    said = rows(file, "messages")
    assert [row["role"] for row in said] == ["visitor", "bot", "visitor", "bot"]
    assert said[1]["citations"][0]["quote"] == "marigold opens at nine."
    assert {row["action"] for row in rows(file, "audit_log")} >= {Action.KEY_CREATED}
    original = next(name for name in file.namelist() if name.startswith("files/"))
    assert original == f"files/{world.source.public_id}-marigold hours.txt"
    assert file.read(original) == b"marigold opens at nine."


# What an export leaves out, or holds elsewhere. Whoever adds a model decides here or exports it.
NOT_BY_ITSELF = {
    "accounts.Export": "the archive itself",
    "accounts.KeyLink": "a link that lives for minutes, worth nothing but to its reader",
    "accounts.OutboxEmail": "mails on their way: their readers have them",
    "billing.Checkout": "a payment page at Stripe, open for a day",
    "billing.SyncRequest": "work of our own: when we looked at Stripe",
    "chat.Citation": "inside the messages",
    "knowledge.DirectUpload": "a file on its way in: what comes of it is a source",
    "knowledge.LeftCollection": "work of our own: what is to go from another index server",
    "knowledge.NextVector": "numbers made from the passages",
    "knowledge.PostingList": "words of the passages, made from them",
    "knowledge.Reembedding": "work of our own: a change of the search model",
    "knowledge.Segment": "which passages came into the index together",
}


def test_every_model_of_a_client_is_exported_or_left_out_on_purpose(world: Everything) -> None:
    exported = {kind.rows(world.client).model._meta.label for kind in contents.KINDS}
    owned = {model._meta.label for model, _ in belongings()}
    assert exported - {"accounts.Client"} == owned - set(NOT_BY_ITSELF)
    assert set(NOT_BY_ITSELF) <= owned


def test_no_key_and_no_secret_of_a_link_is_exported(world: Everything) -> None:
    file = opened(built(world.client))
    assert rows(file, "api_keys")[0]["prefix"] == world.key.prefix
    for name in file.namelist():
        text = file.read(name)
        for secret in (world.key_text, world.key.digest, world.invitation.digest):
            assert secret.encode() not in text


def test_the_manifest_counts_and_hashes_every_file(world: Everything) -> None:
    file = opened(built(world.client))
    manifest = json.loads(file.read("manifest.json"))
    assert manifest["company"] == {"id": world.client.public_id, "name": "marigold GmbH"}
    assert set(manifest["files"]) == set(file.namelist()) - {"manifest.json", "README.txt"}
    for name, entry in manifest["files"].items():
        content = file.read(name)
        assert entry["sha256"] == hashlib.sha256(content).hexdigest()
        assert entry["bytes"] == len(content)
        if name.endswith(".jsonl"):
            assert entry["rows"] == len(content.splitlines())


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("../../etc/passwd", "etc-passwd"),
        ("a\\b\r\nc", "a-b--c"),
        ("\u202egnp.exe", "gnp.exe"),
        ("שלום 👋 हिन्दी", "שלום - हिन्दी"),
        ("...", "untitled"),
        ("x" * 300, "x" * 80),
    ],
)
def test_titles_become_harmless_file_names(title: str, name: str) -> None:
    source = Source(public_id="src_1", title=title, format="pdf")
    found = archive.file_name(source)
    assert found == f"src_1-{name}.pdf"
    assert Path(found).name == found


def test_more_rows_than_a_batch_are_all_exported(world: Everything) -> None:
    Conversation.objects.bulk_create(
        Conversation(bot=world.bot, public_id=f"con_{number}") for number in range(1203)
    )
    assert len(rows(opened(built(world.client)), "conversations")) == 1204


def test_rows_and_files_that_vanish_meanwhile_do_not_break_it(world: Everything) -> None:
    Message.objects.bulk_create(
        Message(conversation=world.conversation, public_id=f"msg_{number}", role="visitor")
        for number in range(1200)
    )
    default_storage.delete(world.source.file)
    messages = next(kind for kind in contents.KINDS if kind.name == "messages")
    batches = messages.lines(world.client)
    assert len(next(batches)) == 500
    Message.objects.filter(conversation=world.conversation).delete()
    assert list(batches) == []
    assert not [name for name in opened(built(world.client)).namelist() if "files/" in name]


def test_an_owner_asks_for_an_export_and_the_page_follows_it(
    world: Everything, owner: Browser
) -> None:
    assert "hx-trigger" not in owner.get(PAGE).content.decode()
    response = owner.post(START)
    assert response["Location"] == PAGE
    page = owner.get(PAGE).content.decode()
    assert 'hx-trigger="every 2s"' in page
    assert "Export everything" not in page
    one = Export.objects.get(client=world.client, state=Export.State.QUEUED)
    assert one.requested_by == world.people[Role.OWNER]
    assert AuditEvent.objects.filter(
        client=world.client, action=Action.EXPORT_REQUESTED, target=one.public_id
    ).exists()


def test_only_one_export_is_built_at_a_time(world: Everything, owner: Browser) -> None:
    owner.post(START)
    again = owner.post(START)
    assert again.status_code == 409
    assert "being built already" in again.content.decode()
    assert Export.objects.filter(client=world.client).unfinished().count() == 1


def test_exports_are_limited_by_day(world: Everything, owner: Browser) -> None:
    for _ in range(10):
        owner.post(START)
        Export.objects.filter(client=world.client).unfinished().delete()
    assert owner.post(START).status_code == 429


def test_the_mail_leads_to_the_data_page_and_is_sent_once(
    world: Everything, owner: Browser
) -> None:
    owner.post(START)
    one = Export.objects.get(client=world.client, state=Export.State.QUEUED)
    export.build(one.pk)
    export.build(one.pk)
    mail = OutboxEmail.objects.get(dedupe_key__contains=one.public_id)
    assert mail.recipient == "owner@marigold.example"
    assert f"{settings.SITE_URL}{PAGE}" in mail.text
    assert one.public_id not in mail.text


def test_a_person_who_is_no_owner_any_more_gets_no_mail(world: Everything, owner: Browser) -> None:
    owner.post(START)
    one = Export.objects.get(client=world.client, state=Export.State.QUEUED)
    Membership.objects.filter(user=world.people[Role.OWNER]).update(role=Role.ADMIN)
    export.build(one.pk)
    assert not OutboxEmail.objects.filter(dedupe_key__contains=one.public_id).exists()


def test_a_new_export_replaces_the_one_before(world: Everything) -> None:
    first, second = built(world.client), built(world.client)
    stored = first.file
    first.refresh_from_db()
    assert (first.state, first.file) == (Export.State.EXPIRED, "")
    assert not default_storage.exists(stored)
    assert default_storage.exists(second.file)


@pytest.mark.parametrize("role", [Role.ADMIN, Role.EDITOR, Role.VIEWER])
def test_only_owners_may_have_it(world: Everything, role: Role) -> None:
    browser = signed_in(world, role)
    for path in (PAGE, f"{PAGE}exports/{world.export.public_id}/"):
        assert browser.get(path).status_code == 403
    assert browser.post(START).status_code == 403


def test_strangers_get_404(world: Everything, rival: Everything) -> None:
    stranger = signed_in(rival, Role.OWNER)
    assert stranger.get(f"{PAGE}exports/{world.export.public_id}/").status_code == 404
    assert stranger.get(f"{PAGE}exports/exp_none/").status_code == 404


@pytest.mark.parametrize("path", ["export/", "retention/", "close/", "keep/"])
def test_a_wrong_method_is_405(owner: Browser, world: Everything, path: str) -> None:
    assert owner.get(PAGE + path).status_code == 405
    assert owner.post(PAGE).status_code == 405
    assert owner.post(f"{PAGE}exports/{world.export.public_id}/").status_code == 405


def test_an_expired_export_is_gone_and_so_is_its_file(world: Everything, owner: Browser) -> None:
    one = built(world.client)
    stored = one.file
    Export.objects.filter(pk=one.pk).update(expires_at=timezone.now() - timedelta(seconds=1))
    link = f"{PAGE}exports/{one.public_id}/"
    assert owner.get(link).status_code == 410
    tasks.sweep_exports()
    one.refresh_from_db()
    assert one.state == Export.State.EXPIRED
    assert not default_storage.exists(stored)
    assert owner.get(link).status_code == 410
    assert not AuditEvent.objects.filter(action=Action.EXPORT_DOWNLOADED).exists()


def test_an_export_that_is_not_ready_cannot_be_downloaded(
    world: Everything, owner: Browser
) -> None:
    one = Export.objects.create(client=world.client)
    assert owner.get(f"{PAGE}exports/{one.public_id}/").status_code == 409


def test_one_that_fails_again_and_again_is_given_up(world: Everything) -> None:
    long_ago = timezone.now() - timedelta(hours=1)
    one = Export.objects.create(client=world.client)
    Export.objects.filter(pk=one.pk).update(
        attempts=export.MOST_ATTEMPTS, lease="dead", heartbeat_at=long_ago, state="working"
    )
    assert export.abandoned() == [one.pk]
    export.build(one.pk)
    one.refresh_from_db()
    assert (one.state, one.error) == (Export.State.FAILED, "It failed several times.")


def test_nobody_builds_what_another_worker_holds(world: Everything) -> None:
    one = Export.objects.create(client=world.client, lease="somebody", state="working")
    export.build(one.pk)
    one.refresh_from_db()
    assert (one.lease, one.state) == ("somebody", "working")


def test_an_export_deleted_meanwhile_leaves_no_file(world: Everything) -> None:
    one = Export.objects.create(client=world.client)
    claimed = export._claim(one.pk)
    assert claimed is not None
    path = export._temporary(claimed)
    path.write_bytes(b"PK")
    one.delete()
    with pytest.raises(LeaseLost):
        export._publish(claimed, path)
    assert not default_storage.exists(f"{world.client.public_id}/exports/{claimed.public_id}")


def test_the_page_makes_the_same_number_of_queries_for_many_exports(
    world: Everything, owner: Browser, django_assert_max_num_queries
) -> None:
    Export.objects.bulk_create(
        Export(client=world.client, public_id=f"exp_{number}", state="expired")
        for number in range(30)
    )
    owner.get(PAGE)
    with django_assert_max_num_queries(12):
        page = owner.get(PAGE)
    assert len(page.context["exports"]) == 10


def test_retention_is_set_and_noted(world: Everything, owner: Browser) -> None:
    for sent, days in (
        ({"keep": "30"}, 30),
        ({"keep": "own", "own_days": "77"}, 77),
        ({"keep": ""}, None),
    ):
        assert owner.post(f"{PAGE}retention/", sent).status_code == 302
        world.client.refresh_from_db()
        assert world.client.retention_days == days
    events = AuditEvent.objects.filter(action=Action.RETENTION_CHANGED).order_by("pk")
    assert [event.target for event in events] == ["30 days", "77 days", "for ever"]


@pytest.mark.parametrize(
    "sent",
    [
        {"keep": "31"},
        {"keep": "own"},
        {"keep": "own", "own_days": "0"},
        {"keep": "own", "own_days": "3651"},
        {"keep": "own", "own_days": "many"},
    ],
)
def test_a_bad_retention_is_shown_again_with_the_mistake(
    world: Everything, owner: Browser, sent: dict
) -> None:
    response = owner.post(f"{PAGE}retention/", sent)
    assert response.status_code == 422
    assert "errorlist" in response.content.decode()
    world.client.refresh_from_db()
    assert world.client.retention_days is None


# --- With the real worker --------------------------------------------------------------------


@pytest.fixture
def worker(house: House) -> Iterator[Worker]:
    """The house's worker, which a test may kill; it runs again afterwards."""
    yield house.worker
    house.worker.start()


def fill(client: Client, base: KnowledgeBase, bot: Bot, megabytes: int) -> None:
    """Files that take a while to pack: random bytes do not shrink."""
    for number in range(megabytes // 8):
        content = hashlib.shake_256(str(number).encode()).digest(8 * 1024 * 1024)
        Source.objects.create(
            knowledge_base=base,
            title=f"Big {number}",
            format="text",
            state=Source.State.READY,
            bytes=len(content),
            sha256=hashlib.sha256(content).hexdigest(),
            file=default_storage.save(f"{client.public_id}/big-{number}", ContentFile(content)),
        )
    conversation = Conversation.objects.create(bot=bot)
    Message.objects.bulk_create(
        Message(conversation=conversation, public_id=f"msg_{client.pk}_{number}", role="visitor")
        for number in range(5000)
    )


def is_in(state: str, one: Export) -> bool:
    one.refresh_from_db()
    return one.state == state


def has_progress(one: Export) -> bool:
    one.refresh_from_db()
    return 0.1 < one.progress < 0.9


def swept(one: Export) -> bool:
    tasks.sweep_exports.delay()
    return is_in("ready", one)


def test_an_owner_downloads_what_the_worker_built(house: House, shop: Tenant) -> None:
    shop.learn("hours.txt", "The shop opens at nine.")
    user = shop.member()
    with shop.dashboard(user) as dashboard:
        token = csrf(dashboard.get(PAGE).text)
        assert dashboard.post(START, data={"csrfmiddlewaretoken": token}).status_code == 302
        one = Export.objects.get(client=shop.client)
        wait_until(partial(is_in, "ready", one), 60)
        response = dashboard.get(f"{PAGE}exports/{one.public_id}/")
    assert response.status_code == 200
    assert response.headers["Content-Disposition"].startswith('attachment; filename="client-')
    assert response.headers["Cache-Control"] == "private, no-store"
    assert int(response.headers["Content-Length"]) == one.bytes == len(response.content)
    file = zipfile.ZipFile(io.BytesIO(response.content))
    assert file.testzip() is None
    assert rows(file, "passages")[0]["text"] == "The shop opens at nine."
    event = AuditEvent.objects.get(client=shop.client, action=Action.EXPORT_DOWNLOADED)
    assert (event.actor_name, event.target) == (user.email, one.public_id)


def csrf(page: str) -> str:
    found = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page)
    assert found
    return found[1]


def test_a_killed_workers_export_is_built_by_the_next_one(
    house: House, shop: Tenant, worker: Worker
) -> None:
    fill(shop.client, shop.base, shop.bot, megabytes=200)
    one = Export.objects.create(client=shop.client, requested_by=shop.member())
    tasks.build_export.delay(one.pk)
    wait_until(partial(has_progress, one), 60)
    worker.kill()
    # A row that goes meanwhile must not matter.
    Source.objects.filter(knowledge_base=shop.base, title="Big 3").delete()
    one.refresh_from_db()
    assert one.state == "working"
    assert leftovers(one)
    worker.start()
    wait_until(partial(swept, one), 120, every=1)
    assert one.attempts == 2
    file = opened(one)
    assert file.testzip() is None
    assert len(rows(file, "messages")) == 5000
    assert len([name for name in file.namelist() if name.startswith("files/")]) == 24
    assert not leftovers(one)
    stored = default_storage.listdir(f"{shop.client.public_id}/exports")[1]
    assert [f"{shop.client.public_id}/exports/{name}" for name in stored] == [one.file]


def leftovers(one: Export) -> list[Path]:
    return list(Path(settings.FILE_UPLOAD_TEMP_DIR).glob(f"export-{one.public_id}*"))


# --- In a real browser -----------------------------------------------------------------------


@pytest.fixture(scope="module")
def scenes(house: House) -> dict[str, str]:
    """A session of an owner for each state in which the page may be."""
    sessions = {}
    now = timezone.now()
    for scene in SCENES:
        tenant = house.tenant()
        if scene == "working":
            state = {"state": "working", "progress": 0.4, "lease": "nobody"}
            Export.objects.create(client=tenant.client, **state)
            Export.objects.filter(client=tenant.client).update(heartbeat_at=now + timedelta(days=1))
        if scene == "ready":
            over = {"state": "failed", "error": "It failed several times."}
            Export.objects.create(client=tenant.client, **over)
            Export.objects.create(client=tenant.client, state="expired")
            until = now + timedelta(days=7)
            ready = {"state": "ready", "bytes": 73_400_320, "expires_at": until}
            Export.objects.create(client=tenant.client, **ready)
        if scene == "closing":
            Client.objects.filter(pk=tenant.client.pk).update(
                deletion_due_at=now + timedelta(days=14), is_active=False
            )
        sessions[scene] = session_of(tenant.member())
    return sessions


@pytest.mark.parametrize(("scheme", "width"), WAYS)
def test_the_page_is_good_to_look_at_in_every_state(
    house: House, scenes: dict[str, str], scheme: str, width: int
) -> None:
    errors: list[Error] = []
    with open_browser() as browser:
        for scene, session in scenes.items():
            context = browser.new_context(
                viewport={"width": width, "height": 800},
                color_scheme=scheme,  # type: ignore[arg-type]
                reduced_motion="reduce",
            )
            name = settings.SESSION_COOKIE_NAME
            context.add_cookies([{"name": name, "value": session, "url": house.web.url}])
            page = context.new_page()
            page.on("pageerror", lambda error: errors.append(error))
            page.goto(house.web.url + PAGE)
            play(page, scene)
            look(page, shots() / f"data-{scene}-{scheme}-{width}.png")
            context.close()
    assert not errors


def play(page: Page, scene: str) -> None:
    """What a person does on the page before one looks at it."""
    if scene == "working":
        with page.expect_response(lambda response: response.url.endswith(PAGE)):
            pass  # the page asks again by itself
        page.wait_for_selector("#exports progress")
    if scene == "wrong-name":
        page.get_by_role("button", name="Delete…").click()
        page.get_by_label("Type the company's name").fill("Somebody else")
        page.get_by_role("button", name="Delete the company").click()
        page.wait_for_selector("dialog[open] .errorlist")
    if scene == "wrong-days":
        page.get_by_label("Keep conversations").select_option("own")
        page.get_by_role("button", name="Save").click()
        page.wait_for_selector(".errorlist")
