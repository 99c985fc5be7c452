"""A client that goes leaves nothing behind, and until then its owners can take it back."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.db.models import Model
from django.db.models.fields.reverse_related import ForeignObjectRel
from django.test import Client as Browser
from django.utils import timezone

from accounts import delivery, key_links, outbox
from accounts.audit import Action
from accounts.models import AuditEvent, Client, Export, Membership, OutboxEmail, User
from accounts.roles import Role
from billing.models import BillingState
from chat.models import Conversation, Message
from chatbot_saas import tasks
from chatbot_saas.data import deletion, export
from chatbot_saas.data.belongings import belongings
from knowledge.models import Passage, PostingList, Reembedding, Segment, Source
from knowledge.vectors import vectors
from tests.everything import Everything
from tests.fakes.smtp import FakeSmtp
from tests.house import House, Tenant, refused
from tests.services.chroma import Chroma
from tests.services.waiting import wait_until

PAGE = "/app/settings/data/"
CLOSE = f"{PAGE}close/"
KEEP = f"{PAGE}keep/"


@pytest.fixture
def world(db: None, chroma: Chroma) -> Everything:
    return made("marigold")


@pytest.fixture
def rival(db: None) -> Everything:
    return made("tromso")


@pytest.fixture
def owner(world: Everything) -> Browser:
    return signed_in(world, Role.OWNER)


def made(mark: str) -> Everything:
    """One of everything, at rest for a while."""
    one = Everything.make(mark)
    BillingState.objects.create(client=one.client)
    passage = Passage.objects.get(source=one.source)
    segment = Segment.objects.create(source=one.source, version=1, first=0, last=passage.position)
    PostingList.objects.create(knowledge_base=one.base, term=7, segment=segment, data=b"")
    outbox.send(f"mailed@{mark}.example", f"{mark} news", "Text", client=one.client)
    at_rest(one.client)
    return one


def at_rest(client: Client) -> None:
    """As if no worker had touched anything of it lately."""
    long_ago = timezone.now() - timedelta(hours=1)
    Source.objects.for_client(client).update(heartbeat_at=long_ago)
    Export.objects.for_client(client).update(heartbeat_at=long_ago)
    Reembedding.objects.for_client(client).update(heartbeat_at=long_ago)


def signed_in(world: Everything, role: Role) -> Browser:
    browser = Browser()
    browser.force_login(world.people[role])
    return browser


def owned(model: type[Model], way: str, client: Client, found: dict[str, int]) -> dict[str, int]:
    """How many rows of each model reach this client, whatever the foreign keys do."""
    for relation in model._meta.get_fields(include_hidden=True):
        if not isinstance(relation, ForeignObjectRel) or relation.many_to_many:
            continue
        there = relation.related_model
        if there is model or there in (User, *User._meta.get_parent_list()):
            continue
        longer = f"{relation.field.name}__{way}" if way else relation.field.name
        rows = there._base_manager.filter(**{longer: client}).count()
        found[f"{there._meta.label} by {longer}"] = rows
        owned(there, longer, client, found)
    return found


def counts(client: Client) -> dict[str, int]:
    return owned(Client, "", client, {})


def files(client: Client) -> list[Path]:
    folder = Path(settings.MEDIA_ROOT)
    return [path for path in folder.rglob("*") if client.public_id in str(path)]


def make_due(client: Client) -> None:
    gone_by = timezone.now() - timedelta(minutes=1)
    Client.objects.filter(pk=client.pk).update(deletion_due_at=gone_by)


# --- Asking for it, and taking it back -------------------------------------------------------


def test_an_owner_closes_the_company_by_typing_its_name(world: Everything, owner: Browser) -> None:
    assert owner.post(CLOSE, {"name": " Marigold  gmbh "}).status_code == 302
    world.client.refresh_from_db()
    assert world.client.deletion_due_at is not None
    left = world.client.deletion_due_at - timezone.now()
    assert timedelta(days=13) < left <= timedelta(days=settings.DELETION_DAYS)
    assert not world.client.is_active
    page = owner.get(PAGE).content.decode()
    assert "Keep it" in page
    assert "close-dialog" not in page
    assert AuditEvent.objects.filter(client=world.client, action=Action.CLIENT_CLOSING).exists()


def test_all_owners_get_one_mail(world: Everything, owner: Browser) -> None:
    second = User.objects.create_user("second@marigold.example", "a long password")
    Membership.objects.create(client=world.client, user=second, role=Role.OWNER)
    gone = User.objects.create_user("gone@marigold.example", "a long password", is_active=False)
    Membership.objects.create(client=world.client, user=gone, role=Role.OWNER)
    owner.post(CLOSE, {"name": world.client.name})
    mails = OutboxEmail.objects.filter(dedupe_key__startswith="closing:")
    assert {mail.recipient for mail in mails} == {
        "owner@marigold.example",
        "second@marigold.example",
    }
    assert "owner@marigold.example asked for the deletion of marigold GmbH" in mails[0].text


@pytest.mark.parametrize("typed", ["", "marigold", "x" * 300])
def test_a_wrong_name_closes_nothing(world: Everything, owner: Browser, typed: str) -> None:
    response = owner.post(CLOSE, {"name": typed})
    assert response.status_code == 422
    assert "data-open" in response.content.decode()
    world.client.refresh_from_db()
    assert world.client.deletion_due_at is None
    assert world.client.is_active


def test_closing_twice_is_refused(world: Everything, owner: Browser) -> None:
    owner.post(CLOSE, {"name": world.client.name})
    assert owner.post(CLOSE, {"name": world.client.name}).status_code == 409
    assert OutboxEmail.objects.filter(dedupe_key__startswith="closing:").count() == 1


@pytest.mark.parametrize("role", [Role.ADMIN, Role.EDITOR, Role.VIEWER])
def test_only_owners_may_close_or_keep(world: Everything, role: Role) -> None:
    browser = signed_in(world, role)
    assert browser.post(CLOSE, {"name": world.client.name}).status_code == 403
    assert browser.post(KEEP).status_code == 403


def test_a_stranger_cannot_close_it(world: Everything, rival: Everything) -> None:
    named = {"X-Client": world.client.public_id}
    stranger = signed_in(rival, Role.OWNER)
    assert stranger.post(CLOSE, {"name": world.client.name}, headers=named).status_code == 404
    world.client.refresh_from_db()
    assert world.client.deletion_due_at is None


def test_while_it_is_closing_owners_look_and_export_but_nothing_changes(
    world: Everything, owner: Browser
) -> None:
    owner.post(CLOSE, {"name": world.client.name})
    assert owner.get("/app/knowledge/").status_code == 200
    assert owner.post(f"{PAGE}export/").status_code == 302
    assert owner.post(f"/app/knowledge/{world.failed.public_id}/retry/").status_code == 402


def test_it_is_kept_when_an_owner_says_so_in_time(world: Everything, owner: Browser) -> None:
    owner.post(CLOSE, {"name": world.client.name})
    assert owner.post(KEEP).status_code == 302
    world.client.refresh_from_db()
    assert world.client.deletion_due_at is None
    assert world.client.is_active
    assert not deletion.delete_if_due(world.client.pk)
    assert AuditEvent.objects.filter(client=world.client, action=Action.CLIENT_KEPT).exists()
    assert owner.post(KEEP).status_code == 409


def test_it_cannot_be_kept_once_the_deletion_began(world: Everything, owner: Browser) -> None:
    make_due(world.client)
    response = owner.post(KEEP)
    assert response.status_code == 409
    assert "too late" in response.content.decode()


# --- The deletion itself ---------------------------------------------------------------------


def test_nothing_is_left_and_others_are_untouched(world: Everything, rival: Everything) -> None:
    before = counts(world.client)
    assert all(before.values()), [name for name, rows in before.items() if not rows]
    others = counts(rival.client)
    assert len(files(world.client)) >= 3
    others_files = files(rival.client)
    make_due(world.client)
    assert deletion.due() == [world.client.pk]
    assert deletion.delete_if_due(world.client.pk)
    assert not any(counts(world.client).values())
    assert not files(world.client)
    assert not Client.objects.filter(pk=world.client.pk).exists()
    assert counts(rival.client) == others
    assert files(rival.client) == others_files


def test_every_model_that_belongs_to_a_client_is_known_to_the_deletion(world: Everything) -> None:
    known = {model._meta.label for model, _ in belongings()}
    assert known == {name.partition(" ")[0] for name in counts(world.client)}


def test_one_note_without_anything_personal_remains(world: Everything) -> None:
    make_due(world.client)
    public_id = world.client.public_id
    OutboxEmail.objects.create(
        dedupe_key=f"closing:{public_id}:1:1",
        recipient="owner@marigold.example",
        sender="a@b.example",
        subject="marigold GmbH",
        not_before=timezone.now(),
    )
    deletion.delete_if_due(world.client.pk)
    event = AuditEvent.objects.get(action=Action.CLIENT_DELETED)
    assert (event.client, event.target, event.actor_name) == (None, public_id, "the system")
    assert event.details == {}
    assert not OutboxEmail.objects.exists()
    deletion.delete_for_good(world.client)
    assert AuditEvent.objects.filter(action=Action.CLIENT_DELETED).count() == 1


def test_mails_that_wait_are_gone_and_never_sent(
    world: Everything, rival: Everything, owner: Browser, mail_server: FakeSmtp
) -> None:
    mails = OutboxEmail.objects.exclude(recipient__startswith="mailed@")
    for browser in (owner, signed_in(rival, Role.OWNER)):
        form = {"email": "new@where.example", "role": "viewer"}
        assert browser.post("/app/settings/members/invite/", form).status_code == 302
        again = f"/app/settings/invitations/{world.invitation.public_id}/again/"
        assert browser.post(again).status_code == (302 if browser is owner else 404)
    key_links.send_to("owner@marigold.example")
    assert mails.filter(client=world.client, state="waiting").count() == 3
    make_due(world.client)
    assert deletion.delete_if_due(world.client.pk)
    assert [mail.client for mail in mails] == [rival.client]
    delivery.deliver_waiting()
    subjects = [mail.subject for mail in mail_server.to("new@where.example")]
    assert subjects == [f"You are invited to tromso GmbH on {settings.SITE_NAME}"]
    assert not mail_server.to("owner@marigold.example")
    assert not mail_server.to("invited@marigold.example")


def test_its_people_stay_and_may_begin_anew(world: Everything, owner: Browser) -> None:
    make_due(world.client)
    deletion.delete_if_due(world.client.pk)
    assert User.objects.filter(email="owner@marigold.example").exists()
    assert owner.get("/app/")["Location"] == "/app/start/"


def test_one_that_is_not_due_stays(world: Everything) -> None:
    later = timezone.now() + timedelta(minutes=1)
    Client.objects.filter(pk=world.client.pk).update(deletion_due_at=later)
    assert deletion.due() == []
    assert not deletion.delete_if_due(world.client.pk)
    assert Membership.objects.for_client(world.client).exists()


def test_it_waits_for_workers_that_are_busy_with_it(world: Everything) -> None:
    held = {"lease": "somebody", "heartbeat_at": timezone.now()}
    Source.objects.filter(pk=world.failed.pk).update(state="embedding", **held)
    one = Export.objects.create(client=world.client)
    make_due(world.client)
    assert not deletion.delete_if_due(world.client.pk)
    world.failed.refresh_from_db()
    assert (world.failed.state, world.failed.lease) == ("failed", "")
    export.build(one.pk)
    one.refresh_from_db()
    assert one.state == "failed"
    assert not deletion.delete_if_due(world.client.pk)
    at_rest(world.client)
    assert deletion.delete_if_due(world.client.pk)
    assert not files(world.client)


@pytest.mark.parametrize("model", [model.__name__ for model, _ in belongings()])
def test_whatever_was_deleted_before_it_was_interrupted_the_next_run_ends_it(
    world: Everything, model: str
) -> None:
    """As after a kill in the middle: all models up to this one are gone already."""
    make_due(world.client)
    deletion._shut_out(world.client)
    for one, way in belongings():
        if one.__name__ == model:
            break
        if not way.startswith("passage__source") and one is not type(world.base):
            deletion._delete_in_batches(one, way, world.client)
    assert deletion.delete_if_due(world.client.pk)
    assert not any(counts(world.client).values())
    assert not files(world.client)


# --- With the real processes -----------------------------------------------------------------


def is_gone(client: Client) -> bool:
    tasks.delete_due_clients.delay()
    return not Client.objects.filter(pk=client.pk).exists()


def test_the_worker_deletes_rows_files_and_vectors(house: House, shop: Tenant) -> None:
    other = house.tenant()
    for tenant in (shop, other):
        tenant.learn("hours.txt", "The shop opens at nine.")
    assert shop.chat("When do you open?").status_code == 200
    assert vectors().count(shop.base.collection) == 1
    make_due(shop.client)
    wait_until(lambda: is_gone(shop.client), 60, every=1)
    assert not any(counts(shop.client).values())
    assert not files(shop.client)
    # Asking for a count would make it again: look at what there is.
    assert shop.base.collection not in collections()
    assert other.base.collection in collections()
    assert other.search("When do you open?")
    assert shop.chat("When do you open?").status_code == 401


def collections() -> set[str]:
    return {one.name for one in vectors()._connected().list_collections()}


def test_without_chroma_the_client_stays_until_it_is_back(house: House, shop: Tenant) -> None:
    shop.learn("hours.txt", "The shop opens at nine.")
    at_rest(shop.client)
    make_due(shop.client)
    house.chroma.kill()
    try:
        assert not deletion.delete_if_due(shop.client.pk)
        assert Client.objects.filter(pk=shop.client.pk).exists()
        assert not Message.objects.filter(conversation__bot__client=shop.client).exists()
    finally:
        house.chroma.start()
    assert deletion.delete_if_due(shop.client.pk)
    assert shop.base.collection not in collections()


def test_a_document_that_is_being_read_does_not_come_back(house: House, shop: Tenant) -> None:
    text = "\n\n".join(
        f"Paragraph {number} tells about item {number}. " * 14 for number in range(400)
    )
    document = shop.upload("long.txt", text).json()["id"]
    wait_until(lambda: shop.document(document)["progress"] > 0.15, 60)
    make_due(shop.client)
    wait_until(lambda: is_gone(shop.client), 60, every=1)
    # The worker has noticed by now: it takes the next job.
    other = house.tenant()
    other.learn("b.txt", "We open at nine.")
    assert not any(counts(shop.client).values())
    assert not files(shop.client)
    assert shop.base.collection not in collections()


def test_a_worker_killed_in_the_middle_is_followed_by_one_that_ends_it(
    house: House, shop: Tenant
) -> None:
    shop.learn("hours.txt", "The shop opens at nine.")
    conversation = Conversation.objects.create(bot=shop.bot)
    Message.objects.bulk_create(
        Message(conversation=conversation, public_id=f"msg_{shop.client.pk}_{number}")
        for number in range(20_000)
    )
    at_rest(shop.client)
    make_due(shop.client)
    of_client = Message.objects.filter(conversation__bot__client=shop.client)
    tasks.delete_due_clients.delay()
    try:
        wait_until(lambda: of_client.count() < 19_000, 30)
        house.worker.kill()
        assert 0 < of_client.count() < 20_000
        assert Client.objects.filter(pk=shop.client.pk).exists()
    finally:
        house.worker.start()
    wait_until(lambda: is_gone(shop.client), 60, every=1)
    assert not any(counts(shop.client).values())
    assert not files(shop.client)


def test_visitors_and_programs_are_told_the_same_neutral_line(house: House, shop: Tenant) -> None:
    visitor = shop.visitor()
    with shop.dashboard() as dashboard:
        token = dashboard.get(PAGE).text.partition('csrfmiddlewaretoken" value="')[2][:64]
        sent = {"csrfmiddlewaretoken": token, "name": shop.client.name}
        assert dashboard.post(CLOSE, data=sent).status_code == 302
        response = visitor.ask("When do you open?")
        assert refused(response) == (402, "subscription_inactive")
        assert "delet" not in response.text
        assert dashboard.post(KEEP, data=sent).status_code == 302
    assert visitor.ask("When do you open?").status_code == 200
