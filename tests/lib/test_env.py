"""Settings from the environment: what is read, and how a bad value is refused."""

from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from chatbot_saas.lib.env import (
    env_bool,
    env_email,
    env_int,
    env_list,
    env_rates,
    env_str,
    env_url,
    env_urls,
    kept_secret,
)

NAME = "ENGINE_TESTS_SETTING"
RATES = {"chat_visitor": "20/m", "chat_bot": "900/m"}


@pytest.fixture(autouse=True)
def unset(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(NAME, raising=False)
    monkeypatch.delenv(f"{NAME}_FILE", raising=False)


@pytest.fixture
def put(monkeypatch: pytest.MonkeyPatch) -> Put:
    return Put(monkeypatch)


class Put:
    """Sets the setting under test."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.monkeypatch = monkeypatch

    def __call__(self, value: str) -> None:
        self.monkeypatch.setenv(NAME, value)

    def file(self, path: Path) -> None:
        self.monkeypatch.setenv(f"{NAME}_FILE", str(path))


@pytest.mark.parametrize("value", ["", "   "])
def test_an_empty_setting_is_an_unset_one(put: Put, value: str) -> None:
    put(value)
    assert env_str(NAME, "default") == "default"
    assert env_int(NAME, 7) == 7
    assert env_bool(NAME, default=True) is True
    assert env_list(NAME, ("a",)) == ["a"]
    assert env_url(NAME) == ""


def test_spaces_around_a_value_are_no_part_of_it(put: Put) -> None:
    put("  value \n")
    assert env_str(NAME) == "value"


def test_a_secret_is_read_from_the_file_that_is_named(put: Put, tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_text("sk-geheim-ü\n", encoding="utf-8")
    put("from the environment")
    put.file(path)
    assert env_str(NAME) == "sk-geheim-ü"


def test_numbers_and_switches_are_read_from_files_too(put: Put, tmp_path: Path) -> None:
    path = tmp_path / "value"
    put.file(path)
    path.write_text("12\n")
    assert env_int(NAME, 1) == 12
    path.write_text("off\n")
    assert env_bool(NAME, default=True) is False


def test_a_file_that_cannot_be_read_is_named(put: Put, tmp_path: Path) -> None:
    binary = tmp_path / "binary"
    binary.write_bytes(b"\xff\xfe\xfd")
    for path in (tmp_path / "missing", tmp_path, binary):
        put.file(path)
        with pytest.raises(ImproperlyConfigured, match=f"{NAME}_FILE.*{path}"):
            env_str(NAME, "default")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("true", True),
        ("TRUE", True),
        ("1", True),
        ("yes", True),
        ("false", False),
        ("0", False),
        ("No", False),
        ("OFF", False),
    ],
)
def test_switches_are_read_in_the_usual_words(put: Put, text: str, value: bool) -> None:
    put(text)
    assert env_bool(NAME, default=not value) is value


@pytest.mark.parametrize("text", ["maybe", "2", "tru", "true;"])
def test_a_switch_that_is_neither_on_nor_off_is_refused(put: Put, text: str) -> None:
    put(text)
    with pytest.raises(ImproperlyConfigured, match=NAME):
        env_bool(NAME, default=True)


@pytest.mark.parametrize("text", ["many", "1.5", "0x10", "5 5", "-1", "11"])
def test_a_number_outside_its_bounds_or_no_number_is_refused(put: Put, text: str) -> None:
    put(text)
    with pytest.raises(ImproperlyConfigured, match=NAME):
        env_int(NAME, 5, least=0, most=10)


@pytest.mark.parametrize("text", ["0", "10"])
def test_the_bounds_themselves_are_allowed(put: Put, text: str) -> None:
    put(text)
    assert env_int(NAME, 5, least=0, most=10) == int(text)


def test_a_list_is_read_without_its_spaces_and_gaps(put: Put) -> None:
    put(" a, b ,,c,")
    assert env_list(NAME, ("default",)) == ["a", "b", "c"]


@pytest.mark.parametrize(
    "address", ["https://shop.example", "http://127.0.0.1:8000/v1", "http://[::1]:9", "HTTPS://x"]
)
def test_an_address_is_kept_without_its_last_slash(put: Put, address: str) -> None:
    put(address + "/")
    assert env_url(NAME) == address


@pytest.mark.parametrize(
    "address",
    [
        "shop.example",
        "localhost:8000",
        "ftp://shop.example",
        "http://",
        "http:///path",
        "http:/localhost",
        "https:shop.example",
        "http://[::1",
        "http://localhost:eighty",
        "http://localhost:99999",
        "//shop.example",
    ],
)
def test_what_is_no_address_is_refused_by_name(put: Put, address: str) -> None:
    put(address)
    with pytest.raises(ImproperlyConfigured, match=NAME):
        env_url(NAME)


def test_an_address_may_name_a_place_on_this_machine_where_that_is_meant(put: Put) -> None:
    put("unix:///run/redis.sock")
    assert env_url(NAME, schemes=("redis", "unix")) == "unix:///run/redis.sock"
    with pytest.raises(ImproperlyConfigured, match=NAME):
        env_url(NAME)


def test_rates_are_laid_over_the_defaults(put: Put) -> None:
    put("chat_bot=5/h")
    assert env_rates(NAME, RATES) == {"chat_visitor": "20/m", "chat_bot": "5/h"}
    assert RATES["chat_bot"] == "900/m"


@pytest.mark.parametrize(
    "text",
    [
        "chat=5/m",
        "chat_bot",
        "chat_bot=5",
        "chat_bot=/m",
        "chat_bot=5/w",
        "chat_bot=-5/m",
        "chat_bot=²/m",
        "chat_bot=1/m/s",
        "chat_bot=5/m;chat_visitor=1/m",
    ],
)
def test_a_rate_that_is_none_is_refused_by_name(put: Put, text: str) -> None:
    put(text)
    with pytest.raises(ImproperlyConfigured, match=NAME):
        env_rates(NAME, RATES)


def test_mail_goes_to_the_console_unless_a_server_is_named(put: Put) -> None:
    assert str(env_email(NAME)["EMAIL_BACKEND"]).endswith("console.EmailBackend")
    put("smtp://mail.example")
    assert str(env_email(NAME)["EMAIL_BACKEND"]).endswith("smtp.EmailBackend")


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        (
            "smtp://us%40er:p%2Fw@mail.example:2525?tls=1",
            ("mail.example", 2525, "us@er", "p/w", False, True),
        ),
        ("smtps://user:pw@mail.example", ("mail.example", 465, "user", "pw", True, False)),
        ("smtps://mail.example?tls=1", ("mail.example", 465, "", "", True, False)),
        ("smtp://mail.example", ("mail.example", 587, "", "", False, False)),
    ],
)
def test_a_mail_servers_address_is_taken_apart(
    put: Put, url: str, expected: tuple[object, ...]
) -> None:
    put(url)
    found = env_email(NAME)
    keys = ["HOST", "PORT", "HOST_USER", "HOST_PASSWORD", "USE_SSL", "USE_TLS"]
    assert tuple(found[f"EMAIL_{key}"] for key in keys) == expected


@pytest.mark.parametrize(
    "url", ["smtp://", "mail.example", "http://mail.example", "smtp://h:x", "smtp://[::1"]
)
def test_a_mail_servers_address_that_is_none_is_refused_by_name(put: Put, url: str) -> None:
    put(url)
    with pytest.raises(ImproperlyConfigured, match=NAME):
        env_email(NAME)


def test_a_secret_is_made_once_and_kept_for_us_alone(tmp_path: Path) -> None:
    path = tmp_path / "var" / "secret_key"
    assert kept_secret(path, "first") == "first"
    assert kept_secret(path, "second") == "first"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_all_who_ask_for_a_secret_at_once_get_the_same(tmp_path: Path) -> None:
    with ThreadPoolExecutor(16) as pool:
        made = pool.map(lambda number: kept_secret(tmp_path / "key", f"key {number}"), range(64))
        assert len(set(made)) == 1


def test_an_empty_secret_is_no_secret(tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.touch()
    with pytest.raises(ImproperlyConfigured, match=str(path)):
        kept_secret(path, "made")


def test_addresses_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHARDS", "east=http://10.0.0.7:8000/, west=https://chroma.example")
    assert env_urls("SHARDS") == {
        "east": "http://10.0.0.7:8000",
        "west": "https://chroma.example",
    }
    monkeypatch.delenv("SHARDS")
    assert env_urls("SHARDS") == {}


@pytest.mark.parametrize("value", ["east", "east=", "=http://a", "east=ftp://a", "east=a:1"])
def test_addresses_without_a_name_or_a_host_are_refused(
    monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.setenv("SHARDS", value)
    with pytest.raises(ImproperlyConfigured, match="SHARDS must"):
        env_urls("SHARDS")
