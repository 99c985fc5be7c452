"""The request types that views may rely on after the access decorators ran."""

from __future__ import annotations

from django.http import HttpRequest
from django_htmx.middleware import HtmxDetails
from rest_framework.request import Request

from accounts.models import Client, Membership, User


class PersonRequest(HttpRequest):
    user: User


class MemberRequest(HttpRequest):
    user: User
    client: Client
    membership: Membership
    htmx: HtmxDetails


class ClientApiRequest(Request):
    client: Client
