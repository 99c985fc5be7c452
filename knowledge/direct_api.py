"""The API to direct uploads: addresses out, and "sent" in. The bytes go elsewhere."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, cast

from django.shortcuts import get_object_or_404
from rest_framework import serializers, status
from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.http import ClientApiRequest
from knowledge import direct
from knowledge.models import DirectUpload, KnowledgeBase


class FileSerializer(serializers.Serializer[Any]):
    bot = serializers.CharField(max_length=40)
    # Its length is checked with its letters: people are told in the same words everywhere.
    name = serializers.CharField(max_length=10_000, trim_whitespace=False)
    bytes = serializers.IntegerField(min_value=0, max_value=2**50)


class DirectUploadSerializer(serializers.ModelSerializer[DirectUpload]):
    id = serializers.CharField(source="public_id")
    status = serializers.CharField(source="state")
    document = serializers.SerializerMethodField()

    class Meta:
        model = DirectUpload
        fields = ("id", "name", "bytes", "status", "document", "error", "expires_at")

    def get_document(self, upload: DirectUpload) -> str | None:
        return upload.source.public_id if upload.source else None


@api_view(["POST"])
def direct_uploads(request: Request) -> Response:
    request = cast(ClientApiRequest, request)
    wanted = FileSerializer(data=request.data)
    wanted.is_valid(raise_exception=True)
    fields = wanted.validated_data
    base = KnowledgeBase.objects.of_bot(request.client, fields["bot"])
    begun = direct.begin(request, base, fields["name"], fields["bytes"])
    parts = [asdict(part) for part in direct.parts_of(begun)]
    body = {**DirectUploadSerializer(begun).data, "parts": parts}
    return Response(body, status=status.HTTP_201_CREATED)


@api_view(["GET", "DELETE"])
def direct_upload(request: Request, public_id: str) -> Response:
    request = cast(ClientApiRequest, request)
    found = _own(request, public_id)
    if request.method == "DELETE":
        direct.cancel(request, found)
        return Response(status=status.HTTP_204_NO_CONTENT)
    return Response(DirectUploadSerializer(found).data)


@api_view(["POST"])
def finish_upload(request: Request, public_id: str) -> Response:
    request = cast(ClientApiRequest, request)
    finished = direct.finish(request, _own(request, public_id))
    return Response(DirectUploadSerializer(finished).data, status=status.HTTP_202_ACCEPTED)


def _own(request: ClientApiRequest, public_id: str) -> DirectUpload:
    own = DirectUpload.objects.for_client(request.client).select_related("source")
    return get_object_or_404(own, public_id=public_id)
