"""The page of API keys: one dialog serves every row, and must act on the row that opened it."""

from __future__ import annotations

import re

from django.conf import settings
from playwright.sync_api import expect

from accounts import keys
from tests.house import House, session_of
from tests.services.browser import open_browser


def test_the_dialog_acts_on_the_key_whose_button_opened_it(house: House) -> None:
    tenant = house.tenant()
    for title in ("Shop <b>", "Warehouse"):
        keys.make(tenant.client, title)
    name, session = settings.SESSION_COOKIE_NAME, session_of(tenant.member())
    with open_browser() as browser:
        context = browser.new_context()
        context.add_cookies([{"name": name, "value": session, "url": house.web.url}])
        page = context.new_page()
        page.goto(f"{house.web.url}/app/settings/keys/")
        page.get_by_role("button", name="Revoke Warehouse").click()
        page.get_by_role("dialog").get_by_role("button", name="Cancel").click()
        page.get_by_role("button", name="Revoke Shop <b>").click()
        dialog = page.get_by_role("dialog", name="Revoke “Shop <b>”?")
        dialog.get_by_role("button", name="Revoke").click()
        expect(page.get_by_text("Shop <b> was revoked.")).to_be_visible()
        page.get_by_role("button", name="Rotate Warehouse").click()
        page.get_by_role("dialog", name="Rotate “Warehouse”").get_by_role(
            "button", name="Rotate"
        ).click()
        expect(page.locator("#key-text")).to_have_text(re.compile(r"^sk_live_[\w-]{20,}"))
        expect(page.get_by_role("row", name="Warehouse").filter(has_text="rotated")).to_have_count(
            1
        )
