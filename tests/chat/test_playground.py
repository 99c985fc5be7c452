"""The playground: the page, and POST /app/playground/ask with the passages before the answer."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import Any

import httpx
import psutil
import pytest
from django.db import connection
from django.test import Client as Browser
from django.test.utils import CaptureQueriesContext

from accounts.access import HEADER
from accounts.models import Client
from accounts.roles import Role
from chat.models import Bot, Conversation, Message
from knowledge.models import KnowledgeBase, Source
from tests.everything import Everything
from tests.fakes.openai_server import Answer, words
from tests.house import House, Tenant, events_of, refused
from tests.services.django import Web
from tests.services.waiting import wait_until

QUESTION = "How many days do I have to return unworn goods?"
PAGE = "/app/playground/"
ASK = "/app/playground/ask"
PASSAGE_KEYS = {"rank", "source_id", "title", "heading", "page", "text", "score", "start", "end"}
SLOW = Answer(words(400), tokens_per_second=20)
MOST_QUERIES = 12

Events = list[tuple[str, Any]]


class Member:
    """A member at the playground."""

    def __init__(self, tenant: Tenant, role: Role = Role.OWNER) -> None:
        self.tenant = tenant
        self.http = tenant.dashboard(tenant.member(role))
        page = self.http.get("/app/knowledge/").text  # has a form, whatever there is to ask
        self.token = page.partition('"X-CSRFToken": "')[2].partition('"')[0]

    def headers(self) -> dict[str, str]:
        return {"X-CSRFToken": self.token, HEADER: self.tenant.client.public_id}

    def body(self, message: Any, **more: Any) -> dict[str, Any]:
        return {"bot": self.tenant.bot.public_id, "message": message, **more}

    def post(self, message: Any = QUESTION, **more: Any) -> httpx.Response:
        return self.http.post(ASK, json=self.body(message, **more), headers=self.headers())

    @contextmanager
    def stream(self, message: str = QUESTION, **more: Any) -> Iterator[httpx.Response]:
        body, headers = self.body(message, **more), self.headers()
        with self.http.stream("POST", ASK, json=body, headers=headers) as response:
            yield response

    def ask(self, message: str = QUESTION, **more: Any) -> Events:
        with self.stream(message, **more) as response:
            assert response.status_code == 200, response.read()
            return list(events_of(response.iter_lines()))


@pytest.fixture
def enter() -> Iterator[Callable[..., Member]]:
    """A new member of a tenant, at the playground."""
    with ExitStack() as stack:

        def make(tenant: Tenant, role: Role = Role.OWNER) -> Member:
            member = Member(tenant, role)
            stack.callback(member.http.close)
            return member

        yield make


Enter = Callable[..., Member]


def names_of(events: Events) -> list[str]:
    return [name for name, _ in events]


def data_of(events: Events, wanted: str) -> Any:
    return next(data for name, data in events if name == wanted)


def holds(passage: dict[str, Any], cited: dict[str, Any]) -> bool:
    same = passage["source_id"] == cited["source_id"]
    inside = passage["start"] <= cited["start"] <= cited["end"] <= passage["end"]
    return bool(same and inside)


# --- The page -------------------------------------------------------------------------------


@pytest.fixture
def world(db: None) -> Everything:
    return Everything.make("zanzibar")


@pytest.fixture
def open_page(world: Everything) -> Callable[..., str]:
    browser = Browser()
    browser.force_login(world.people[Role.VIEWER])

    def get(query: str = "") -> str:
        response = browser.get(PAGE + query)
        assert response.status_code == 200
        return response.content.decode()

    return get


def test_the_page_offers_the_bots_suggestions(open_page: Callable[..., str]) -> None:
    page = open_page()
    assert "zanzibar bot" in page
    assert 'dir="auto">zanzibar?</button>' in page
    assert "Choose</button>" not in page


def test_without_a_source_it_says_what_to_do(
    world: Everything, open_page: Callable[..., str]
) -> None:
    sources = Source.objects.for_client(world.client)
    sources.update(state=Source.State.READING, live_version=0)
    assert "Your first source is being read" in open_page()
    sources.delete()
    page = open_page()
    assert "Add a source first" in page
    assert 'id="ask"' not in page
    Bot.objects.for_client(world.client).delete()
    assert "There is no chatbot yet" in open_page()


def test_one_of_several_bots_is_chosen(world: Everything, open_page: Callable[..., str]) -> None:
    base = KnowledgeBase.objects.create(client=world.client, name="B", embedding_model="none")
    second = Bot.objects.create(client=world.client, knowledge_base=base, name="Second")
    assert "Choose</button>" in open_page()
    assert "<bdi>Second</bdi> answers from your sources alone" in open_page(
        f"?bot={second.public_id}"
    )
    other = Everything.make("tromso").bot.public_id
    assert "tromso" not in open_page(f"?bot={other}")


def test_the_number_of_queries_does_not_grow(
    world: Everything, open_page: Callable[..., str]
) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as caught:
            open_page()
        return len(caught)

    open_page()
    few = queries()
    for number in range(20):
        base = KnowledgeBase.objects.create(client=world.client, name="B", embedding_model="none")
        Bot.objects.create(client=world.client, knowledge_base=base, name=f"Bot {number}")
    assert queries() == few <= MOST_QUERIES


# --- Asking ---------------------------------------------------------------------------------


def test_the_passages_come_first_and_the_cited_ones_are_among_them(
    talking: Tenant, house: House, enter: Enter
) -> None:
    talking.learn("hours.md", "# Opening hours\n\nThe shop opens at nine and closes at six.")
    house.fake.answer("You have 60 days [1].")
    events = enter(talking).ask()
    deltas = names_of(events).count("delta")
    assert names_of(events) == ["passages", "start", *["delta"] * deltas, "citations", "done"]
    passages = events[0][1]
    assert all(set(one) == PASSAGE_KEYS for one in passages)
    assert [one["rank"] for one in passages] == sorted(one["rank"] for one in passages)
    scores = [one["score"] for one in passages]
    assert scores == sorted(scores, reverse=True)
    [cited] = data_of(events, "citations")
    assert holds(passages[0], cited)
    assert cited["quote"] in passages[0]["text"]


def test_without_a_model_the_passages_that_were_read_are_shown(
    taught: Tenant, enter: Enter
) -> None:
    events = enter(taught, Role.VIEWER).ask()
    passages, citations = data_of(events, "passages"), data_of(events, "citations")
    assert citations
    assert all(any(holds(one, cited) for one in passages) for cited in citations)
    assert data_of(events, "done")["answered"] is True


def test_a_question_that_nothing_fits_is_refused(taught: Tenant, enter: Enter) -> None:
    events = enter(taught).ask("How does quantum entanglement work?")
    assert names_of(events)[0] == "passages"
    assert data_of(events, "done")["answered"] is False


def test_a_try_is_kept_apart_from_what_visitors_ask(taught: Tenant, enter: Enter) -> None:
    member = enter(taught)
    conversation = data_of(member.ask(), "start")["conversation"]
    again = data_of(member.ask("And from Germany?", conversation=conversation), "start")
    assert again["conversation"] == conversation
    [kept] = Conversation.objects.for_client(taught.client)
    assert kept.channel == Conversation.Channel.PLAYGROUND
    assert kept.messages.count() == 4
    assert not Conversation.objects.for_client(taught.client).of_visitors().exists()


def test_nobody_goes_on_with_anothers_conversation(
    taught: Tenant, rival: Tenant, enter: Enter
) -> None:
    by_key = taught.chat(QUESTION).json()["conversation"]
    by_visitor = taught.visitor().ask(QUESTION).json()["conversation"]
    by_colleague = data_of(enter(taught).ask(), "start")["conversation"]
    rival.learn("a.txt", "The shop opens at nine.")
    by_rival = data_of(enter(rival).ask(), "start")["conversation"]
    member = enter(taught)
    for conversation in (by_key, by_visitor, by_colleague, by_rival, "con_unknown"):
        answer = member.post(conversation=conversation)
        assert refused(answer) == (404, "unknown_conversation")
    mine = data_of(member.ask(), "start")["conversation"]
    assert refused(taught.chat(QUESTION, conversation=mine)) == (404, "unknown_conversation")


def test_a_failing_model_ends_in_an_error_event(
    talking: Tenant, house: House, enter: Enter
) -> None:
    house.fake.fail(401)
    events = enter(talking).ask()
    assert names_of(events)[:2] == ["passages", "start"]
    name, error = events[-1]
    assert name == "error"
    assert set(error) >= {"code", "message"}


def test_leaving_stops_the_model(talking: Tenant, house: House, enter: Enter) -> None:
    house.fake.reply(SLOW)
    with enter(talking).stream() as response:
        heard = 0
        for line in response.iter_lines():
            heard += line == "event: delta"
            if heard == 5:
                break
    house.fake.wait_until(lambda: house.fake.open_streams == 0)
    assert house.fake.requests[-1].disconnected
    said = Message.objects.filter(conversation__bot=talking.bot, role=Message.Role.BOT)
    wait_until(lambda: said.filter(state=Message.State.STOPPED).exists(), 10)


@pytest.mark.skipif(connection.vendor != "sqlite", reason="counts open files of the database")
@pytest.mark.skipif(not psutil.LINUX, reason="reads /proc")
def test_open_streams_hold_no_connection_to_the_database(
    talking: Tenant, house: House, enter: Enter
) -> None:
    """The threads that streams visit for a moment keep a few, whatever the number of streams."""
    database = str(connection.settings_dict["NAME"])
    with Web(house.env | house.model) as web, ExitStack() as streams:
        http = streams.enter_context(httpx.Client(base_url=web.url, timeout=30))
        member = enter(replace(talking, http=http))
        house.fake.always(SLOW)
        heard = [streams.enter_context(member.stream()).iter_lines() for _ in range(12)]
        for lines in heard:
            assert "event: delta" in lines
        assert house.fake.open_streams == 12
        files = psutil.Process(web.pid).open_files()
        assert sum(one.path == database for one in files) < 6
    house.fake.wait_until(lambda: house.fake.open_streams == 0)


# --- Refused --------------------------------------------------------------------------------


@pytest.mark.parametrize("message", ["", "   ", None, "x" * 4001])
def test_a_wrong_question_is_refused(taught: Tenant, message: Any, enter: Enter) -> None:
    assert refused(enter(taught).post(message)) == (400, "invalid")
    assert not Conversation.objects.for_client(taught.client).exists()


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"{", "application/json", 400),
        (b"[]", "application/json", 400),
        (b"{}", "application/json", 400),
        (b"\xff", "application/json", 400),
        (b"message=hello", "application/x-www-form-urlencoded", 415),
    ],
)
def test_what_is_no_question_at_all_is_refused(
    shop: Tenant, body: bytes, kind: str, status: int, enter: Enter
) -> None:
    member = enter(shop)
    headers = member.headers() | {"Content-Type": kind}
    assert refused(member.http.post(ASK, content=body, headers=headers))[0] == status


def test_other_bots_do_not_exist(taught: Tenant, rival: Tenant, enter: Enter) -> None:
    member = enter(taught)
    for bot in (rival.bot.public_id, "bot_unknown", ["odd"], {"a": 1}):
        assert refused(member.post(bot=bot)) == (404, "unknown_bot")


def test_a_lapsed_client_gets_no_answers(taught: Tenant, enter: Enter) -> None:
    member = enter(taught)
    Client.objects.filter(pk=taught.client.pk).update(is_active=False)
    assert refused(member.post()) == (402, "subscription_inactive")
    assert member.http.get(PAGE).status_code == 200


def test_nobody_strangers_and_other_sites_are_refused(
    taught: Tenant, rival: Tenant, enter: Enter
) -> None:
    member = enter(taught)
    anonymous = taught.http.post(ASK, json=member.body(QUESTION))
    assert anonymous.status_code in {302, 403}
    without_token = {HEADER: taught.client.public_id}
    assert member.http.post(ASK, json=member.body(QUESTION), headers=without_token).is_error
    elsewhere = member.headers() | {HEADER: rival.client.public_id}
    answer = member.http.post(ASK, json=member.body(QUESTION), headers=elsewhere)
    assert answer.status_code == 404
    assert not Conversation.objects.for_client(taught.client).exists()


def test_it_answers_to_post_alone(taught: Tenant, enter: Enter) -> None:
    member = enter(taught)
    assert member.http.get(ASK).status_code == 405
    assert member.http.post(PAGE, headers=member.headers()).status_code == 405


def test_a_member_asks_only_so_often(house: House, enter: Enter) -> None:
    with house.another_web(RATE_LIMITS="chat_visitor=2/m,chat_client=100/m") as http:
        tenant = Tenant.make(http)
        member = enter(tenant)
        answers = [member.post() for _ in range(3)]
        assert [one.status_code for one in answers] == [200, 200, 429]
        assert refused(answers[-1]) == (429, "rate_limited")
        assert int(answers[-1].headers["Retry-After"]) > 0
        assert enter(tenant).post().status_code == 200  # a colleague


def test_the_page_loads_modules_by_their_hashed_names(taught: Tenant, enter: Enter) -> None:
    page = enter(taught).http.get(PAGE).text
    script = page.partition('<script src="/static/js/playground.')[2].partition('"')[0]
    source = taught.http.get(f"/static/js/playground.{script}").text
    for module in ("answer", "stream"):
        path = source.partition(f'"../widget/{module}.')[2].partition('"')[0]
        assert taught.http.get(f"/static/widget/{module}.{path}").status_code == 200
    assert "innerHTML" not in source
    assert json.dumps(taught.bot.public_id) in page.replace("data-bot=", "")
