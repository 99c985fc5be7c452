"""A new knowledge base lies on the Chroma server that has the least to hold."""

from __future__ import annotations

import pytest
from django.test import Client as Browser

from accounts import people
from accounts.models import Client
from knowledge.models import IndexServer, KnowledgeBase
from knowledge.placing import new_base

NOWHERE = "http://127.0.0.1:9"


@pytest.fixture
def browser() -> Browser:
    return Browser()


@pytest.fixture
def client(db: None, settings) -> Client:
    """Of an installation with two further servers, and no knowledge."""
    settings.CHROMA_SHARDS = {"east": NOWHERE, "west": NOWHERE}
    KnowledgeBase.objects.update(live_passages=0)  # of those that other tests left
    return Client.objects.create(name="Acme")


def holds(client: Client, shard: str, passages: int) -> None:
    KnowledgeBase.objects.create(
        client=client, name="B", embedding_model="none", shard=shard, live_passages=passages
    )


def are_down(*shards: str) -> None:
    """As the sweep notes it."""
    for shard in shards:
        IndexServer.objects.update_or_create(shard=shard, defaults={"is_down": True})


def test_it_lies_where_the_fewest_passages_are(client: Client) -> None:
    for passages in (60, 40):
        holds(client, "", passages)
    holds(client, "east", 99)
    for _ in range(3):  # of passages, not of bases
        holds(client, "west", 30)
    assert new_base(client, "New").shard == "west"
    holds(client, "west", 30)
    assert new_base(client, "New").shard == "east"


def test_the_usual_server_is_one_of_them(client: Client) -> None:
    holds(client, "", 5)
    holds(client, "east", 9)
    holds(client, "west", 9)
    assert new_base(client, "New").shard == ""


def test_bases_that_nothing_is_known_of_yet_are_spread(client: Client) -> None:
    holds(client, "", 1)
    assert {new_base(client, "New").shard for _ in range(2)} == {"east", "west"}


def test_what_lies_on_a_shard_that_is_no_more_lies_on_the_usual_server(client: Client) -> None:
    holds(client, "closed", 50)
    holds(client, "east", 20)
    holds(client, "west", 30)
    assert new_base(client, "New").shard == "east"


def test_a_server_that_is_known_to_be_down_gets_none(client: Client) -> None:
    holds(client, "", 50)
    holds(client, "west", 30)
    are_down("east", "west")
    assert new_base(client, "New").shard == ""


def test_where_all_are_down_it_lies_where_the_fewest_are(client: Client) -> None:
    holds(client, "", 50)
    holds(client, "east", 10)
    are_down("", "east", "west")
    assert new_base(client, "New").shard == "west"


def test_with_one_server_nobody_counts(client: Client, settings, django_assert_num_queries) -> None:
    settings.CHROMA_SHARDS = {}
    holds(client, "", 50)
    with django_assert_num_queries(1):
        assert new_base(client, "New").shard == ""


def test_a_new_companys_base_is_placed_so(client: Client, browser: Browser) -> None:
    holds(client, "", 50)
    holds(client, "west", 30)
    person = people.with_verified_address("founder@new.example", "a long password")
    browser.force_login(person)
    answer = browser.post("/app/start/", {"name": "New company", "website": ""})
    assert answer.status_code == 302
    base = KnowledgeBase.objects.get(client__name="New company")
    assert base.shard == "east"
