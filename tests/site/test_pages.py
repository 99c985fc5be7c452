"""The pages that there are: landing, the demo shop, log-in, overview, errors."""

from __future__ import annotations

import re

import pytest
from django.test import Client as Browser
from django.utils import timezone

from accounts.models import Client, Membership, User
from billing.plans import PLANS, TRIAL_DAYS
from chat.models import Bot, Conversation, Message, Sighting
from chatbot_saas.demo import site as demo_site
from knowledge.models import KnowledgeBase, Source

# A script of type application/json is data: no browser runs it.
INLINE = re.compile(
    r"<style|\sstyle=|\son[a-z]+=|<script(?![^>]*\s(?:src=|type=\"application/json\"))|javascript:",
    re.I,
)
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


@pytest.mark.parametrize(
    "path", ["/", "/pricing/", "/demo/", "/accounts/login/", "/demo/help/size-guide/"]
)
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


@pytest.mark.parametrize("path", ["/accounts/login/", "/accounts/logout/", "/app/switch/"])
def test_a_stale_form_is_told_to_reload_in_the_products_own_look(
    alice: User, browser: Browser, path: str
) -> None:
    for someone in (None, alice):
        if someone:
            browser.force_login(someone)
        page = browser.post(path)
        words = page.content.decode()
        assert page.status_code == 403
        assert "reload the page" in words
        assert "css/site" in words
        assert not INLINE.search(words)


def test_members_who_go_to_the_admin_are_told_in_the_products_own_look(
    alice: User, browser: Browser
) -> None:
    browser.force_login(alice)
    page = browser.get("/admin/", follow=True)
    words = page.content.decode()
    assert page.status_code == 403
    assert "Your account may not open this page" in words
    assert 'href="/app/"' in words
    assert "css/site" in words
    assert not INLINE.search(words)


def test_the_overview_counts_the_clients_own_sources_alone(
    client: Browser, alice: User, base: KnowledgeBase
) -> None:
    ready = Source.State.READY
    Source.objects.create(
        knowledge_base=base, title="Returns", format="text", sha256="a", state=ready
    )
    stranger = Client.objects.create(name="Rival")
    theirs = KnowledgeBase.objects.create(client=stranger, name="Help", embedding_model="none")
    for sha in "bcd":
        Source.objects.create(
            knowledge_base=theirs, title="Theirs", format="text", sha256=sha, state=ready
        )
    client.force_login(alice)
    page = client.get("/app/")
    assert page.context["figures"].sources == 1
    assert not INLINE.search(page.content.decode())


def test_the_checklist_is_ticked_by_what_really_happened(
    client: Browser, alice: User, base: KnowledgeBase
) -> None:
    client.force_login(alice)
    assert client.get("/app/").context["done"] == 0
    Source.objects.create(
        knowledge_base=base, title="Returns", format="text", sha256="a", state="ready"
    )
    bot = base.bots.get()
    Bot.objects.filter(pk=bot.pk).update(styled_at=timezone.now())
    Conversation.objects.create(bot=bot, channel=Conversation.Channel.PLAYGROUND)
    Sighting.objects.create(bot=bot, origin="https://evil.example", refused=True)
    assert [step.done for step in client.get("/app/").context["steps"]] == [True, True, True, False]
    Sighting.objects.create(bot=bot, origin="https://acme.example", refused=False)
    assert client.get("/app/").context["done"] == 4


def test_the_overview_shows_what_visitors_asked_in_vain(
    client: Browser, alice: User, base: KnowledgeBase
) -> None:
    bot = base.bots.get()
    for channel, text in (("widget", "Do you rent tents?"), ("playground", "Only a try")):
        conversation = Conversation.objects.create(bot=bot, channel=channel)
        Message.objects.create(conversation=conversation, role="visitor", text=text)
        Message.objects.create(conversation=conversation, role="bot", answered=False)
    client.force_login(alice)
    page = client.get("/app/")
    assert "Do you rent tents?" in page.content.decode()
    assert "Only a try" not in page.content.decode()
    assert page.context["figures"].questions == 1
    assert page.context["figures"].answered == 0


@pytest.mark.parametrize("path", ["/", "/pricing/"])
def test_each_plan_stands_there_with_its_price(db: None, browser: Browser, path: str) -> None:
    page = browser.get(path).content.decode()
    cards = {card.partition("<")[0]: card for card in re.split(r'<h2 id="plan-\w+">', page)[1:]}
    assert list(cards) == [plan.name for plan in PLANS]
    for plan in PLANS:
        price = "Free" if plan.is_free else f"${plan.monthly}"
        assert f"<strong>{price}</strong>" in cards[plan.name]
    assert f"{TRIAL_DAYS} days" in page


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
    client.get("/app/")  # notes the session
    with django_assert_max_num_queries(12):
        client.get("/app/")


def test_the_admin_shows_nothing_of_dj_stripe(admin_client: Browser) -> None:
    page = admin_client.get("/admin/").content.decode()
    assert "djstripe" not in page.lower()


def test_pages_travel_compressed(client: Browser, alice: User) -> None:
    client.force_login(alice)
    page = client.get("/app/", headers={"Accept-Encoding": "gzip"})
    assert page["Content-Encoding"] == "gzip"
    assert len(page.content) < len(client.get("/app/").content) / 2
