"""GET /widget.js: the small script on the client's page, pointing at the hashed chat module."""

from __future__ import annotations

import gzip
import hashlib
from functools import cache

import brotli
from django.conf import settings
from django.contrib.staticfiles.storage import staticfiles_storage
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import condition, require_safe

SOURCE = "widget/loader.js"
MODULE = "widget/joined.js"
PLACEHOLDER = "__CHAT_MODULE__"
MAX_AGE = 300  # seconds until a client's visitors see a new version
HEADERS = {
    "Cache-Control": f"public, max-age={MAX_AGE}",
    "Access-Control-Allow-Origin": "*",
    "Cross-Origin-Resource-Policy": "cross-origin",
    "Vary": "Accept-Encoding",
}


@cache
def script() -> str:
    source = (settings.BASE_DIR / "static" / SOURCE).read_text(encoding="utf-8")
    return source.replace(PLACEHOLDER, staticfiles_storage.url(MODULE))


@cache
def _encoded(encoding: str) -> bytes:
    plain = script().encode()
    if encoding == "br":
        return bytes(brotli.compress(plain))
    return gzip.compress(plain, mtime=0) if encoding == "gzip" else plain


def _encoding(request: HttpRequest) -> str:
    accepted = request.headers.get("Accept-Encoding", "")
    return next((one for one in ("br", "gzip") if one in accepted), "")


def _etag(request: HttpRequest) -> str:
    digest = hashlib.sha256(script().encode()).hexdigest()[:32]
    return f'"{digest}{_encoding(request)}"'


@require_safe
@condition(etag_func=_etag)
def widget_js(request: HttpRequest) -> HttpResponse:
    encoding = _encoding(request)
    headers = HEADERS | ({"Content-Encoding": encoding} if encoding else {})
    kind = "text/javascript; charset=utf-8"
    return HttpResponse(_encoded(encoding), content_type=kind, headers=headers)
