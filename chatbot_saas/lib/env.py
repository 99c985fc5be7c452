"""Typed reads from the environment; a bad value stops the process with its name."""

from __future__ import annotations

import os
from collections.abc import Mapping
from ipaddress import ip_address
from pathlib import Path
from types import MappingProxyType
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

TRUE = frozenset({"true", "1", "yes", "on"})
FALSE = frozenset({"false", "0", "no", "off"})


def env_str(name: str, default: str = "") -> str:
    """Read NAME, or the file that NAME_FILE points at (container secrets)."""
    if path := os.environ.get(f"{name}_FILE"):
        return _read_secret(name, Path(path))
    value = os.environ.get(name, "").strip()
    return value or default


def _read_secret(name: str, path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise ImproperlyConfigured(f"{name}_FILE: cannot read {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ImproperlyConfigured(f"{name}_FILE: {path} is not a text file") from error


def env_bool(name: str, *, default: bool) -> bool:
    value = env_str(name, str(default)).lower()
    if value in TRUE:
        return True
    if value in FALSE:
        return False
    raise ImproperlyConfigured(f"{name} must be true or false, not {value!r}")


def env_int(name: str, default: int, *, least: int = 0, most: int = 2**31) -> int:
    text = env_str(name, str(default))
    try:
        value = int(text)
    except ValueError as error:
        raise ImproperlyConfigured(f"{name} must be a whole number, not {text!r}") from error
    if not least <= value <= most:
        raise ImproperlyConfigured(f"{name} must lie between {least} and {most}, not {value}")
    return value


def env_list(name: str, default: tuple[str, ...] = ()) -> list[str]:
    text = env_str(name)
    return [part.strip() for part in text.split(",") if part.strip()] if text else list(default)


def env_url(name: str, default: str = "", *, schemes: tuple[str, ...] = ("http", "https")) -> str:
    """An address without a trailing slash, or "" when neither it nor a default is set."""
    value = env_str(name, default).rstrip("/")
    if not value:
        return ""
    parts = _split_url(name, value)
    place = parts.hostname if parts.scheme in {"http", "https"} else parts.netloc or parts.path
    if parts.scheme not in schemes or not place:
        raise ImproperlyConfigured(f"{name} must be an address like {schemes[0]}://…")
    return value


def env_urls(name: str) -> Mapping[str, str]:
    """Addresses by name, such as "east=http://10.0.0.7:8000,west=http://10.0.0.8:8000"."""
    found: dict[str, str] = {}
    for entry in env_list(name):
        key, _, value = entry.partition("=")
        parts = _split_url(name, value.strip())
        if not key.strip() or parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ImproperlyConfigured(f"{name} must hold entries like east=http://…")
        found[key.strip()] = value.strip().rstrip("/")
    return MappingProxyType(found)


def env_names(name: str) -> Mapping[str, str]:
    """Values by name, such as "bge-m3=secret,other=another"."""
    pairs = [entry.partition("=") for entry in env_list(name)]
    if not all(key.strip() and value.strip() for key, _, value in pairs):
        raise ImproperlyConfigured(f"{name} must hold entries like name=value")
    return MappingProxyType({key.strip(): value.strip() for key, _, value in pairs})


def _split_url(name: str, value: str) -> SplitResult:
    try:
        parts = urlsplit(value)
        _ = parts.port  # checked only when it is read
    except ValueError as error:
        raise ImproperlyConfigured(f"{name} is not a valid address: {error}") from error
    return parts


def env_rates(name: str, defaults: Mapping[str, str]) -> Mapping[str, str]:
    """Limits such as "chat_visitor=20/m,chat_bot=900/m" laid over the defaults."""
    rates = dict(defaults)
    for part in env_list(name):
        key, _, rate = part.partition("=")
        count, _, period = rate.partition("/")
        if key not in rates or not count.isdecimal() or period not in {"s", "m", "h", "d"}:
            raise ImproperlyConfigured(
                f"{name}: {part!r} is not NAME=COUNT/PERIOD with NAME one of {', '.join(rates)}"
            )
        rates[key] = rate
    return MappingProxyType(rates)


def env_prices(name: str, default: str) -> tuple[float, float]:
    """Two prices such as "0.15/0.60"."""
    first, _, second = env_str(name, default).partition("/")
    try:
        prices = float(first), float(second)
    except ValueError as error:
        raise ImproperlyConfigured(f"{name} must be two prices, like {default}") from error
    if not all(0 <= price < float("inf") for price in prices):
        raise ImproperlyConfigured(f"{name} must be two prices, like {default}")
    return prices


def env_loopback(name: str) -> Mapping[str, tuple[str, int]]:
    """Places on this machine that names stand for, such as "*.test=127.0.0.1:8100"."""
    found = dict[str, tuple[str, int]]()
    for part in env_list(name):
        host, _, place = part.partition("=")
        address, _, port = place.rpartition(":")
        if not host or not port.isdecimal() or not _is_loopback(address):
            raise ImproperlyConfigured(f"{name}: {part!r} is not NAME=127.0.0.1:PORT")
        found[host.lower()] = (address, int(port))
    return MappingProxyType(found)


def _is_loopback(address: str) -> bool:
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return False


def env_email(name: str) -> dict[str, object]:
    """Django's mail settings from smtp://user:password@host:port?tls=1, or mail on the console."""
    parts = _split_url(name, env_str(name, "console://"))
    if parts.scheme == "console":
        return {"EMAIL_BACKEND": "django.core.mail.backends.console.EmailBackend"}
    if parts.scheme not in {"smtp", "smtps"} or not parts.hostname:
        raise ImproperlyConfigured(f"{name} must be console:// or smtp://user:password@host:port")
    tls = parse_qs(parts.query).get("tls", ["0"])[0] in TRUE
    return {
        "EMAIL_BACKEND": "django.core.mail.backends.smtp.EmailBackend",
        "EMAIL_HOST": parts.hostname,
        "EMAIL_PORT": parts.port or (465 if parts.scheme == "smtps" else 587),
        "EMAIL_HOST_USER": unquote(parts.username or ""),
        "EMAIL_HOST_PASSWORD": unquote(parts.password or ""),
        "EMAIL_USE_SSL": parts.scheme == "smtps",
        "EMAIL_USE_TLS": tls and parts.scheme == "smtp",
        "EMAIL_TIMEOUT": 10,
    }


def kept_secret(path: Path, make: str) -> str:
    """The secret in `path`; the first process to ask writes `make` there, readable by us alone."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return _wait_for_text(path)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(make)
    return make


def _wait_for_text(path: Path) -> str:
    """Another process may have created the file and not yet written it: read until it has."""
    for _ in range(10_000):
        if text := path.read_text(encoding="utf-8").strip():
            return text
    raise ImproperlyConfigured(f"{path} is empty: delete it")
