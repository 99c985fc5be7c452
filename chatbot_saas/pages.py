"""Pages that belong to no app: landing, the demo site, the overview, errors."""

from __future__ import annotations

from typing import Any, cast

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.template.response import TemplateResponse
from django.utils.functional import SimpleLazyObject
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import access, invitations
from accounts.access import member_view, person_view
from accounts.forms.company import CompanyForm
from accounts.http import MemberRequest, PersonRequest
from accounts.models import Membership, User
from accounts.roles import Act
from billing.views import price_list
from chat.models import Bot
from chatbot_saas import onboarding
from chatbot_saas import overview as summary
from chatbot_saas.demo import site as demo_site

MOST_SHOWN_CLIENTS = 30


def site(request: HttpRequest) -> dict[str, Any]:
    """What every template may use; the memberships are only asked for where they are shown."""
    return {
        "site_name": settings.SITE_NAME,
        "site_url": settings.SITE_URL,
        "user_memberships": SimpleLazyObject(lambda: _memberships(request)),
    }


def _memberships(request: HttpRequest) -> list[Membership]:
    if not isinstance(request.user, User):
        return []
    memberships = Membership.objects.filter(user=request.user).select_related("client")
    return list(memberships.order_by("client__name")[:MOST_SHOWN_CLIENTS])


@require_safe
def landing(request: HttpRequest) -> HttpResponse:
    return render(request, "site/landing.html", price_list())


@require_safe
def demo(request: HttpRequest) -> HttpResponse:
    context = {"bot": demo_site.bot(), "articles": demo_site.articles()}
    return render(request, "site/demo.html", context)


@require_safe
def demo_article(request: HttpRequest, article: str) -> HttpResponse:
    found = demo_site.article(article)
    if found is None:
        raise Http404
    context = {"bot": demo_site.bot(), "article": found, "articles": demo_site.articles()}
    return render(request, "site/demo_article.html", context)


@require_safe
@member_view(Act.VIEW)
def overview(request: MemberRequest) -> HttpResponse:
    bot = Bot.objects.for_client(request.client).order_by("pk").first()
    figures = summary.figures(request.client)
    steps = summary.steps(request.client, bot, figures)
    context = {
        "bot": bot,
        "figures": figures,
        "steps": steps,
        "done": sum(step.done for step in steps),
        "unanswered": summary.unanswered(request.client),
        "days": summary.DAYS,
    }
    return render(request, "dashboard/overview.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@person_view
def start(request: HttpRequest) -> HttpResponse:
    """The first company of a new person, or another one."""
    user = cast(PersonRequest, request).user
    if "another" not in request.GET and user.memberships.exists():
        return redirect("overview")
    form = CompanyForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        onboarding.set_up(request, user, **form.cleaned_data)
        return redirect("overview")
    context = {"form": form, "invitations": invitations.waiting_for(user)}
    status = 422 if request.method == "POST" else 200
    return render(request, "accounts/start.html", context, status=status)


@require_POST
@person_view
def join(request: HttpRequest, public_id: str) -> HttpResponse:
    """Accept an invitation to one's own address without its mail."""
    user = cast(PersonRequest, request).user
    waiting = {one.public_id: one for one in invitations.waiting_for(user)}
    if public_id not in waiting:
        raise Http404
    membership = invitations.accept(request, waiting[public_id], user)
    access.switch(request, membership.client)
    return redirect("overview")


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _error(request, 403, "This is not for you", "Your account may not open this page.")


def stale_form(request: HttpRequest, reason: str = "") -> HttpResponse:
    """A form came without its token, or with another one than the cookie (Django's CSRF check)."""
    text = (
        "The page was open for too long, or your browser keeps no cookies for this site. "
        "Allow cookies, go back, reload the page and try again."
    )
    return _error(request, 403, "Please reload the page", text)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _error(request, 404, "There is nothing here", "The address may be old or mistyped.")


def server_error(request: HttpRequest) -> HttpResponse:
    return _error(request, 500, "Something went wrong", "It has been noted. Please try again.")


def _error(request: HttpRequest, status: int, title: str, text: str) -> HttpResponse:
    if request.path.startswith("/api/"):
        code = {403: "forbidden", 404: "not_found"}.get(status, "server_error")
        body = {"error": {"code": code, "message": f"{title}."}}
        return JsonResponse(body, status=status)
    # Not rendered yet: the CSRF check runs on the event loop, and a page asks the database.
    context = {"title": title, "text": text}
    return TemplateResponse(request, "site/error.html", context, status=status)
