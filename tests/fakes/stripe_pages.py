"""What people see of Stripe: the payment page, the portal and an invoice, without any script."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from html import escape

from aiohttp import web

from tests.fakes import stripe_checkout as checkout
from tests.fakes import stripe_life as life
from tests.fakes import stripe_subscriptions as subscriptions
from tests.fakes.stripe_store import Json, Store

Handler = Callable[[web.Request], Awaitable[web.Response]]

PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{title}</title>
<main>
<h1>{title}</h1>
{body}
</main>
</html>
"""
BUTTON = '<button name="action" value="{action}">{label}</button>'


class Pages:
    """The pages over one store."""

    def __init__(self, store: Store) -> None:
        self.store = store

    def add_to(self, app: web.Application) -> None:
        for path, show, act in (
            ("/pay/{name}", self._payment, self._pay),
            ("/portal/{name}", self._portal, self._use_portal),
            ("/invoice/{name}", self._invoice, self._pay_invoice),
        ):
            app.router.add_get(path, self._locked(show))
            app.router.add_post(path, self._locked(act))

    def _locked(self, page: Callable[[str, str], web.Response]) -> Handler:
        async def handle(request: web.Request) -> web.Response:
            form = await request.post()
            with self.store.lock:
                return page(request.match_info["name"], str(form.get("action", "")))

        return handle

    def _payment(self, name: str, _: str, notice: str = "") -> web.Response:
        page = self.store.find("checkout.session", name)
        if page is None:
            return _page("Something went wrong", "<p>There is no such page.</p>", status=404)
        back = _link(page["cancel_url"], "Back")
        if page["status"] != "open":
            said = "You are all done here" if page["status"] == "complete" else "This page expired"
            return _page(said, back)
        lines = "".join(f"<li>{escape(_line(one))}</li>" for one in page["_line_items"]["data"])
        total = _money(page["amount_total"], page["currency"])
        pay = BUTTON.format(action="pay", label=f"Pay {total}")
        decline = BUTTON.format(action="decline", label="Pay with a card that is declined")
        body = f"<ul>{lines}</ul><p>Total due today: {total}</p>{_form(pay + decline)}{back}"
        return _page("Subscribe", notice + body)

    def _pay(self, name: str, action: str) -> web.Response:
        page = self.store.find("checkout.session", name)
        if page is None or page["status"] != "open":
            return self._payment(name, "")
        if action != "pay" or not checkout.complete(self.store, name):
            return self._payment(name, "", '<p role="alert">Your card was declined.</p>')
        return _see(checkout.success_url(page))

    def _portal(self, name: str, _: str, notice: str = "") -> web.Response:
        visit = self.store.find("billing_portal.session", name)
        if visit is None:
            return _page("Something went wrong", "<p>There is no such page.</p>", status=404)
        customer = visit["customer"]
        buttons = ""
        if self.store.all("invoice", customer=customer, status="open"):
            buttons += BUTTON.format(action="pay", label="Pay the open invoice")
        if self._may_cancel(visit):
            buttons += BUTTON.format(action="cancel", label="Cancel the subscription")
        subs = "".join(f"<li>{escape(one)}</li>" for one in self._told(customer))
        back = _link(visit["return_url"], "Return")
        return _page("Your billing", f"{notice}<ul>{subs}</ul>{_form(buttons)}{back}")

    def _told(self, customer: str) -> list[str]:
        found = self.store.all("subscription", customer=customer)
        endings = {True: ", ends with its period", False: ""}
        return [f"{one['id']}: {one['status']}{endings[bool(one['cancel_at'])]}" for one in found]

    def _may_cancel(self, visit: Json) -> bool:
        settings = self.store.get("billing_portal.configuration", visit["configuration"])
        allowed = settings["features"]["subscription_cancel"]["enabled"]
        return bool(allowed and self._cancelable(visit["customer"]))

    def _cancelable(self, customer: str) -> list[Json]:
        """Those that run; one that a schedule manages cannot be changed in the portal."""
        found = self.store.all("subscription", customer=customer)
        live = [one for one in found if one["status"] in subscriptions.LIVE]
        return [one for one in live if not one["schedule"] and not one["cancel_at"]]

    def _use_portal(self, name: str, action: str) -> web.Response:
        visit = self.store.find("billing_portal.session", name)
        if visit is None:
            return self._portal(name, "")
        if action == "pay":
            life.pay_all(self.store, visit["customer"])
            return self._portal(name, "", '<p role="status">Paid.</p>')
        if action == "cancel" and self._may_cancel(visit):
            self._cancel(visit)
            return self._portal(name, "", '<p role="status">Canceled.</p>')
        return self._portal(name, "")

    def _cancel(self, visit: Json) -> None:
        settings = self.store.get("billing_portal.configuration", visit["configuration"])
        at_end = settings["features"]["subscription_cancel"]["mode"] == "at_period_end"
        for sub in self._cancelable(visit["customer"]):
            if at_end:
                subscriptions.update(self.store, {"cancel_at_period_end": True}, sub["id"])
            else:
                subscriptions.cancel(self.store, {}, sub["id"])

    def _invoice(self, name: str, _: str) -> web.Response:
        made = self.store.find("invoice", name)
        if made is None:
            return _page("Something went wrong", "<p>There is no such page.</p>", status=404)
        due = _money(made["amount_remaining"], made["currency"])
        pay = _form(BUTTON.format(action="pay", label=f"Pay {due}"))
        body = f"<p>{escape(made['status'])}</p>" + (pay if made["status"] == "open" else "")
        return _page(f"Invoice {made['number']}", body)

    def _pay_invoice(self, name: str, action: str) -> web.Response:
        made = self.store.find("invoice", name)
        if made is not None and made["status"] == "open" and action == "pay":
            self.store.state.declining.discard(made["customer"])
            life.retry(self.store, made)
        return self._invoice(name, "")


def _line(one: Json) -> str:
    recurring = one["price"]["recurring"]
    amount = _money(one["price"]["unit_amount"] or 0, one["currency"])
    each = f" for each use, every {recurring['interval']}"
    usual = f" × {one['quantity']}, every {recurring['interval']}"
    return f"{one['description']}: {amount}{each if one['quantity'] is None else usual}"


def _money(cents: int, currency: str) -> str:
    return f"{cents / 100:.2f} {currency.upper()}"


def _link(url: str | None, text: str) -> str:
    return f'<p><a href="{escape(url)}">{text}</a></p>' if url else ""


def _form(buttons: str) -> str:
    return f'<form method="post">{buttons}</form>'


def _page(title: str, body: str, status: int = 200) -> web.Response:
    text = PAGE.format(title=escape(title), body=body)
    return web.Response(text=text, content_type="text/html", status=status)


def _see(url: str) -> web.Response:
    return web.Response(status=303, headers={"Location": url})
