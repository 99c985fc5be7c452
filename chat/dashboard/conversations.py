"""The inbox: what visitors asked, and what they were told."""

from __future__ import annotations

from django import forms
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe

from accounts.access import member_view
from accounts.http import MemberRequest
from accounts.roles import Act
from chat import inbox
from chat.history import mark_gone
from chat.models import Conversation

ON_A_PAGE = 50
MOST_SHOWN_MESSAGES = 200
PERIODS = [("", "Any time"), ("1", "Today"), ("7", "7 days"), ("30", "30 days"), ("90", "90 days")]


class InboxFilter(forms.Form):
    q = forms.CharField(max_length=200, required=False, label="Words")
    channel = forms.ChoiceField(
        choices=[("", "All visitors"), *Conversation.Channel.choices], required=False
    )
    days = forms.ChoiceField(choices=PERIODS, required=False)
    unanswered = forms.BooleanField(required=False, label="No answer found")

    def wanted(self) -> inbox.Wanted:
        """A filter that nobody can have meant is none."""
        data = self.cleaned_data if self.is_valid() else {}
        return inbox.Wanted(
            text=data.get("q", ""),
            channel=data.get("channel", ""),
            days=int(data.get("days") or 0),
            unanswered=data.get("unanswered", False),
        )


@require_safe
@member_view(Act.VIEW)
def conversations(request: MemberRequest) -> HttpResponse:
    chosen = InboxFilter(request.GET)
    found = inbox.find(request.client, chosen.wanted())
    page = Paginator(found, ON_A_PAGE).get_page(request.GET.get("page"))
    context = {"page": page, "filter": chosen}
    return render(request, "chat/conversations.html", context)


@require_safe
@member_view(Act.VIEW)
def conversation(request: MemberRequest, public_id: str) -> HttpResponse:
    found = _conversation(request, public_id)
    asked = found.messages.with_question().prefetch_related("citations")
    latest = asked.order_by("-pk")[:MOST_SHOWN_MESSAGES]
    context = {"conversation": found, "messages_shown": mark_gone(found, reversed(latest))}
    return render(request, "chat/conversation.html", context)


@require_POST
@member_view(Act.DELETE_CONVERSATIONS)
def delete_conversation(request: MemberRequest, public_id: str) -> HttpResponse:
    inbox.delete(request, _conversation(request, public_id))
    messages.success(request, "The conversation was deleted.")
    return redirect("conversations")


def _conversation(request: MemberRequest, public_id: str) -> Conversation:
    own = Conversation.objects.for_client(request.client).select_related("bot__client")
    return get_object_or_404(own, public_id=public_id)
