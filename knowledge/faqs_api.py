"""The client's API to its questions and answers."""

from __future__ import annotations

from typing import Any, cast

from django.shortcuts import get_object_or_404
from rest_framework import serializers, status
from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.http import ClientApiRequest
from knowledge import faqs
from knowledge.api import NewestFirst
from knowledge.models import Faq, FaqQuerySet, KnowledgeBase
from knowledge.pairs import PRIORITIES, Pair, checked

NAMES = {int(value): name for name, value in PRIORITIES.items()}


class PairSerializer(serializers.Serializer[Any]):
    """The texts' lengths are checked where all pairs are (knowledge/pairs.py)."""

    question = serializers.CharField()
    answer = serializers.CharField()
    category = serializers.CharField(allow_blank=True, required=False)
    priority = serializers.ChoiceField(choices=list(PRIORITIES), required=False)


class AddSerializer(PairSerializer):
    bot = serializers.CharField(max_length=40)


class FaqSerializer(serializers.ModelSerializer[Faq]):
    id = serializers.CharField(source="public_id")
    bot = serializers.SerializerMethodField()
    source_id = serializers.CharField(source="source.public_id")
    priority = serializers.SerializerMethodField()
    status = serializers.CharField(source="source.state")
    error = serializers.CharField(source="problem")

    class Meta:
        model = Faq
        fields = (
            "id",
            "bot",
            "source_id",
            "question",
            "answer",
            "category",
            "priority",
            "status",
            "error",
            "created_at",
            "updated_at",
        )

    def get_bot(self, faq: Faq) -> str | None:
        # Bots live in the layer above; the relation back is the database's.
        base: Any = faq.knowledge_base
        bots = base.bots.all()
        return bots[0].public_id if bots else None

    def get_priority(self, faq: Faq) -> str:
        return NAMES[faq.priority]


@api_view(["GET", "POST"])
def faq_list(request: Request) -> Response:
    request = cast(ClientApiRequest, request)
    if request.method == "POST":
        return _add(request)
    pages = NewestFirst()
    rows = pages.paginate_queryset(_filtered(request), request)
    return pages.get_paginated_response(FaqSerializer(rows, many=True).data)


@api_view(["GET", "PATCH", "DELETE"])
def faq(request: Request, public_id: str) -> Response:
    request = cast(ClientApiRequest, request)
    found = get_object_or_404(_own(request), public_id=public_id)
    if request.method == "DELETE":
        faqs.remove(request, found)
        return Response(status=status.HTTP_204_NO_CONTENT)
    if request.method == "PATCH":
        faqs.change(request, found, _changed(request, found))
    return _told(request, found, status.HTTP_200_OK)


def _add(request: ClientApiRequest) -> Response:
    wanted = AddSerializer(data=request.data)
    wanted.is_valid(raise_exception=True)
    fields = dict(wanted.validated_data)
    base = KnowledgeBase.objects.of_bot(request.client, fields.pop("bot"))
    made = faqs.add(request, base, _pair(fields))
    return _told(request, made, status.HTTP_201_CREATED)


def _changed(request: ClientApiRequest, faq: Faq) -> Pair:
    """What is there, with what the request says of it."""
    wanted = PairSerializer(data=request.data, partial=True)
    wanted.is_valid(raise_exception=True)
    there = {name: getattr(faq, name) for name in ("question", "answer", "category")}
    return _pair(there | {"priority": NAMES[faq.priority]} | wanted.validated_data)


def _pair(fields: dict[str, Any]) -> Pair:
    priority = PRIORITIES[fields.pop("priority", "normal")]
    return checked(**fields, priority=priority)


def _filtered(request: ClientApiRequest) -> FaqQuerySet:
    asked = {name: str(text).replace("\0", "") for name, text in request.query_params.items()}
    found = _own(request)
    if bot := asked.get("bot"):
        found = found.filter(knowledge_base__in=KnowledgeBase.objects.serving(bot))
    if (category := asked.get("category")) is not None:
        found = found.filter(category=category)
    return found.with_words(words) if (words := asked.get("q")) else found


def _told(request: ClientApiRequest, faq: Faq, code: int) -> Response:
    return Response(FaqSerializer(_own(request).get(pk=faq.pk)).data, status=code)


def _own(request: ClientApiRequest) -> FaqQuerySet:
    own = Faq.objects.for_client(request.client).select_related("source", "knowledge_base")
    return own.prefetch_related("knowledge_base__bots")
