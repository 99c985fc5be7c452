"""Ask for a link to rotate keys, and follow it."""

from __future__ import annotations

from typing import cast

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods
from rest_framework import serializers, status
from rest_framework.decorators import api_view, authentication_classes, permission_classes
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import access, key_links, limits, tasks
from accounts.access import person_view
from accounts.http import PersonRequest

SAID = (
    "If this is the address of an owner with an active subscription, "
    "a mail with a link to rotate the keys is on its way."
)


class AskSerializer(serializers.Serializer[None]):
    email = serializers.EmailField(max_length=254)


@api_view(["POST"])
@authentication_classes([])
@permission_classes([])
def resend_api_key(request: Request) -> Response:
    """Everybody gets the same answer in the same time: the worker looks the address up."""
    limits.spend_by_address(request._request, "key_link_address")
    asked = AskSerializer(data=request.data)
    asked.is_valid(raise_exception=True)
    email = asked.validated_data["email"].lower()
    limits.spend(request._request, "key_link_account", email)
    tasks.send_key_links.delay(email)
    return Response({"message": SAID}, status=status.HTTP_202_ACCEPTED)


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@person_view
def key_link(request: HttpRequest, token: str) -> HttpResponse:
    """Opening it changes nothing, as mail scanners open links too; the button uses it up."""
    person = cast(PersonRequest, request)
    link = key_links.find(token, person.user)
    if request.method != "POST":
        return render(request, "accounts/key_link.html", {"link": link})
    client = key_links.use(request, link)
    access.switch(request, client)
    messages.info(request, "Rotate the key that you lost: its successor is shown once.")
    return redirect("api_keys")
