"""The client's API to its knowledge: documents in, documents listed, passages found."""

from __future__ import annotations

from typing import cast

from django.shortcuts import get_object_or_404
from rest_framework import status
from rest_framework.decorators import api_view, parser_classes, permission_classes
from rest_framework.pagination import CursorPagination
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api import MayRead
from accounts.http import ClientApiRequest
from knowledge import changes, retrieve, upload
from knowledge.models import KnowledgeBase, Source, SourceQuerySet
from knowledge.serializers import SearchSerializer, hit_json, source_json


class NewestFirst(CursorPagination):
    ordering = "-id"
    page_size = 50
    page_size_query_param = "limit"
    max_page_size = 200


@api_view(["GET", "POST"])
@parser_classes([upload.UploadParser])
def documents(request: Request) -> Response:
    request = cast(ClientApiRequest, request)
    return _add(request) if request.method == "POST" else _list(request)


def _list(request: ClientApiRequest) -> Response:
    found = _sources(request)
    if bot := request.query_params.get("bot"):
        found = found.filter(knowledge_base__in=KnowledgeBase.objects.serving(bot))
    pages = NewestFirst()
    rows = pages.paginate_queryset(found, request)
    return pages.get_paginated_response([source_json(row) for row in rows or []])


def _add(request: ClientApiRequest) -> Response:
    base = KnowledgeBase.objects.of_bot(request.client, request.POST.get("bot"))
    source = changes.add_file(request, base, request.FILES.get("file"))
    return Response(source_json(source), status=status.HTTP_201_CREATED)


@api_view(["GET", "PUT", "DELETE"])
@parser_classes([upload.UploadParser])
def document(request: Request, public_id: str) -> Response:
    request = cast(ClientApiRequest, request)
    source = get_object_or_404(_sources(request), public_id=public_id)
    if request.method == "DELETE":
        changes.remove(request, source)
        return Response(status=status.HTTP_204_NO_CONTENT)
    if request.method == "PUT":
        is_new = changes.replace(request, source, request.FILES.get("file"))
        return _told(request, source, status.HTTP_202_ACCEPTED if is_new else status.HTTP_200_OK)
    return Response(source_json(source))


@api_view(["POST"])
def sync_document(request: Request, public_id: str) -> Response:
    request = cast(ClientApiRequest, request)
    source = get_object_or_404(_sources(request), public_id=public_id)
    changes.read_again(request, source)
    return _told(request, source, status.HTTP_202_ACCEPTED)


@api_view(["POST"])
@permission_classes([MayRead])
def search(request: Request) -> Response:
    request = cast(ClientApiRequest, request)
    wanted = SearchSerializer(data=request.data)
    wanted.is_valid(raise_exception=True)
    base = KnowledgeBase.objects.of_bot(request.client, wanted.validated_data["bot"])
    found = retrieve.search(base, wanted.validated_data["query"], count=wanted.validated_data["k"])
    return Response({"passages": [hit_json(hit) for hit in found.hits]})


def _told(request: ClientApiRequest, source: Source, code: int) -> Response:
    return Response(source_json(_sources(request).get(pk=source.pk)), status=code)


def _sources(request: ClientApiRequest) -> SourceQuerySet:
    own = Source.objects.for_client(request.client).documents()
    return own.with_passage_counts().with_bots()
