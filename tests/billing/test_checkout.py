"""The way to the payment page: one page, one customer, one subscription."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client as Browser
from django.utils import timezone

from accounts.audit import Action
from accounts.models import AuditEvent, Client, User
from accounts.roles import Role
from billing import customers
from billing.models import BillingState, Checkout, SyncRequest
from billing.plans import PREMIUM, STANDARD, Interval
from billing.pull import pull
from chatbot_saas.steps import STEPS
from tests.everything import Everything
from tests.fakes.stripe_server import FakeStripe

BUY = "/app/billing/buy/"
RETURN = "/app/billing/return/"
WAITING = "/app/billing/waiting/"
STANDARD_MONTH = {"order": "standard month"}


def state(world: Everything) -> BillingState:
    return BillingState.objects.get(client=world.client)


def press(owner: Browser, **order: str) -> Any:
    return owner.post(BUY, order or STANDARD_MONTH)


def told(response: Any) -> str:
    """What the page says went wrong."""
    return str(response.content.decode().split('role="alert">')[1].split("</p>")[0])


def test_an_owner_is_led_to_a_page_of_stripes_for_our_customer(
    fake: FakeStripe, owner: Browser, marigold: Everything
) -> None:
    response = press(owner)
    assert response.status_code == 302
    (page,) = fake.all("checkout.session")
    assert response.url == page["url"]
    assert page["client_reference_id"] == marigold.client.public_id
    assert page["customer"] == state(marigold).stripe_customer_id
    assert page["allow_promotion_codes"] is True
    assert page["tax_id_collection"]["enabled"] is True
    (made,) = [one for one in fake.requests if one.path == "/v1/checkout/sessions"]
    prices = [item["price"] for item in made.params["line_items"]]
    keys = [fake.find(price)["lookup_key"] for price in prices]
    assert keys == [
        STANDARD.lookup_key(Interval.MONTH),
        STANDARD.overage_lookup_key(Interval.MONTH),
    ]
    assert "trial" not in str(made.params)
    (event,) = AuditEvent.objects.filter(action=Action.CHECKOUT_STARTED)
    assert event.target == "Standard"


def test_pressing_twice_leads_to_the_same_page(fake: FakeStripe, owner: Browser) -> None:
    assert press(owner).url == press(owner).url
    assert len(fake.all("checkout.session")) == 1
    assert len(fake.all("customer")) == 1


def test_a_page_for_another_plan_ends_the_one_before(fake: FakeStripe, owner: Browser) -> None:
    press(owner)
    press(owner, order="premium year")
    old, new = fake.all("checkout.session")
    assert (old["status"], new["status"]) == ("expired", "open")
    assert Checkout.objects.get(state=Checkout.State.OPEN).plan == PREMIUM.key


def test_a_page_that_ended_by_itself_is_replaced(fake: FakeStripe, owner: Browser) -> None:
    press(owner)
    fake.expire_checkout(fake.all("checkout.session")[0]["id"])
    press(owner)
    assert [page["status"] for page in fake.all("checkout.session")] == ["expired", "open"]


def test_who_pays_already_is_asked_to_change_the_plan_instead(
    fake: FakeStripe, owner: Browser, marigold: Everything
) -> None:
    press(owner)
    fake.complete_checkout(fake.all("checkout.session")[0]["id"])
    response = press(owner, order="premium month")
    assert response.status_code == 409
    assert "There is a subscription already" in told(response)
    assert len(fake.live_subscriptions(state(marigold).stripe_customer_id or "")) == 1
    assert marigold.client.__class__.objects.get(pk=marigold.client.pk).is_active


def test_a_page_paid_in_another_tab_while_a_second_one_is_asked_for(
    fake: FakeStripe, owner: Browser, marigold: Everything
) -> None:
    """We have heard nothing of the payment when the second button is pressed."""
    press(owner)
    first = fake.all("checkout.session")[0]["id"]
    fake.lag(reads=3)  # the customer, and both lists; the page itself is up to date
    fake.complete_checkout(first)
    response = press(owner, order="premium month")
    assert response.status_code == 409
    assert "went through just now" in told(response)
    assert len(fake.all("checkout.session")) == 1


def test_a_customer_made_twice_at_once_is_one(fake: FakeStripe, marigold: Everything) -> None:
    """The second one is made while the first waits for Stripe: the first that is kept counts."""
    owner = marigold.people[Role.OWNER]
    made: list[str] = []
    create = customers._create

    def create_slowly(client: Client, user: User, number: int) -> str:
        if not made:
            made.append("")
            made[0] = customers.ensure(client, user)
        return create(client, user, number + 1)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(customers, "_create", create_slowly)
        late = customers.ensure(marigold.client, owner)
    assert late == made[0] == state(marigold).stripe_customer_id


def test_who_is_going_to_be_deleted_pays_nothing_any_more(
    fake: FakeStripe, owner: Browser, marigold: Everything
) -> None:
    due = timezone.now() + timedelta(days=14)
    Client.objects.filter(pk=marigold.client.pk).update(deletion_due_at=due)
    response = press(owner)
    assert (response.status_code, "keep it first" in told(response)) == (409, True)
    assert not fake.all("checkout.session")


@pytest.mark.parametrize("order", ["", "gold month", "trial month", "standard", "standard week"])
def test_what_is_not_sold_cannot_be_bought(fake: FakeStripe, owner: Browser, order: str) -> None:
    response = press(owner, order=order)
    assert response.status_code == 400
    assert "There is no such plan" in told(response)
    assert not fake.all("checkout.session")


@pytest.mark.parametrize(
    "go_wrong",
    [
        lambda fake: fake.fail(500, times=None),
        lambda fake: fake.fail(429, times=None, path="/v1/checkout"),
        lambda fake: fake.drop(times=None, path="/v1/customers"),
        lambda fake: fake.forbid("/v1/checkout"),
    ],
    ids=["down", "busy", "cut off", "forbidden"],
)
def test_when_stripe_does_not_answer_the_page_says_so_and_the_next_try_works(
    fake: FakeStripe, owner: Browser, go_wrong: Any
) -> None:
    go_wrong(fake)
    response = press(owner)
    assert response.status_code in {503, 409}
    assert "payment provider" in told(response)
    fake.behave()
    again = press(owner)
    assert again.status_code == 302
    open_rows = Checkout.objects.open()
    assert [row.url for row in open_rows] == [again.url]


def test_a_page_whose_answer_was_lost_is_asked_for_again_and_is_the_same_page(
    fake: FakeStripe, owner: Browser
) -> None:
    fake.drop(path="/v1/checkout/sessions", after=True)
    (page,) = (press(owner).url, fake.all("checkout.session"))[1]
    assert press(owner).url == page["url"]
    assert len(fake.all("checkout.session")) == 1


def test_a_customer_whom_stripe_does_not_know_is_kept_until_our_staff_let_go_of_it(
    fake: FakeStripe, owner: Browser, marigold: Everything
) -> None:
    press(owner)
    gone = state(marigold).stripe_customer_id or ""
    fake.delete_customer(gone, without_trace=True)
    assert press(owner).status_code == 409
    assert state(marigold).stripe_customer_id == gone
    assert gone in state(marigold).alert
    STEPS["customer"].run(marigold.client, "support", reason="Another account")
    assert press(owner).status_code == 302
    assert state(marigold).stripe_customer_id not in {None, gone}


def test_a_customer_who_was_deleted_at_stripe_is_made_anew(
    fake: FakeStripe, owner: Browser, marigold: Everything
) -> None:
    press(owner)
    gone = state(marigold).stripe_customer_id or ""
    fake.delete_customer(gone)
    assert [press(owner).status_code for _ in range(2)][-1] == 302
    assert state(marigold).stripe_customer_id not in {None, gone}


def test_before_setup_has_run_the_page_says_that(unsold: FakeStripe, owner: Browser) -> None:
    response = press(owner)
    assert response.status_code == 503
    assert "Payments are being set up" in told(response)


def test_coming_back_waits_until_the_payment_is_known(
    fake: FakeStripe, owner: Browser, marigold: Everything
) -> None:
    press(owner)
    page = owner.get(RETURN)
    assert "waiting for the confirmation" in page.content.decode()
    assert SyncRequest.objects.filter(reason="return", client=marigold.client).exists()
    assert "takes a few seconds" in owner.get(WAITING).content.decode()
    fake.complete_checkout(fake.all("checkout.session")[0]["id"])
    pull(marigold.client)
    arrived = owner.get(WAITING)
    assert arrived.headers["HX-Redirect"] == "/app/billing/"
    assert owner.get(RETURN).status_code == 302


def test_who_waits_for_long_is_told_that_nothing_is_lost(fake: FakeStripe, owner: Browser) -> None:
    press(owner)
    page = owner.get(WAITING, {"polls": "59"}).content.decode()
    assert "You need not wait here" in page
    assert "hx-get" not in page


@pytest.mark.parametrize("polls", ["-1", "x", "99999999999999999999", "٣"])
def test_a_made_up_number_of_polls_does_no_harm(
    fake: FakeStripe, owner: Browser, polls: str
) -> None:
    press(owner)
    assert owner.get(WAITING, {"polls": polls}).status_code == 200


def test_another_clients_session_in_the_address_changes_nothing(
    fake: FakeStripe, owner: Browser, marigold: Everything
) -> None:
    rival = Everything.make("rival")
    other = Browser()
    other.force_login(rival.people[Role.OWNER])
    press(other)
    theirs = fake.all("checkout.session")[0]["id"]
    fake.complete_checkout(theirs)
    owner.get(RETURN, {"session_id": theirs})
    pull(marigold.client)
    assert not state(marigold).has_subscription
    pull(rival.client)
    assert state(rival).has_subscription


def test_metadata_at_stripe_move_no_customer_to_another_client(
    fake: FakeStripe, owner: Browser, marigold: Everything
) -> None:
    rival = Everything.make("rival")
    press(owner)
    customer = state(marigold).stripe_customer_id or ""
    with fake._store.lock:
        fake._store.get("customer", customer)["metadata"] = {
            "client": rival.client.public_id,
            "djstripe_subscriber": str(rival.client.pk),
        }
    fake.complete_checkout(fake.all("checkout.session")[0]["id"])
    for world in (marigold, rival):
        pull(world.client)
    assert state(marigold).has_subscription
    assert not state(rival).has_subscription


def test_only_owners_buy(fake: FakeStripe, marigold: Everything) -> None:
    for role in (Role.ADMIN, Role.EDITOR, Role.VIEWER):
        browser = Browser()
        browser.force_login(marigold.people[role])
        assert press(browser).status_code in {403, 404}
    assert not fake.all("customer")


def test_an_installation_without_payments_sells_nothing(owner: Browser, settings) -> None:
    settings.STRIPE_SECRET_KEY = ""
    response = press(owner)
    assert response.status_code == 409
    assert "takes no payments" in told(response)
