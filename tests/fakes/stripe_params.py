"""Requests as Stripe reads them: form encoding, and checks against the library's own TypedDicts."""

from __future__ import annotations

import types
from collections.abc import Iterable, Mapping
from decimal import Decimal
from functools import lru_cache
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from stripe._request_options import RequestOptions
from stripe._stripe_object import UntypedStripeObject
from typing_extensions import is_typeddict

from tests.fakes.stripe_errors import Refused, malformed

OPTIONS = frozenset(RequestOptions.__annotations__)
UNIONS = (Union, types.UnionType)


def decode(pairs: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """Nested parameters from names such as `items[0][price]`."""
    root: dict[str, Any] = {}
    for name, value in pairs:
        head, *rest = name.replace("]", "").split("[")
        _put(root, [head, *rest], value)
    return {name: _lists(value) for name, value in root.items()}


def _put(into: dict[str, Any], path: list[str], value: str) -> None:
    for step in path[:-1]:
        into = into.setdefault(step or str(len(into)), {})
    into[path[-1] or str(len(into))] = value


def _lists(value: Any) -> Any:
    """Dicts that are numbered from 0 on become lists."""
    if not isinstance(value, dict):
        return value
    found = {name: _lists(one) for name, one in value.items()}
    if found and all(name.isdigit() for name in found):
        return [found[name] for name in sorted(found, key=int)]
    return found


def check(params: Mapping[str, Any], shape: type) -> dict[str, Any]:
    """The parameters with their types. Raises Refused for what Stripe does not know or misses."""
    return _typed_dict(params, shape, "")


def _typed_dict(params: Mapping[str, Any], shape: type, path: str) -> dict[str, Any]:
    hints = _hints(shape)
    for name in params:
        if name not in hints:
            full = _join(path, name)
            raise malformed("parameter_unknown", full, f"Received unknown parameter: {full}")
    for name in sorted(_required(shape)):
        if name not in params:
            full = _join(path, name)
            raise malformed("parameter_missing", full, f"Missing required param: {full}.")
    return {name: _convert(value, hints[name], _join(path, name)) for name, value in params.items()}


@lru_cache
def _hints(shape: type) -> dict[str, Any]:
    # The library imports these names for type checkers only.
    found = get_type_hints(shape, localns={"StripeContext": object, "Mapping": Mapping})
    return {_wire_name(name): hint for name, hint in found.items() if name not in OPTIONS}


@lru_cache
def _required(shape: type) -> frozenset[str]:
    names: frozenset[str] = getattr(shape, "__required_keys__", frozenset())
    return frozenset(_wire_name(name) for name in names if name not in OPTIONS)


def _wire_name(name: str) -> str:
    return name.rstrip("_")


def _join(path: str, name: str) -> str:
    return f"{path}[{name}]" if path else name


def _convert(value: Any, hint: Any, path: str) -> Any:
    members = _members(hint)
    if isinstance(value, str):
        return _scalar(value, members, path)
    if isinstance(value, list):
        inner = [get_args(one) for one in members if get_origin(one) is list]
        if not inner:
            raise malformed("", path, f"Invalid array: {path}")
        return [_convert(one, inner[0][0], f"{path}[{n}]") for n, one in enumerate(value)]
    return _object(value, members, path)


def _object(value: dict[str, Any], members: list[Any], path: str) -> dict[str, Any]:
    for one in members:
        if is_typeddict(one):
            return _typed_dict(value, one, path)
        if get_origin(one) in {dict, UntypedStripeObject}:
            inner = get_args(one)[-1]
            return {name: _convert(each, inner, _join(path, name)) for name, each in value.items()}
    raise malformed("", path, f"Invalid object: {path}")


def _scalar(value: str, members: list[Any], path: str) -> Any:
    literals = [text for one in members if get_origin(one) is Literal for text in get_args(one)]
    if value in literals:
        return value
    if bool in members and value in {"true", "false"}:
        return value == "true"
    if int in members and value.lstrip("-").isdigit():
        return int(value)
    if float in members:
        return _number(value, path)
    if str in members and (not any(literals) or int in members):
        return value
    if Decimal in members:
        return str(_number(value, path)) and value
    raise _wrong(value, members, [text for text in literals if text], path)


def _number(value: str, path: str) -> float:
    try:
        return float(value)
    except ValueError as error:
        raise malformed("parameter_invalid_integer", path, f"Invalid decimal: {value}") from error


def _wrong(value: str, members: list[Any], allowed: list[str], path: str) -> Refused:
    if int in members:
        return malformed("parameter_invalid_integer", path, f"Invalid integer: {value}")
    if bool in members:
        return malformed("", path, f"Invalid boolean: {value}")
    if allowed:
        return malformed("", path, f"Invalid {path}: must be one of {', '.join(allowed)}")
    if not value:
        text = f"You passed an empty string for '{path}'."
        return malformed("parameter_invalid_empty", path, text)
    return malformed("", path, f"Invalid value for {path}: {value}")


def _members(hint: Any) -> list[Any]:
    """The alternatives of a union, however deep it is nested."""
    if get_origin(hint) in UNIONS:
        return [one for part in get_args(hint) for one in _members(part)]
    return [hint]
