"""What browsers report about our content security policy, counted by kind.

Reports come from anybody, so they are checked, bounded and cut down to what helps: no query, no
fragment, nothing of other sites but their origin, no piece of a page's text.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from django.db import transaction
from django.db.models import F
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from accounts import limits
from accounts.models import CspReport
from chatbot_saas.lib.errors import BadRequest, CallerError, TooLarge, UnsupportedType
from chatbot_saas.lib.threads import in_thread

MOST_BYTES = 16 * 1024
MOST_KINDS = 1000
MOST_AT_ONCE = 20
TYPES = {"application/csp-report", "application/reports+json"}
DIRECTIVE = re.compile(r"[a-z]+(-[a-z]+){1,4}")
WORD = re.compile(r"[a-z-]{1,30}")  # "inline", "eval", "data", …
# A row's public id, or a secret of a link, as a part of a path.
NAME = re.compile(r"[a-z]{2,4}_[A-Za-z0-9]{22}|(?=.*\d)[A-Za-z0-9_:=-]{20,}|[A-Za-z_-]{40,}")


@dataclass(frozen=True, slots=True)
class Violation:
    """One kind: what was blocked by which rule on which page, and where the code stands."""

    directive: str
    blocked: str
    page: str
    source: str

    @property
    def digest(self) -> str:
        kind = "\n".join((self.directive, self.blocked, self.page, self.source))
        return hashlib.sha256(kind.encode()).hexdigest()


@csrf_exempt
@require_POST
async def csp_report(request: HttpRequest) -> HttpResponse:
    try:
        await in_thread(_take, request)
    except CallerError as error:
        return error.response()
    return HttpResponse(status=204)


def _take(request: HttpRequest) -> None:
    limits.spend_by_address(request, "csp_report_address")
    for violation in violations(_body(request), own=request.get_host()):
        count(violation)


def _body(request: HttpRequest) -> Any:
    if request.content_type not in TYPES:
        raise UnsupportedType("report_type", f"Send one of {', '.join(sorted(TYPES))}.")
    declared = request.headers.get("Content-Length", "")
    if declared.isdigit() and int(declared) > MOST_BYTES:
        raise _too_large()
    body = request.read(MOST_BYTES + 1)
    if len(body) > MOST_BYTES:
        raise _too_large()
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        raise _bad() from error


def violations(body: Any, *, own: str) -> Iterator[Violation]:
    """The reports of either format about pages of the host `own`. Raises BadRequest."""
    for report in _reports(body):
        violation = _violation(report, own)
        if violation is not None:
            yield violation


def _reports(body: Any) -> list[dict[str, Any]]:
    """In the names of the older format."""
    if isinstance(body, dict) and isinstance(body.get("csp-report"), dict):
        return [body["csp-report"]]
    if not isinstance(body, list) or not all(isinstance(one, dict) for one in body):
        raise _bad()
    ours = [one.get("body") for one in body if one.get("type") == "csp-violation"]
    return [
        {
            "document-uri": one.get("documentURL"),
            "effective-directive": one.get("effectiveDirective"),
            "blocked-uri": one.get("blockedURL"),
            "source-file": one.get("sourceFile"),
        }
        for one in ours[:MOST_AT_ONCE]
        if isinstance(one, dict)
    ]


def _violation(report: dict[str, Any], own: str) -> Violation | None:
    """None for what a browser's extension did to the page."""
    directive = str(report.get("effective-directive") or report.get("violated-directive") or "")
    directive = directive.partition(" ")[0]
    page = _text(report, "document-uri")
    if not DIRECTIVE.fullmatch(directive) or _host(page) != own:
        raise _bad()
    blocked, source = _text(report, "blocked-uri"), _text(report, "source-file")
    if any("-extension" in address.partition(":")[0] for address in (blocked, source)):
        return None
    return Violation(directive[:60], _cut(blocked, own), _cut(page, own), _cut(source, own))


def _text(report: dict[str, Any], name: str) -> str:
    value = report.get(name) or ""
    if not isinstance(value, str):
        raise _bad()
    return value


def _host(address: str) -> str:
    try:
        return urlsplit(address).netloc
    except ValueError as error:
        raise _bad() from error


def _cut(address: str, own: str) -> str:
    """The path of an address of ours, the origin of others, a word as it is."""
    if WORD.fullmatch(address) or not address:
        return address
    host = _host(address)
    if not host:
        return address.partition(":")[0][:30] if ":" in address else "other"
    parts = urlsplit(address)
    if host != own:
        return f"{parts.scheme}://{parts.hostname}"[:300]
    return "/".join(NAME.sub("…", part) for part in parts.path.split("/"))[:300]


def count(violation: Violation) -> None:
    """One more of this kind; the kinds seen longest ago go when there are too many."""
    same = CspReport.objects.filter(digest=violation.digest)
    now = timezone.now()
    if same.update(count=F("count") + 1, last_at=now):
        return
    row = CspReport(
        digest=violation.digest,
        directive=violation.directive,
        blocked=violation.blocked,
        page=violation.page,
        source=violation.source,
        count=0,
        last_at=now,
    )
    with transaction.atomic():
        # Two browsers may report the same for the first time: both are counted.
        CspReport.objects.bulk_create([row], ignore_conflicts=True)
        same.update(count=F("count") + 1, last_at=now)
        newest = CspReport.objects.order_by("-last_at", "-pk").values("pk")[:MOST_KINDS]
        CspReport.objects.exclude(pk__in=newest).delete()


def _bad() -> BadRequest:
    return BadRequest("bad_report", "This is no report of a violation on a page of ours.")


def _too_large() -> TooLarge:
    return TooLarge("too_large", "A report may have 16 KB at most.")
