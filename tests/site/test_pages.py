"""The pages that there are: landing, the demo shop, log-in, overview, errors."""

from __future__ import annotations

import re

import pytest
from django.test import Client as Browser

from accounts.models import Client, Membership, User
from chat.models import Bot
from chatbot_saas.demo import site as demo_site
from knowledge.models import KnowledgeBase, Source

INLINE = re.compile(r"<style|\sstyle=|\son[a-z]+=|<script(?![^>]*\ssrc=)|javascript:", re.I)
PASSWORD = "correct horse battery"


@pytest.fixture
def acme(db: None) -> Client:
    return Client.objects.create(name="Acme")


@pytest.fixture
def alice(acme: Client) -> User:
    user = User.objects.create_user("alice@acme.example", PASSWORD)
    Membership.objects.create(client=acme, user=user, role=Membership.Role.OWNER)
    return user


@pytest.fixture
def base(acme: Client) -> KnowledgeBase:
    base = KnowledgeBase.objects.create(client=acme, name="Help", embedding_model="none")
    Bot.objects.create(client=acme, knowledge_base=base, name="Acme helper")
    return base


@pytest.mark.parametrize("path", ["/", "/demo/", "/accounts/login/", "/demo/help/size-guide/"])
def test_public_pages_open_under_a_strict_policy(db: None, browser: Browser, path: str) -> None:
    page = browser.get(path)
    assert page.status_code == 200
    policy = page["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert page["X-Frame-Options"] == "DENY"
    assert page["X-Content-Type-Options"] == "nosniff"
    assert not INLINE.search(page.content.decode())


@pytest.fixture
def browser() -> Browser:
    return Browser(enforce_csrf_checks=True)


def test_the_help_centre_has_its_articles() -> None:
    articles = demo_site.articles()
    assert len(articles) >= 12
    assert all(article.title and article.summary and article.body for article in articles)


def test_an_unknown_address_is_404_with_a_way_back(db: None, browser: Browser) -> None:
    page = browser.get("/nothing/here/")
    assert page.status_code == 404
    assert 'href="/"' in page.content.decode()
    answer = browser.get("/api/nothing")
    assert answer.json()["error"]["code"] == "not_found"


def test_a_member_sees_their_own_documents(
    client: Browser, alice: User, base: KnowledgeBase
) -> None:
    Source.objects.create(knowledge_base=base, title="Our returns", format="text", sha256="a")
    stranger = Client.objects.create(name="Rival")
    theirs = KnowledgeBase.objects.create(client=stranger, name="Help", embedding_model="none")
    Source.objects.create(knowledge_base=theirs, title="Their secret", format="text", sha256="b")

    client.force_login(alice)
    page = client.get("/app/").content.decode()
    assert "Our returns" in page
    assert "Acme helper" in page
    assert "Their secret" not in page
    assert not INLINE.search(page)


def test_nobody_sees_the_dashboard(db: None, browser: Browser) -> None:
    assert browser.get("/app/")["Location"] == "/accounts/login/?next=/app/"


def test_a_person_without_a_company_is_led_to_set_one_up(db: None, client: Browser) -> None:
    client.force_login(User.objects.create_user("bob@nowhere.example", PASSWORD))
    assert client.get("/app/")["Location"] == "/app/start/"


def test_the_number_of_queries_does_not_grow_with_the_documents(
    client: Browser, alice: User, base: KnowledgeBase, django_assert_max_num_queries
) -> None:
    for number in range(30):
        Source.objects.create(
            knowledge_base=base, title=f"Document {number}", format="text", sha256=str(number)
        )
    client.force_login(alice)
    with django_assert_max_num_queries(8):
        client.get("/app/")


def test_the_admin_shows_nothing_of_dj_stripe(admin_client: Browser) -> None:
    page = admin_client.get("/admin/").content.decode()
    assert "djstripe" not in page.lower()
