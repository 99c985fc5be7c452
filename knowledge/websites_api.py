"""The client's API to its websites: pages in, looked at again, stopped, out."""

from __future__ import annotations

from typing import Any, cast

from django.shortcuts import get_object_or_404
from rest_framework import serializers, status
from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.http import ClientApiRequest
from knowledge import websites
from knowledge.api import NewestFirst
from knowledge.models import KnowledgeBase, Website, WebsiteQuerySet
from knowledge.websites import Wanted

MOST_PATTERNS = 50


class WantedSerializer(serializers.Serializer[Any]):
    bot = serializers.CharField(max_length=40)
    url = serializers.CharField(max_length=1000)
    mode = serializers.ChoiceField(choices=Website.Mode.choices)
    limit = serializers.IntegerField(min_value=1, max_value=1_000_000, required=False)
    depth = serializers.IntegerField(min_value=0, max_value=Website.MOST_DEPTH, required=False)
    include = serializers.ListField(
        child=serializers.CharField(max_length=200), max_length=MOST_PATTERNS, required=False
    )
    exclude = serializers.ListField(
        child=serializers.CharField(max_length=200), max_length=MOST_PATTERNS, required=False
    )
    schedule = serializers.ChoiceField(choices=Website.Schedule.choices, required=False)


class WebsiteSerializer(serializers.ModelSerializer[Website]):
    id = serializers.CharField(source="public_id")
    bot = serializers.SerializerMethodField()
    status = serializers.CharField(source="state")
    pages = serializers.SerializerMethodField()

    class Meta:
        model = Website
        fields = (
            "id",
            "bot",
            "url",
            "mode",
            "limit",
            "depth",
            "include",
            "exclude",
            "schedule",
            "status",
            "pages",
            "error",
            "created_at",
            "last_checked_at",
            "next_check_at",
        )

    def get_bot(self, website: Website) -> str | None:
        # Bots live in the layer above; the relation back is the database's.
        base: Any = website.knowledge_base
        bots = base.bots.all()
        return bots[0].public_id if bots else None

    def get_pages(self, website: Website) -> dict[str, int]:
        counted: Any = website
        names = ("queued", "found", "taken", "failed")
        return {name: getattr(counted, f"{name}_count") for name in names}


@api_view(["GET", "POST"])
def website_list(request: Request) -> Response:
    request = cast(ClientApiRequest, request)
    if request.method == "POST":
        return _add(request)
    pages = NewestFirst()
    rows = pages.paginate_queryset(_own(request), request)
    return pages.get_paginated_response(WebsiteSerializer(rows, many=True).data)


@api_view(["GET", "DELETE"])
def website(request: Request, public_id: str) -> Response:
    request = cast(ClientApiRequest, request)
    found = get_object_or_404(_own(request), public_id=public_id)
    if request.method == "DELETE":
        websites.remove(request, found)
        return Response(status=status.HTTP_204_NO_CONTENT)
    return Response(WebsiteSerializer(found).data)


@api_view(["POST"])
def sync_website(request: Request, public_id: str) -> Response:
    request = cast(ClientApiRequest, request)
    found = get_object_or_404(_own(request), public_id=public_id)
    websites.sync(request, found)
    return _told(request, found, status.HTTP_202_ACCEPTED)


@api_view(["POST"])
def stop_website(request: Request, public_id: str) -> Response:
    request = cast(ClientApiRequest, request)
    found = get_object_or_404(_own(request), public_id=public_id)
    websites.stop(request, found)
    return _told(request, found, status.HTTP_200_OK)


def _add(request: ClientApiRequest) -> Response:
    wanted = WantedSerializer(data=request.data)
    wanted.is_valid(raise_exception=True)
    fields = dict(wanted.validated_data)
    base = KnowledgeBase.objects.of_bot(request.client, fields.pop("bot"))
    return _told(request, websites.add(request, base, Wanted(**fields)), status.HTTP_201_CREATED)


def _told(request: ClientApiRequest, website: Website, code: int) -> Response:
    return Response(WebsiteSerializer(_own(request).get(pk=website.pk)).data, status=code)


def _own(request: ClientApiRequest) -> WebsiteQuerySet:
    own = Website.objects.for_client(request.client).shown().with_page_counts()
    return own.select_related("knowledge_base").prefetch_related("knowledge_base__bots")
