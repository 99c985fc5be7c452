"""Settings come from the environment, refuse what is wrong, and are all documented."""

from __future__ import annotations

import re

import pytest

from tests import environment
from tests.services.django import manage

BASE = environment.BASE
READERS = re.compile(r"env_(?:str|bool|int|list|loopback|url|rates|email)\(\s*\"([A-Z_]+)\"")


def production(**changes: str) -> dict[str, str]:
    env = {
        **environment.ENV,
        "DEBUG": "false",
        "SECRET_KEY": "k" * 60 + "0123456789abc",
        "SITE_URL": "https://chat.example",
        "REDIS_URL": "redis://127.0.0.1:6379/0",
    }
    return env | changes


def test_every_setting_is_documented() -> None:
    documented = (BASE / "docs" / "settings.md").read_text()
    sources = [BASE / "chatbot_saas" / name for name in ("settings.py", "run.py")]
    names = {name for path in sources for name in READERS.findall(path.read_text())}
    assert len(names) > 20
    assert not {name for name in names if f"`{name}`" not in documented}


def test_production_settings_pass_djangos_deployment_check() -> None:
    done = manage("check", "--deploy", "--fail-level", "WARNING", env=production())
    assert "no issues" in done.stdout


@pytest.mark.parametrize("missing", ["SECRET_KEY", "SITE_URL"])
def test_production_does_not_start_without_its_secrets(missing: str) -> None:
    done = manage("check", env=production(**{missing: ""}), check=False)
    assert done.returncode == 1
    assert f"DEBUG=false needs {missing}" in done.stderr


def test_production_lets_no_name_stand_for_this_machine() -> None:
    env = production(FETCH_ALLOWED_PRIVATE="site.test=127.0.0.1:8100")
    done = manage("check", env=env, check=False)
    assert done.returncode == 1
    assert "FETCH_ALLOWED_PRIVATE is for tests" in done.stderr


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DEBUG", "perhaps"),
        ("TRUSTED_PROXY_COUNT", "many"),
        ("SITE_URL", "chat.example"),
        ("CHROMA_URL", "localhost:8100"),
        ("RATE_LIMITS", "chat_visitor=often"),
        ("EMAIL_URL", "pigeon://loft"),
        ("STORAGE_URL", "ftp://files"),
        ("STORAGE_URL", "s3://No_Such_Name"),
        ("STORAGE_URL", "s3://key@files"),
        ("INGEST_LEASE_SECONDS", "0"),
        ("CRAWLER_NAME", "a bot"),
        ("FETCH_ALLOWED_PRIVATE", "db.test=10.0.0.5:80"),
        ("FETCH_ALLOWED_PRIVATE", "db.test=db.internal:80"),
        ("FETCH_ALLOWED_PRIVATE", "127.0.0.1:80"),
    ],
)
def test_a_bad_value_stops_the_start_and_names_the_setting(name: str, value: str) -> None:
    done = manage("check", env=environment.ENV | {name: value}, check=False)
    assert done.returncode == 1
    assert name in done.stderr.splitlines()[-1]


def test_the_keys_of_a_bad_address_are_not_told() -> None:
    env = environment.ENV | {"STORAGE_URL": "s3://AKIA1:very-secret@files?style=curly"}
    done = manage("check", env=env, check=False)
    assert done.stderr.splitlines()[-1].endswith("STORAGE_URL: style is one of path, virtual")
    assert "very-secret" not in done.stdout + done.stderr


def test_with_files_in_a_folder_no_process_loads_what_speaks_s3() -> None:
    program = (
        "import sys; from chatbot_saas import asgi; import knowledge.tasks;"
        "from django.core.files.storage import default_storage as files; files.exists('a');"
        "print([name for name in sys.modules if name.startswith('boto')])"
    )
    assert manage("shell", "--no-imports", "-c", program, env=environment.ENV).stdout == "[]\n"
