"""The migrations themselves, on an empty PostgreSQL (tests/site/test_fresh_sqlite has SQLite's)."""

from __future__ import annotations

import pytest

from tests import environment
from tests.services.django import manage


@pytest.mark.skipif(not environment.ON_POSTGRES, reason="test_fresh_sqlite migrates SQLite")
def test_an_empty_postgresql_can_be_migrated() -> None:
    env = environment.ENV | {"DATABASE_URL": environment.new_database("migrated")}
    manage("migrate", "-v0", env=env, timeout=600)
    assert manage("migrate", "--check", env=env, check=False).returncode == 0
    manage("makemigrations", "accounts", "knowledge", "chat", "--check", env=env)
