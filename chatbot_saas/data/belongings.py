"""Which models hang on a client, found by walking the foreign keys: none can be forgotten."""

from __future__ import annotations

from functools import cache

from django.db.models import Model
from django.db.models.fields.reverse_related import ForeignObjectRel

from accounts.models import Client


@cache
def belongings() -> tuple[tuple[type[Model], str], ...]:
    """(model, way from it to its client), the furthest from the client first.

    Rows of a model may be deleted when those of all models before it are gone.
    """
    ways: dict[type[Model], str] = {}
    _walk(Client, "", ways)
    return tuple(sorted(ways.items(), key=lambda item: -item[1].count("__")))


def _walk(model: type[Model], way: str, ways: dict[type[Model], str]) -> None:
    for relation in model._meta.get_fields(include_hidden=True):
        if not isinstance(relation, ForeignObjectRel) or not _owns(relation):
            continue
        owner = relation.related_model
        if owner is model:
            continue
        longer = f"{relation.field.name}__{way}" if way else relation.field.name
        # The longest way: a bot protects its knowledge base and must go before it.
        if owner not in ways or ways[owner].count("__") < longer.count("__"):
            ways[owner] = longer
            _walk(owner, longer, ways)


def _owns(relation: ForeignObjectRel) -> bool:
    """Whether a row there exists only for the sake of the row here."""
    if relation.many_to_many:
        return False
    return getattr(relation.on_delete, "__name__", "") in {"CASCADE", "PROTECT", "RESTRICT"}
