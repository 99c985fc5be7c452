"""API keys: their life, their rights, and what is kept of them."""

from __future__ import annotations

import json
import re
from datetime import timedelta

import pytest
from django.core.serializers import serialize
from django.db import connection
from django.test import Client as Browser
from django.utils import timezone

from accounts import keys
from accounts.models import ApiKey, AuditEvent, Client
from accounts.roles import Role
from chat.models import Conversation
from chatbot_saas.lib.errors import BadRequest, CallerError, Conflict
from tests.accounts.conftest import at_once, signed_in
from tests.everything import Everything
from tests.house import House, Tenant

PAGE = "/app/settings/keys/"
FORM = {"name": "Shop system", "mode": "live", "scopes": ["read", "write", "chat"], "days": ""}


def new_key(browser: Browser, **changes: object) -> str:
    response = browser.post(PAGE, FORM | changes)
    assert response.status_code == 200, response.context["form"].errors
    return str(response.context["text"])


def listed(key: str) -> int:
    return Browser().get("/api/documents", headers={"Authorization": f"Bearer {key}"}).status_code


def test_the_life_of_a_key(shop: Tenant) -> None:
    """Over HTTP, on the real server: made, used, rotated, the overlap over, revoked."""
    row, old = keys.make(shop.client, "Shop system")

    def status(key: str) -> int:
        headers = {"Authorization": f"Bearer {key}"}
        return shop.http.get("/api/documents", headers=headers).status_code

    assert status(old) == 200
    _, new = keys.rotate(row, timedelta(hours=1))
    assert (status(old), status(new)) == (200, 200)
    ApiKey.objects.filter(pk=row.pk).update(expires_at=timezone.now() - timedelta(seconds=1))
    assert (status(old), status(new)) == (401, 200)
    keys.revoke(ApiKey.objects.get(digest=keys.digest_of(new)))
    assert (status(old), status(new)) == (401, 401)


def test_a_key_is_shown_once_and_only_its_hash_is_kept(owner: Browser, acme: Everything) -> None:
    key = new_key(owner)
    assert re.fullmatch(r"sk_live_[\w-]{43}", key)
    assert key not in owner.get(PAGE).content.decode()
    assert key not in str(dict(owner.session))
    rows = serialize("json", [*ApiKey.objects.all(), *AuditEvent.objects.all()])
    assert key not in rows
    assert key[:12] in rows


def test_a_page_with_a_key_is_not_kept_by_the_browser(owner: Browser) -> None:
    assert "no-store" in owner.post(PAGE, FORM)["Cache-Control"]


def test_an_unknown_an_expired_and_a_revoked_key_look_the_same(acme: Everything) -> None:
    _, expired = keys.make(acme.client, "a", expires_at=timezone.now() - timedelta(seconds=1))
    row, revoked = keys.make(acme.client, "b")
    keys.revoke(row)
    answers = {
        Browser().get("/api/documents", headers={"Authorization": f"Bearer {key}"}).content
        for key in (expired, revoked, "sk_live_unknown", "x")
    }
    assert len(answers) == 1
    assert json.loads(answers.pop())["error"]["code"] == "invalid_key"


@pytest.mark.parametrize("scope", ["read", "write", "chat"])
def test_a_key_does_only_what_its_scopes_allow(shop: Tenant, scope: str) -> None:
    _, key = keys.make(shop.client, "One scope", [scope])
    headers = {"Authorization": f"Bearer {key}"}
    bot = shop.bot.public_id
    search = {"bot": bot, "query": "x", "k": 1}
    got = {
        "read": shop.http.post("/api/search", json=search, headers=headers).status_code,
        "write": shop.http.delete("/api/documents/src_none", headers=headers).status_code,
        "chat": shop.chat("Hello?", key=key).status_code,
    }
    fine = {"read": 200, "write": 404, "chat": 200}
    assert got == {name: fine[name] if name == scope else 403 for name in got}


def test_what_a_test_key_asks_is_marked(shop: Tenant) -> None:
    _, key = keys.make(shop.client, "Tests", mode=ApiKey.Mode.TEST)
    assert key.startswith("sk_test_")
    asked = shop.chat("Hello?", key=key).json()["conversation"]
    live = shop.chat("Hello?").json()["conversation"]
    channels = dict(Conversation.objects.values_list("public_id", "channel"))
    assert (channels[asked], channels[live]) == ("test", "api")


def test_the_use_of_a_key_is_noted_every_few_minutes(acme: Everything) -> None:
    _, text = keys.make(acme.client, "a")
    assert keys.find(text)
    first = ApiKey.objects.get(digest=keys.digest_of(text)).last_used_at
    assert first is not None
    keys.find(text)
    assert ApiKey.objects.get(digest=keys.digest_of(text)).last_used_at == first
    long_ago = timezone.now() - timedelta(minutes=6)
    ApiKey.objects.filter(digest=keys.digest_of(text)).update(last_used_at=long_ago)
    keys.find(text)
    again = ApiKey.objects.get(digest=keys.digest_of(text)).last_used_at
    assert again is not None
    assert again > first


def test_rotation_keeps_name_rights_kind_and_span(acme: Everything) -> None:
    ends = timezone.now() + timedelta(days=90)
    old, _ = keys.make(acme.client, "Shop", ["read"], mode="test", expires_at=ends)
    new, _ = keys.rotate(old, timedelta(hours=24))
    assert (new.name, new.scopes, new.mode) == ("Shop", ["read"], "test")
    assert new.expires_at is not None
    assert abs(new.expires_at - ends) < timedelta(minutes=1)
    old.refresh_from_db()
    assert old.replaced_by == new
    assert old.expires_at is not None
    assert old.expires_at < timezone.now() + timedelta(hours=25)


def test_rotation_never_prolongs_a_key(acme: Everything) -> None:
    ends = timezone.now() + timedelta(minutes=5)
    old, _ = keys.make(acme.client, "Shop", expires_at=ends)
    keys.rotate(old, timedelta(days=7))
    old.refresh_from_db()
    assert old.expires_at == ends


def test_what_has_ended_cannot_be_rotated(acme: Everything) -> None:
    key, _ = keys.make(acme.client, "Shop")
    keys.rotate(key, timedelta(hours=1))
    with pytest.raises(Conflict, match="rotated already"):
        keys.rotate(key, timedelta(hours=1))
    gone, _ = keys.make(acme.client, "Gone")
    keys.revoke(gone)
    with pytest.raises(Conflict, match="revoked"):
        keys.rotate(gone, timedelta(hours=1))


def test_two_rotations_at_the_same_moment_make_one_successor(house: House) -> None:
    world = Everything.make("race")
    done: list[str] = []

    def rotate() -> None:
        try:
            done.append(keys.rotate(world.key, timedelta(hours=1))[1])
        except Conflict:
            done.append("")
        finally:
            connection.close()

    at_once([rotate] * 4)
    assert len([text for text in done if text]) == 1
    assert ApiKey.objects.for_client(world.client).count() == 2


def test_a_key_without_rights_or_one_too_many_is_refused(acme: Everything) -> None:
    with pytest.raises(BadRequest):
        keys.make(acme.client, "None", [])
    with pytest.raises(BadRequest):
        keys.make(acme.client, "Odd", ["admin"])
    for number in range(keys.MOST_USABLE_KEYS - 1):
        keys.make(acme.client, f"Key {number}")
    with pytest.raises(Conflict, match="revoke some"):
        keys.make(acme.client, "One more")


def test_a_lapsed_client_gets_no_key_in_any_way(owner: Browser, acme: Everything) -> None:
    before = ApiKey.objects.count()
    Client.objects.filter(pk=acme.client.pk).update(is_active=False)
    assert owner.post(PAGE, FORM).status_code == 402
    rotate = f"{PAGE}{acme.key.public_id}/rotate/"
    assert owner.post(rotate, {"overlap": "1"}).status_code == 402
    with pytest.raises(CallerError) as caught:
        keys.make(acme.client, "By the back door")
    assert caught.value.status == 402
    assert ApiKey.objects.count() == before
    acme.key.refresh_from_db()
    assert acme.key.expires_at is None


def test_the_keys_of_a_lapsed_client_open_nothing(acme: Everything) -> None:
    assert listed(acme.key_text) == 200
    Client.objects.filter(pk=acme.client.pk).update(is_active=False)
    assert listed(acme.key_text) == 402


def test_keys_of_a_lapsed_client_can_still_be_revoked(owner: Browser, acme: Everything) -> None:
    Client.objects.filter(pk=acme.client.pk).update(is_active=False)
    assert owner.post(f"{PAGE}{acme.key.public_id}/revoke/").status_code == 302
    acme.key.refresh_from_db()
    assert acme.key.revoked_at is not None


@pytest.mark.parametrize(
    "changes",
    [
        {"name": ""},
        {"name": "x" * 81},
        {"name": "two\nlines"},
        {"scopes": []},
        {"scopes": ["root"]},
        {"mode": "gold"},
        {"days": "-1"},
    ],
)
def test_bad_input_makes_no_key(owner: Browser, acme: Everything, changes: dict) -> None:
    before = ApiKey.objects.count()
    response = owner.post(PAGE, FORM | changes)
    assert response.status_code == 422
    assert response.context["form"].errors
    assert ApiKey.objects.count() == before


def test_a_bad_overlap_rotates_nothing(owner: Browser, acme: Everything) -> None:
    response = owner.post(f"{PAGE}{acme.key.public_id}/rotate/", {"overlap": "9999"})
    assert response.status_code == 422
    acme.key.refresh_from_db()
    assert acme.key.replaced_by is None


def test_what_happens_to_keys_is_noted(owner: Browser, acme: Everything) -> None:
    new_key(owner)
    owner.post(f"{PAGE}{acme.key.public_id}/rotate/", {"overlap": "24"})
    owner.post(f"{PAGE}{acme.key.public_id}/revoke/")
    noted = AuditEvent.objects.for_client(acme.client).order_by("-pk")[:3]
    assert [event.action for event in noted] == ["key.revoked", "key.rotated", "key.created"]
    assert {event.actor for event in noted} == {acme.people[Role.OWNER]}
    assert {event.address for event in noted} == {"127.0.0.1"}


def test_keys_of_others_do_not_exist(rival: Everything, acme: Everything) -> None:
    browser = signed_in(rival, Role.OWNER)
    for step in ("rotate", "revoke"):
        assert browser.post(f"{PAGE}{acme.key.public_id}/{step}/").status_code == 404
    acme.key.refresh_from_db()
    assert acme.key.is_usable


def test_the_number_of_queries_does_not_grow_with_the_keys(
    owner: Browser, acme: Everything, django_assert_max_num_queries
) -> None:
    for number in range(30):
        keys.make(acme.client, f"Key {number}", by=acme.people[Role.ADMIN])
    owner.get(PAGE)
    with django_assert_max_num_queries(12):
        owner.get(PAGE)
