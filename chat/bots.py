"""Change a bot's looks, words and websites."""

from __future__ import annotations

from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone

from accounts import audit
from accounts.audit import Action
from accounts.models import Client
from chat.domains import clean_domain
from chat.forms import MOST_DOMAINS, WidgetForm
from chat.models import Bot, Sighting
from chatbot_saas.lib.errors import BadRequest, Conflict, NotFound


def of_client(client: Client, public_id: str | None) -> Bot:
    """The bot of this name among a client's own, or its first one. Raises NotFound."""
    own = Bot.objects.for_client(client).select_related("client").order_by("pk")
    bot = (own.filter(public_id=public_id) if public_id else own).first()
    if bot is None:
        raise NotFound("unknown_bot", "There is no bot of this id.")
    return bot


@transaction.atomic
def restyle(request: HttpRequest, form: WidgetForm) -> Bot:
    """Save a valid form."""
    bot = form.save(commit=False)
    bot.styled_at = timezone.now()
    bot.save(update_fields=[*form.changed_data, "styled_at"])
    if form.changed_data:
        changed = ", ".join(form.changed_data)
        audit.record(request, bot.client, Action.BOT_CHANGED, bot.name, changed=changed)
    return bot


@transaction.atomic
def allow(request: HttpRequest, bot: Bot, origin: str) -> str:
    """Let the widget stand on a website that was refused; its name on the list."""
    seen = Sighting.objects.filter(bot=bot, origin=origin, refused=True).first()
    if seen is None:
        raise BadRequest("unknown_origin", "The chat was not asked for on this website.")
    domain = clean_domain(origin)
    locked = Bot.objects.select_for_update().get(pk=bot.pk)
    if len(locked.allowed_domains) >= MOST_DOMAINS:
        raise Conflict("too_many_domains", f"{MOST_DOMAINS} websites are the most.")
    if domain not in locked.allowed_domains:
        locked.allowed_domains = [*locked.allowed_domains, domain]
        locked.save(update_fields=["allowed_domains"])
    seen.delete()
    audit.record(request, bot.client, Action.DOMAIN_ALLOWED, domain)
    return domain
