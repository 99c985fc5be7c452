"""What the dashboard's templates need: navigation, rights, relative times, JSON-free fragments."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django import template
from django.http import HttpRequest
from django.template.context import Context
from django.template.defaultfilters import date as format_date
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from accounts.models import Membership
from accounts.roles import Act

register = template.Library()

RECENT_DAYS = 7


@register.simple_tag(takes_context=True)
def nav_link(context: Context, name: str, label: str, *, exact: bool = False) -> SafeString:
    """A link of the navigation, marked when it leads to this page or to one above it."""
    request: HttpRequest = context["request"]
    url = reverse(name)
    here = request.path == url if exact else request.path.startswith(url)
    current = mark_safe(' aria-current="page"') if here else ""
    return format_html('<a href="{}"{}>{}</a>', url, current, label)


@register.filter
def may(membership: Membership | None, act: str) -> bool:
    """{% if request.membership|may:"manage_keys" %}"""
    return membership is not None and membership.may(Act(act))


@register.filter
def ago(moment: datetime | None) -> SafeString | str:
    """<time> that says "3 minutes ago", or the date when that is longer ago than a week."""
    if moment is None:
        return "never"
    return format_html(
        '<time datetime="{}" title="{}">{}</time>',
        moment.isoformat(),
        format_date(moment, "j M Y, H:i e"),
        _since(moment),
    )


def _since(moment: datetime) -> str:
    passed = timezone.now() - moment
    minutes = int(passed.total_seconds() // 60)
    if passed.days >= RECENT_DAYS:
        return format_date(moment, "j M Y")
    if minutes < 1:
        return "just now"
    for size, unit in ((1440, "day"), (60, "hour"), (1, "minute")):
        if minutes >= size:
            count = minutes // size
            return f"{count} {unit}{'' if count == 1 else 's'} ago"
    return "just now"


@register.simple_tag(takes_context=True)
def page_query(context: Context, number: int, param: str = "") -> str:
    """The query of another page of a list; a page with two lists names one of them `param`."""
    query = context["request"].GET.copy()
    query[param or "page"] = str(number)
    return f"?{query.urlencode()}"


@register.simple_tag
def percent(part: float, whole: float) -> str:
    """ "91 %", or a dash when there is nothing to take a share of."""
    return f"{round(100 * part / whole)} %" if whole else "–"


@register.inclusion_tag("dashboard/_token.html", takes_context=True)
def form_token(context: Context) -> dict[str, Any]:
    """In every form of the dashboard: against forgery, and for the client of this page."""
    request = context["request"]
    return {"csrf_token": context.get("csrf_token"), "client": getattr(request, "client", None)}
