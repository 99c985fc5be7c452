"""The page on which owners and admins choose another embedding model."""

from __future__ import annotations

import pytest
from django.test import Client as Browser

from accounts.models import AuditEvent
from accounts.roles import Role
from knowledge.engine.catalogue import LOCAL_NAME
from knowledge.models import Reembedding
from tests.everything import Everything
from tests.house import House, Tenant
from tests.services.django import manage
from tests.services.waiting import wait_until

PAGE = "/app/knowledge/model/"
SMALL = "hosted:text-embedding-3-small"


@pytest.fixture
def world(db: None, settings) -> Everything:
    settings.OPENAI_API_KEY = "sk-fake"
    return Everything.make("zanzibar")


@pytest.fixture
def owner(world: Everything) -> Browser:
    return signed_in(world, Role.OWNER)


def signed_in(world: Everything, role: Role) -> Browser:
    browser = Browser()
    browser.force_login(world.people[role])
    return browser


def change(browser: Browser, world: Everything, model: str, **headers: str):
    path = f"{PAGE}{world.base.public_id}/change/"
    return browser.post(path, {"model": model}, headers=headers)


def test_the_page_says_what_went_wrong_and_offers_the_others(
    world: Everything, owner: Browser
) -> None:
    page = owner.get(PAGE).content.decode()
    assert "It is not known to its server." in page
    assert "OpenAI text-embedding-3-small" in page
    assert LOCAL_NAME in page
    assert "Cancel the change" not in page


def test_a_change_is_begun_seen_and_cancelled(world: Everything, owner: Browser) -> None:
    assert change(owner, world, SMALL).status_code == 302
    begun = Reembedding.objects.for_client(world.client).unfinished().get()
    assert (begun.embedding_model, begun.generation) == (SMALL, 3)
    page = owner.get(PAGE).content.decode()
    assert "Changing to" in page
    assert "<progress" in page
    assert 'hx-trigger="every 2s"' in page
    fragment = owner.get(PAGE, headers={"HX-Request": "true"}).content.decode()
    assert "<html" not in fragment
    assert "<progress" in fragment
    assert change(owner, world, "hosted:text-embedding-3-large").status_code == 409
    assert owner.post(f"{PAGE}{begun.public_id}/keep/").status_code == 302
    begun.refresh_from_db()
    assert begun.state == "cancelled"
    assert owner.post(f"{PAGE}{begun.public_id}/keep/").status_code == 409
    noted = AuditEvent.objects.for_client(world.client).values_list("action", flat=True)
    assert {"knowledge.model", "knowledge.model_kept"} <= set(noted)


@pytest.mark.parametrize("model", ["", "hosted:unheard-of", "none", "x" * 10_000])
def test_a_model_that_is_not_offered_changes_nothing(
    world: Everything, owner: Browser, model: str
) -> None:
    assert change(owner, world, model).status_code == 409
    assert not Reembedding.objects.unfinished().exists()


@pytest.mark.parametrize(
    ("role", "is_told"), [(Role.ADMIN, True), (Role.EDITOR, False), (Role.VIEWER, False)]
)
def test_the_way_there_is_shown_to_those_who_may_go_it(
    world: Everything, role: Role, is_told: bool
) -> None:
    browser = signed_in(world, role)
    assert (PAGE in browser.get("/app/knowledge/").content.decode()) is is_told
    assert (browser.get(PAGE).status_code == 200) is is_told


def test_a_closed_company_changes_nothing(world: Everything, owner: Browser) -> None:
    world.client.is_active = False
    world.client.save(update_fields=["is_active"])
    assert change(owner, world, SMALL).status_code in {402, 403}
    assert not Reembedding.objects.unfinished().exists()


def test_the_terminal_changes_models_too(house: House, shop: Tenant) -> None:
    shop.learn("hours.md", "# Opening hours\n\nThe shop opens at nine and closes at six.")
    env = house.env | {"OPENAI_BASE_URL": house.fake.url, "OPENAI_API_KEY": "sk-fake"}
    client = ("--client", shop.client.public_id)
    listed = manage("reembed", *client, env=env).stdout
    assert f"model {SMALL}: OpenAI text-embedding-3-small" in listed
    assert f"{shop.base.public_id} {LOCAL_NAME}" in listed
    house.fake.reset()
    assert "Done" in manage("reembed", *client, "--model", SMALL, "--now", env=env).stdout
    wait_until(lambda: _model(shop) == SMALL, 30)
    unknown = manage("reembed", *client, "--model", "unheard-of", env=env, check=False)
    assert unknown.returncode == 1
    assert "no model unheard-of" in unknown.stderr


def _model(shop: Tenant) -> str:
    shop.base.refresh_from_db()
    return shop.base.embedding_model
