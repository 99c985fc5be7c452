"""Logs hold no link that somebody could use."""

from __future__ import annotations

import logging

import httpx
import pytest

from chatbot_saas.lib.logs import HideLinks
from tests.house import House
from tests.services.django import Web


@pytest.mark.parametrize(
    ("path", "logged"),
    [
        ("/accounts/invitation/abc-DEF_123/", "/accounts/invitation/…/"),
        ("/accounts/key-link/abc/", "/accounts/key-link/…/"),
        ("/accounts/password/reset/key/1-abc-def/", "/accounts/password/reset/key/…/"),
        ("/app/conversations/?q=my+secret&page=2", "/app/conversations/?…"),
        ("/app/knowledge/src_1/", "/app/knowledge/src_1/"),
    ],
)
def test_links_and_queries_are_cut_out(path: str, logged: str) -> None:
    record = logging.LogRecord(
        "uvicorn.access", logging.INFO, "", 0, '%s - "%s %s HTTP/%s" %d',
        ("127.0.0.1:1", "GET", path, "1.1", 200), None,
    )  # fmt: skip
    assert HideLinks().filter(record)
    assert record.getMessage() == f'127.0.0.1:1 - "GET {logged} HTTP/1.1" 200'


def test_the_server_logs_refusals_without_them(house: House) -> None:
    with Web(house.env) as web:
        httpx.get(f"{web.url}/accounts/invitation/very-secret-token/")
        httpx.get(f"{web.url}/nothing/?q=very-secret-words")
        log = web.log_text()
    assert "Not Found: /accounts/invitation/…/" in log
    assert "very-secret" not in log
