"""The whole product as its real processes, and tenants to try it with.

Each test makes a tenant of its own, committed to the database that the processes share; tenants do
not see each other, so nothing has to be cleaned up between tests.
"""

from __future__ import annotations

import io
import itertools
import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any, Self

import httpx
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from django.db import connection

from accounts import keys, people
from accounts.models import Client, Membership, User
from accounts.roles import Role
from billing import holds
from chat.models import Bot
from knowledge.embedding import default_model
from knowledge.models import KnowledgeBase, Passage, Source
from tests import environment
from tests.fakes.openai_server import FakeOpenAI
from tests.fakes.site import FakeWeb, Site
from tests.fakes.smtp import FakeSmtp
from tests.fakes.stripe_server import FakeStripe
from tests.services.chroma import Chroma
from tests.services.django import Scheduler, Web, Worker, manage
from tests.services.waiting import wait_until

SITE = "https://shop.example"
PASSWORD = "a long password"
_numbers = itertools.count(1)


@dataclass
class Tenant:
    """A client with one bot, one key and the helpers to use them over HTTP."""

    client: Client
    bot: Bot
    base: KnowledgeBase
    key: str
    http: httpx.Client

    @classmethod
    def make(
        cls,
        http: httpx.Client,
        *,
        domains: tuple[str, ...] = ("shop.example",),
        pays: bool = False,
    ) -> Self:
        """A new client; one that `pays` is in its trial, all others need not care."""
        number = next(_numbers)
        client = Client.objects.create(name=f"Client {number}")
        base = KnowledgeBase.objects.create(
            client=client, name="Help", embedding_model=default_model()
        )
        bot = Bot.objects.create(
            client=client, knowledge_base=base, name="Helper", allowed_domains=list(domains)
        )
        if not pays:
            holds.give_for_ever(client)
        _, key = keys.make(client, "Tests")
        return cls(client, bot, base, key, http)

    @property
    def bearer(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.key}"}

    def member(self, role: Role = Role.OWNER) -> User:
        user = people.with_verified_address(f"person{next(_numbers)}@example.com", PASSWORD)
        Membership.objects.create(client=self.client, user=user, role=role)
        return user

    def dashboard(self, user: User | None = None) -> httpx.Client:
        """The dashboard over HTTP, signed in as this member (an owner, when none is named)."""
        cookie = session_of(user or self.member())
        return httpx.Client(
            base_url=self.http.base_url, timeout=30, cookies={settings.SESSION_COOKIE_NAME: cookie}
        )

    def upload(self, name: str, content: bytes | str, **fields: Any) -> httpx.Response:
        data = content.encode() if isinstance(content, str) else content
        return self.http.post(
            "/api/documents",
            files={"file": (name, io.BytesIO(data))},
            data={"bot": self.bot.public_id, **fields},
            headers=self.bearer,
        )

    def learn(self, name: str, content: bytes | str) -> dict[str, Any]:
        """Upload and wait until the worker is done; the document as the API shows it."""
        response = self.upload(name, content)
        assert response.status_code == 201, response.text
        return self.finished(response.json()["id"])

    def finished(self, document: str, timeout: float = 60) -> dict[str, Any]:
        wait_until(lambda: self.document(document)["status"] in {"ready", "failed"}, timeout)
        return self.document(document)

    def add_faq(self, question: str, answer: str, **fields: Any) -> httpx.Response:
        return self.http.post(
            "/api/faqs",
            json={"bot": self.bot.public_id, "question": question, "answer": answer, **fields},
            headers=self.bearer,
        )

    def teach(self, question: str, answer: str, **fields: Any) -> dict[str, Any]:
        """Add a question with its answer and wait until it is learned; as the API shows it."""
        response = self.add_faq(question, answer, **fields)
        assert response.status_code == 201, response.text
        return self.taught(response.json()["id"])

    def taught(self, faq: str, timeout: float = 60) -> dict[str, Any]:
        wait_until(lambda: self.faq(faq)["status"] in {"ready", "failed"}, timeout)
        return self.faq(faq)

    def faq(self, faq: str) -> dict[str, Any]:
        response = self.http.get(f"/api/faqs/{faq}", headers=self.bearer)
        assert response.status_code == 200, response.text
        return dict(response.json())

    def add_website(self, url: str, mode: str = "crawl", **fields: Any) -> httpx.Response:
        return self.http.post(
            "/api/pages",
            json={"bot": self.bot.public_id, "url": url, "mode": mode, **fields},
            headers=self.bearer,
        )

    def crawl(self, url: str, mode: str = "crawl", **fields: Any) -> dict[str, Any]:
        """Add a website and wait until its pages are ready; the website as the API shows it."""
        response = self.add_website(url, mode, **fields)
        assert response.status_code == 201, response.text
        return self.crawled(response.json()["id"])

    def sync(self, website: str) -> dict[str, Any]:
        """Look for changes and wait until they are ready."""
        response = self.http.post(f"/api/pages/{website}/sync", headers=self.bearer)
        assert response.status_code == 202, response.text
        return self.crawled(website)

    def crawled(self, website: str, timeout: float = 60) -> dict[str, Any]:
        def is_done() -> bool:
            is_ready = self.website(website)["status"] in {"ready", "failed"}
            return is_ready and not Source.objects.for_client(self.client).unfinished().exists()

        wait_until(is_done, timeout)
        return self.website(website)

    def website(self, website: str) -> dict[str, Any]:
        response = self.http.get(f"/api/pages/{website}", headers=self.bearer)
        assert response.status_code == 200, response.text
        return dict(response.json())

    def document(self, document: str) -> dict[str, Any]:
        response = self.http.get(f"/api/documents/{document}", headers=self.bearer)
        assert response.status_code == 200, response.text
        return dict(response.json())

    def source(self, document: str) -> Source:
        return Source.objects.get(public_id=document)

    def search(self, query: str, k: int = 5) -> list[dict[str, Any]]:
        response = self.http.post(
            "/api/search",
            json={"bot": self.bot.public_id, "query": query, "k": k},
            headers=self.bearer,
        )
        assert response.status_code == 200, response.text
        return list(response.json()["passages"])

    def chat(self, message: str, *, key: str = "", **body: Any) -> httpx.Response:
        """Ask as the client's own program, with its key."""
        return self.http.post(
            "/api/chat",
            json={"bot": self.bot.public_id, "message": message, **body},
            headers={"Authorization": f"Bearer {key or self.key}"},
        )

    def session(self, *, origin: str | None = SITE, **body: Any) -> httpx.Response:
        return self.http.post(
            "/api/widget/session",
            json={"bot": self.bot.public_id, **body},
            headers={} if origin is None else {"Origin": origin},
        )

    def visitor(self, *, origin: str = SITE, **body: Any) -> Visitor:
        opened = self.session(origin=origin, **body)
        assert opened.status_code == 200, opened.text
        return Visitor(self, opened.json()["token"], opened.json()["visitor"], origin)


@dataclass
class Visitor:
    """Somebody on the client's site, with the token that the widget got."""

    tenant: Tenant
    token: str
    name: str
    origin: str = SITE

    def headers(self, accept: str) -> dict[str, str]:
        return {
            "Authorization": f"Visitor {self.token}",
            "Origin": self.origin,
            "Accept": accept,
        }

    def ask(self, message: Any, **body: Any) -> httpx.Response:
        return self.post({"bot": self.tenant.bot.public_id, "message": message, **body})

    def post(self, body: Any, **headers: str) -> httpx.Response:
        """Any body to /api/chat: JSON, or bytes as they are. Empty headers are left out."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        sent = self.headers("application/json") | {"Content-Type": "application/json"} | headers
        return self.tenant.http.post(
            "/api/chat",
            content=data,
            headers=httpx.Headers({k: v for k, v in sent.items() if v}, encoding="latin-1"),
        )

    def stream(self, message: str, **body: Any) -> list[tuple[str, Any]]:
        """The events of a streamed answer: (name, data)."""
        with self.open_stream(message, **body) as response:
            assert response.status_code == 200, response.read()
            return list(events_of(response.iter_lines()))

    def open_stream(self, message: str, **body: Any) -> Any:
        return self.tenant.http.stream(
            "POST",
            "/api/chat",
            json={"bot": self.tenant.bot.public_id, "message": message, **body},
            headers=self.headers("text/event-stream"),
        )


def session_of(user: User) -> str:
    """The cookie of a new session of this person, as if they had logged in."""
    session = SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.save()
    return str(session.session_key)


def refused(response: httpx.Response) -> tuple[int, str]:
    """Status and code of an error, which always tells people what is wrong."""
    error = response.json()["error"]
    assert set(error) == {"code", "message"}
    assert error["message"]
    return response.status_code, str(error["code"])


def cited_text(citation: dict[str, Any]) -> str:
    """The characters of the source that a citation points at."""
    passage = Passage.objects.get(
        source__public_id=citation["source_id"],
        start__lte=citation["start"],
        end__gte=citation["end"],
    )
    return passage.text[citation["start"] - passage.start : citation["end"] - passage.start]


def events_of(lines: Iterator[str]) -> Iterator[tuple[str, Any]]:
    name = ""
    for line in lines:
        if line.startswith("event: "):
            name = line.removeprefix("event: ")
        elif line.startswith("data: "):
            yield name, json.loads(line.removeprefix("data: "))


@dataclass
class House:
    """Chroma, a worker, a scheduler, and two webs: one that quotes, one with a chat model.

    It takes payments, through a fake Stripe whose events stay there until a test sends them.
    """

    env: dict[str, str] = field(default_factory=dict)
    _stack: ExitStack = field(default_factory=ExitStack)

    def __enter__(self) -> Self:
        enter = self._stack.enter_context
        self.chroma = environment.chroma
        self.fake = enter(FakeOpenAI())
        self.mails = enter(FakeSmtp())
        self.internet = enter(FakeWeb())
        self.env = environment.ENV | {"DATABASE_URL": test_database_url()}
        generous = ",".join(f"{name}=100000/m" for name in settings.RATE_LIMITS)
        self.env["RATE_LIMITS"] = generous
        self.env["EMAIL_URL"] = self.mails.url
        self.env["FETCH_ALLOWED_PRIVATE"] = self.internet.allowed
        self.env["CRAWL_DELAY_MILLISECONDS"] = "20"
        self.stripe = enter(FakeStripe())
        self.env |= self.till
        # A server that tests of healing may lose, without making all other tenants' doubtful.
        self.fragile = enter(Chroma(directory=environment.folder("fragile-chroma")))
        self.env["CHROMA_SHARDS"] = f"fragile={self.fragile.url}"
        manage("billing_setup", env=self.env)
        self.worker = enter(Worker(self.env | self.model, directory=environment.folder("worker")))
        self.scheduler = enter(Scheduler(self.env))
        self.web = enter(Web(self.env))
        self.speaking = enter(Web(self.env | self.model | {"MODEL_SILENCE_SECONDS": "2"}))
        self.stripe.webhook_url = f"{self.web.url}/api/webhooks/stripe"
        self.http = enter(httpx.Client(base_url=self.web.url, timeout=30))
        self.speaking_http = enter(httpx.Client(base_url=self.speaking.url, timeout=30))
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @property
    def till(self) -> dict[str, str]:
        """The settings by which a process takes payments."""
        return {
            "STRIPE_SECRET_KEY": "sk_test_house",
            "STRIPE_WEBHOOK_SECRET": self.stripe.webhook_secret,
            "STRIPE_API_BASE": self.stripe.url,
        }

    @property
    def model(self) -> dict[str, str]:
        """The settings by which a process asks the fake model."""
        return {"OPENAI_BASE_URL": self.fake.url, "OPENAI_API_KEY": "sk-fake"}

    def website(self) -> Site:
        """Somebody's website, new and empty, that the product can reach."""
        return self.internet.site(f"site{next(_numbers)}.test")

    def tenant(self, **options: Any) -> Tenant:
        """A new client, answered by quotation."""
        return Tenant.make(self.http, **options)

    def speaking_tenant(self, **options: Any) -> Tenant:
        """A new client, answered by the fake model."""
        return Tenant.make(self.speaking_http, **options)

    @contextmanager
    def another_web(self, **env: str) -> Iterator[httpx.Client]:
        """One more web that quotes, with other settings; tenants for it: Tenant.make(http)."""
        with Web(self.env | env) as web, httpx.Client(base_url=web.url, timeout=30) as http:
            yield http


def test_database_url() -> str:
    """The database that pytest-django made, for the other processes."""
    name = str(connection.settings_dict["NAME"])
    if connection.vendor == "sqlite":
        return f"sqlite:///{name}"
    return environment.ENV["DATABASE_URL"].rpartition("/")[0] + f"/{name}"
