"""Is it alive, and is what it leans on? For load balancers, supervisors and people."""

from __future__ import annotations

from collections.abc import Callable

from django.core.cache import cache
from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_safe

from chatbot_saas.lib import storage
from knowledge import healing
from knowledge.vectors import shards, vectors


@require_safe
async def healthz(_request: HttpRequest) -> HttpResponse:
    return HttpResponse("ok\n", content_type="text/plain")


@require_safe
def readyz(_request: HttpRequest) -> JsonResponse:
    """503 only without the database: without the others answers still come."""
    states = {name: "up" if is_up() else "down" for name, is_up in DEPENDENCIES.items()}
    if states["database"] == "down":
        return JsonResponse({"ready": False, **states}, status=503)
    return JsonResponse({"ready": True, **states, "index": healing.state()})


def _database_is_up() -> bool:
    try:
        connection.ensure_connection()
    except DatabaseError:
        return False
    return True


def _cache_is_up() -> bool:
    try:
        cache.get("readyz")
    except OSError:
        return False
    except Exception:  # noqa: BLE001 - each cache library has its own tree of errors
        return False
    return True


DEPENDENCIES: dict[str, Callable[[], bool]] = {
    "database": _database_is_up,
    "cache": _cache_is_up,
    "storage": storage.is_up,
    "chroma": lambda: all(vectors(shard).is_up() for shard in shards()),
}
