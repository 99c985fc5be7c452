"""The whole life of a client in one browser: trial, payment, upgrade, failure, lapse, return, end.

At each step it is looked at from all sides: what the database says, what the owner is mailed, what
the billing page shows, and what the widget says to visitors. Stripe's clock is the fake's; where
ours would have to move, the moment in question is moved instead, and the hourly look is asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.db.models import Value
from django.db.models.functions import Replace
from django.utils import timezone
from playwright.sync_api import Browser, Page, expect

from accounts.models import Client, OutboxEmail
from billing import gate, tasks
from billing.models import BillingState
from billing.plans import TRIAL
from billing.standing import Standing
from billing.webhook import HANDLED
from chat.models import Bot
from tests.e2e.looking import WAYS, look
from tests.e2e.test_first_answer import HOURS, code_from_mail
from tests.house import House
from tests.services.browser import open_browser
from tests.services.django import Web
from tests.services.net import HOST, free_port
from tests.services.waiting import wait_until

OWNER = "owner@lifelong.example"
PASSWORD = "sourdough at four in the morning"
COMPANY = "Bakery of a Lifetime"
DAY = timedelta(days=1)


class Database:
    """The ORM in a thread of its own: it refuses to work where Playwright's loop runs."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(1)

    def __call__(self, work: Callable[[], Any]) -> Any:
        return self._pool.submit(work).result()

    def close(self) -> None:
        self(lambda: connection.close())  # of that thread, not of this one
        self._pool.shutdown()


@dataclass
class Life:
    """One client, seen from all sides."""

    house: House
    site: str
    owner: Page
    visitor: Page
    database: Database
    shots: Path
    mails: list[str] = field(default_factory=list)
    bot: str = ""

    def open(self, path: str) -> None:
        self.owner.goto(self.site + path)

    def press(self, name: str) -> None:
        self.owner.get_by_role("button", name=name).click()

    def state(self) -> BillingState:
        found: BillingState = self.database(
            lambda: BillingState.objects.select_related("client").get(client__name=COMPANY)
        )
        return found

    def change(self, **fields: Any) -> None:
        """Move a moment of ours, and let the worker look at the clock as it does each hour."""
        states = BillingState.objects.filter(client__name=COMPANY)
        self.database(lambda: states.update(**fields))
        self.database(tasks.look_at_clocks.delay)

    def failed_earlier(self, by: timedelta) -> None:
        """Let the payment have failed so much earlier, and what was mailed about it too."""
        before = self.state().past_due_since
        assert before is not None
        stamps = [f"{moment:%Y%m%d%H%M}" for moment in (before, before - by)]
        told = OutboxEmail.objects.filter(dedupe_key__startswith="payment_failed:")
        renamed = Replace("dedupe_key", *map(Value, stamps))
        self.database(lambda: told.filter(recipient=OWNER).update(dedupe_key=renamed))
        self.change(past_due_since=before - by)

    def month_goes_by(self) -> None:
        self.house.stripe.advance(days=32)

    def customer(self) -> str:
        return self.state().stripe_customer_id or ""

    def expect(
        self, standing: Standing, plan: str, *, is_active: bool, mail: str | None = None
    ) -> None:
        """Where it stands, its plan, one new mail or none, and what visitors are told."""
        wait_until(lambda: self.state().standing == standing, 30, f"{standing}")
        state = self.state()
        assert state.client.is_active == is_active
        assert (state.plan if state.ever_paid else TRIAL.key) == plan
        if mail:
            self.mails.append(mail)
        wait_until(lambda: len(self.subjects()) >= len(self.mails), 20, f"mail {self.mails}")
        assert self.subjects() == self.mails
        self.expect_of_visitors(is_active)

    def subjects(self) -> list[str]:
        """Mails about money; what came of the sign-up is left out."""
        got = self.house.mails.to(OWNER)
        return [one.subject for one in got if COMPANY in one.subject or "trial" in one.subject]

    def expect_of_visitors(self, is_active: bool) -> None:
        self.visitor.goto(f"{self.site}/c/{self.bot}/")
        if not is_active:
            expect(self.visitor.get_by_text(gate.NOT_AVAILABLE)).to_be_visible()
            return
        self.visitor.locator("[data-part=input]").fill("When does the bakery open?")
        self.visitor.locator("[data-part=send]").click()
        expect(self.visitor.locator("[data-role=bot]").last).to_contain_text(
            "opens at six", timeout=20_000
        )

    def picture(self, name: str) -> None:
        """The billing page as it is now, in all ways, with nothing for axe to say."""
        self.open("/app/billing/")
        for scheme, width in WAYS:
            self.owner.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
            self.owner.set_viewport_size({"width": width, "height": 800})
            look(self.owner, self.shots / f"billing-{name}-{scheme}-{width}.png")
        self.owner.emulate_media(color_scheme="light")
        self.owner.set_viewport_size({"width": 1280, "height": 800})


@pytest.fixture
def life(house: House, shots: Path) -> Iterator[Life]:
    fake, port = house.stripe, free_port()
    fake.deliver_automatically(False, only=HANDLED)
    fake.deliver_pending(drop=1.0)
    database = Database()
    with (
        Web(house.env | {"SITE_URL": f"http://{HOST}:{port}"}, port=port) as web,
        open_browser() as browser,
    ):
        fake.webhook_url = f"{web.url}/api/webhooks/stripe"
        fake.deliver_automatically(only=HANDLED)
        said: list[str] = []
        owner, visitor = new_page(browser, said), new_page(browser, said)
        yield Life(house, web.url, owner, visitor, database, shots)
        for page in (owner, visitor):
            page.context.close()
    fake.deliver_automatically(False)
    fake.webhook_url = f"{house.web.url}/api/webhooks/stripe"
    database.close()
    # Stripe's pages are not ours, and a form that is refused is one.
    own = [line for line in said if line.startswith(web.url) and "402 (" not in line]
    assert not own


def new_page(browser: Browser, said: list[str]) -> Page:
    context = browser.new_context(viewport={"width": 1280, "height": 800}, reduced_motion="reduce")
    page = context.new_page()
    page.on("console", lambda message: said.append(f"{page.url}: {message.text}"))
    page.on("pageerror", lambda error: said.append(f"{page.url}: {error}"))
    return page


def test_from_the_trial_to_the_end_and_back(life: Life) -> None:
    try_and_buy(life)
    fail_to_pay(life)
    leave_and_return(life)


def try_and_buy(life: Life) -> None:
    sign_up(life)
    life.expect(Standing.TRIAL, "trial", is_active=True)
    life.picture("trial")
    life.change(trial_ends_at=timezone.now() + 2 * DAY)
    life.expect(
        Standing.TRIAL, "trial", is_active=True, mail="Your trial of Chatbot SaaS ends soon"
    )
    expect_banner(life, "The trial ends on")

    buy(life, "Basic", "29.00 USD")
    life.expect(Standing.ACTIVE, "basic", is_active=True)
    life.picture("active")

    upgrade(life, "Standard")
    life.expect(Standing.ACTIVE, "standard", is_active=True)


def fail_to_pay(life: Life) -> None:
    life.house.stripe.card_declines(life.customer())
    life.month_goes_by()
    life.expect(Standing.GRACE, "standard", is_active=True, mail=f"A payment for {COMPANY} failed")
    expect_banner(life, "The last payment failed. Everything goes on until")
    life.picture("grace")
    life.failed_earlier(by=5 * DAY)
    warning = f"{COMPANY}: the chat stops soon unless the payment goes through"
    life.expect(Standing.GRACE, "standard", is_active=True, mail=warning)

    life.failed_earlier(by=3 * DAY)
    life.expect(
        Standing.GRACE_OVER, "standard", is_active=False, mail=f"{COMPANY}: the chat has stopped"
    )
    expect_banner(life, "Visitors get no answers. The last invoice is not paid.")
    expect_no_changes(life)
    life.picture("lapsed")

    pay_open_invoice(life)
    life.expect(Standing.ACTIVE, "standard", is_active=True)


def leave_and_return(life: Life) -> None:
    cancel(life)
    life.expect(Standing.ACTIVE, "standard", is_active=True)
    life.picture("cancelled")
    life.month_goes_by()
    life.expect(
        Standing.ENDED,
        "standard",
        is_active=False,
        mail=f"The subscription of {COMPANY} has ended",
    )
    life.open("/app/knowledge/")
    expect(life.owner).to_have_url(f"{life.site}/app/billing/")
    life.picture("ended")

    life.owner.get_by_role("link", name="By the year").click()
    buy(life, "Premium", "2990.00 USD")
    life.expect(Standing.ACTIVE, "premium", is_active=True)
    life.open("/app/knowledge/")
    expect(life.owner.get_by_role("link", name="Opening hours")).to_be_visible()
    assert len(life.house.stripe.live_subscriptions(life.customer())) == 1


def sign_up(life: Life) -> None:
    page = life.owner
    life.open("/accounts/signup/")
    page.get_by_label("Email").fill(OWNER)
    page.get_by_label("Password").fill(PASSWORD)
    life.press("Sign up")
    page.get_by_label("Code").fill(code_from_mail(life.house, OWNER))
    page.keyboard.press("Enter")
    page.get_by_label("Company").fill(COMPANY)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Overview")).to_be_visible()
    life.open("/app/knowledge/")
    page.locator("input[type=file]").first.set_input_files(
        {"name": "hours.md", "mimeType": "text/markdown", "buffer": HOURS}
    )
    expect(page.locator(".badge.ready")).to_be_visible(timeout=30_000)
    bots = Bot.objects.filter(client__name=COMPANY)
    life.bot = life.database(lambda: bots.get().public_id)


def expect_banner(life: Life, words: str) -> None:
    life.open("/app/knowledge/")
    expect(life.owner.locator(".notice").first).to_contain_text(words)


def buy(life: Life, plan: str, amount: str) -> None:
    """From the billing page over Stripe's page and back."""
    if "/app/billing/" not in life.owner.url:
        life.open("/app/billing/")
    life.press(f"Choose {plan}")
    expect(life.owner.get_by_role("heading", name="Subscribe")).to_be_visible()
    life.press(f"Pay {amount}")
    expect(life.owner).to_have_url(f"{life.site}/app/billing/", timeout=30_000)
    expect(life.owner.get_by_role("heading", name=f"Your plan: {plan}")).to_be_visible()
    expect(life.owner.get_by_text("Yours")).to_be_visible()


def upgrade(life: Life, plan: str) -> None:
    life.open("/app/billing/")
    life.press(f"Change to {plan}")
    dialog = life.owner.get_by_role("dialog", name=f"Change to {plan}")
    expect(dialog).to_contain_text("the difference is charged now")
    dialog.get_by_role("button", name="Change and pay").click()
    expect(life.owner.get_by_text(f"You have {plan} now.")).to_be_visible()


def pay_open_invoice(life: Life) -> None:
    life.open("/app/billing/")
    life.press("Card, tax number and invoices")
    life.press("Pay the open invoice")
    expect(life.owner.get_by_text("Paid.")).to_be_visible()
    life.owner.get_by_role("link", name="Return").click()
    expect(life.owner).to_have_url(f"{life.site}/app/billing/")


def cancel(life: Life) -> None:
    life.open("/app/billing/")
    life.press("Cancel the subscription")
    dialog = life.owner.get_by_role("dialog", name="Cancel the subscription?")
    expect(dialog).to_contain_text("Everything goes on until")
    dialog.get_by_role("button", name="Cancel the subscription").click()
    expect(life.owner.get_by_text("Cancelled: it ends on")).to_be_visible()


def expect_no_changes(life: Life) -> None:
    """The dashboard is there to read, and refuses what would change something."""
    life.open("/app/widget/")
    life.owner.get_by_role("button", name="Save").click()
    expect(life.owner.get_by_text("The last invoice is not paid").first).to_be_visible()
    assert life.database(lambda: Client.objects.get(name=COMPANY).bots.get().styled_at) is None
