"""The audit log, for owners."""

from __future__ import annotations

from django import forms
from django.core.paginator import Paginator
from django.http import HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.access import member_view
from accounts.audit import sentence
from accounts.http import MemberRequest
from accounts.models import AuditEvent
from accounts.models.audit import AuditEventQuerySet
from accounts.roles import Act
from chatbot_saas.lib.csv import rows_as_csv

ON_A_PAGE = 50
GROUPS = {
    "client": "The company",
    "member": "Members",
    "invitation": "Invitations",
    "person": "Log-in of members",
    "key": "API keys",
    "source": "Sources",
    "faq": "Questions and answers",
    "bot": "The widget",
    "conversation": "Conversations",
    "data": "Data",
    "staff": "Support",
}
COLUMNS = ("when", "who", "support", "what", "target", "from", "details")


class AuditFilter(forms.Form):
    about = forms.ChoiceField(choices=[("", "Everything"), *GROUPS.items()], required=False)
    who = forms.CharField(max_length=120, required=False)

    def apply(self, events: AuditEventQuerySet) -> AuditEventQuerySet:
        if not self.is_valid():
            return events.none()
        if about := self.cleaned_data["about"]:
            events = events.filter(action__startswith=f"{about}.")
        if who := self.cleaned_data["who"]:
            events = events.filter(actor_name__icontains=who)
        return events


@require_safe
@member_view(Act.SEE_AUDIT)
def audit_log(request: MemberRequest) -> HttpResponse:
    chosen = AuditFilter(request.GET)
    events = chosen.apply(AuditEvent.objects.for_client(request.client)).order_by("-pk")
    page = Paginator(events, ON_A_PAGE).get_page(request.GET.get("page"))
    for event in page:
        event.sentence = sentence(event.action)  # type: ignore[attr-defined]
    context = {"page": page, "filter": chosen, "groups": GROUPS}
    return render(request, "settings/audit_log.html", context)


@require_safe
@member_view(Act.SEE_AUDIT)
def audit_csv(request: MemberRequest) -> HttpResponseBase:
    events = AuditFilter(request.GET).apply(AuditEvent.objects.for_client(request.client))
    rows = (
        (
            event.at.isoformat(timespec="seconds"),
            event.actor_name,
            event.staff_name,
            sentence(event.action),
            event.target,
            event.address,
            event.details or "",
        )
        for event in events.order_by("-pk").iterator(chunk_size=500)
    )
    body = rows_as_csv(row for group in ([COLUMNS], rows) for row in group)
    headers = {"Content-Disposition": 'attachment; filename="audit-log.csv"'}
    return StreamingHttpResponse(body, content_type="text/csv; charset=utf-8", headers=headers)
