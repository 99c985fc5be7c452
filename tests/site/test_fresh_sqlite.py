"""The quick way to a new SQLite file gives what all migrations give."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest

from tests import environment
from tests.services.django import manage

MOST_SECONDS_OF_MIGRATIONS = 600.0


def env_for(folder: Path) -> dict[str, str]:
    return {
        **environment.ENV,
        "VAR_DIR": str(folder),
        "DATABASE_URL": f"sqlite:///{folder / 'db.sqlite3'}",
        "EMBEDDING_MODEL": "text-embedding-3-small",
    }


@pytest.fixture(scope="module")
def quick(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("quick")
    (folder / "static").symlink_to(environment.BASE / "var" / "static")
    manage("prepare", env=env_for(folder))
    return folder / "db.sqlite3"


@pytest.fixture(scope="module")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("migrated")
    manage("migrate", "-v0", env=env_for(folder), timeout=MOST_SECONDS_OF_MIGRATIONS)
    return folder / "db.sqlite3"


def test_both_ways_give_the_same_schema(quick: Path, migrated: Path) -> None:
    ours, theirs = schema(quick), schema(migrated)
    assert ours.keys() == theirs.keys()
    different = {name for name in ours if ours[name] != theirs[name]}
    assert not different, {name: (ours[name], theirs[name]) for name in sorted(different)[:3]}


def test_both_ways_record_the_same_migrations(quick: Path, migrated: Path) -> None:
    query = "SELECT app, name FROM django_migrations ORDER BY app, name"
    assert rows(quick, query) == rows(migrated, query)


def test_a_prepared_file_has_nothing_left_to_migrate(quick: Path) -> None:
    plan = manage("migrate", "--check", env=env_for(quick.parent), check=False)
    assert plan.returncode == 0, plan.stdout


def schema(path: Path) -> dict[str, Any]:
    """Columns, foreign keys and indexes of each table, without the order in which they came."""
    tables = [row[0] for row in rows(path, "SELECT name FROM sqlite_master WHERE type = 'table'")]
    return {
        table: {
            "columns": sorted(row[1:] for row in rows(path, f'PRAGMA table_info("{table}")')),
            "links": sorted(row[2:] for row in rows(path, f'PRAGMA foreign_key_list("{table}")')),
            "indexes": sorted(indexes(path, table)),
        }
        for table in tables
    }


def indexes(path: Path, table: str) -> list[tuple[Any, ...]]:
    """Each index by its columns, uniqueness and condition; names differ by how they were made."""
    found = []
    for _, name, unique, _, partial in rows(path, f'PRAGMA index_list("{table}")'):
        columns = tuple(str(row[2]) for row in rows(path, f'PRAGMA index_info("{name}")'))
        found.append((columns, unique, partial))
    return found


def rows(path: Path, query: str) -> list[tuple[Any, ...]]:
    with sqlite3.connect(path) as connection:
        return connection.execute(query).fetchall()
