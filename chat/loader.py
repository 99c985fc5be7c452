"""GET /widget.js: the small script on the client's page, pointing at the hashed chat module."""

from __future__ import annotations

import hashlib
from functools import cache

from django.conf import settings
from django.contrib.staticfiles.storage import staticfiles_storage
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import condition, require_safe

SOURCE = "widget/loader.js"
MODULE = "widget/chat.js"
PLACEHOLDER = "__CHAT_MODULE__"
MAX_AGE = 300  # seconds until a client's visitors see a new version


@cache
def _script() -> str:
    source = (settings.BASE_DIR / "static" / SOURCE).read_text(encoding="utf-8")
    return source.replace(PLACEHOLDER, staticfiles_storage.url(MODULE))


def _etag(_request: HttpRequest) -> str:
    return '"' + hashlib.sha256(_script().encode()).hexdigest()[:32] + '"'


@require_safe
@condition(etag_func=_etag)
def widget_js(_request: HttpRequest) -> HttpResponse:
    return HttpResponse(
        _script(),
        content_type="text/javascript; charset=utf-8",
        headers={
            "Cache-Control": f"public, max-age={MAX_AGE}",
            "Access-Control-Allow-Origin": "*",
            "Cross-Origin-Resource-Policy": "cross-origin",
        },
    )
