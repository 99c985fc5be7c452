"""One page of figures."""

from __future__ import annotations

from datetime import timedelta

from django.http import HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts.access import member_view
from accounts.http import MemberRequest
from accounts.roles import Act
from chat import analytics as figures
from chatbot_saas.lib.charts import Column, plot
from chatbot_saas.lib.csv import rows_as_csv

PERIODS = (7, 30, 90)
COLUMNS = ("date", "questions", "answered", "no answer")


@require_safe
@member_view(Act.VIEW)
def analytics(request: MemberRequest) -> HttpResponse:
    count, today = _period(request), timezone.now().date()
    since = today - timedelta(days=count - 1)
    hours = figures.by_hour(request.client, since)
    days = figures.days(hours, count, today)
    now, before = figures.totals(request.client, count, today)
    context = {
        "periods": PERIODS,
        "period": count,
        "days": days,
        "plot": plot([_column(day) for day in days]),
        "now": now,
        "questions_change": figures.change(now.questions, before.questions),
        "conversations_change": figures.change(now.conversations, before.conversations),
        "share_before": before.share,
        "gaps": figures.gaps(request.client, since),
        "pages": figures.pages(request.client, since),
        "sources": figures.sources(request.client, since),
        "hours": plot(_hours(figures.of_the_day(hours))),
    }
    return render(request, "chat/analytics.html", context)


@require_safe
@member_view(Act.VIEW)
def analytics_csv(request: MemberRequest) -> HttpResponseBase:
    count, today = _period(request), timezone.now().date()
    hours = figures.by_hour(request.client, today - timedelta(days=count - 1))
    days = figures.days(hours, count, today)
    body = rows_as_csv([COLUMNS, *figures.as_rows(days)])
    headers = {"Content-Disposition": 'attachment; filename="questions.csv"'}
    return StreamingHttpResponse(body, content_type="text/csv; charset=utf-8", headers=headers)


def _period(request: MemberRequest) -> int:
    wanted = request.GET.get("days", "")
    return int(wanted) if wanted in {str(one) for one in PERIODS} else 30


def _column(day: figures.Day) -> Column:
    label = f"{day.date.day} {day.date:%b}"
    title = f"{label}: {day.questions} questions, {day.unanswered} without an answer"
    return Column(label, title, day.answered, day.unanswered)


def _hours(counts: list[int]) -> list[Column]:
    return [
        Column(f"{hour}:00", f"{hour}:00–{hour + 1}:00: {count} questions", count)
        for hour, count in enumerate(counts)
    ]
