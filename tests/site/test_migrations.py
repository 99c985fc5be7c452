"""The migrations themselves, on an empty PostgreSQL, and what they make of rows that are there.

tests/site/test_fresh_sqlite has those of an empty SQLite file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests import environment
from tests.services.django import manage


@pytest.mark.skipif(not environment.ON_POSTGRES, reason="test_fresh_sqlite migrates SQLite")
def test_an_empty_postgresql_can_be_migrated() -> None:
    env = environment.ENV | {"DATABASE_URL": environment.new_database("migrated")}
    manage("migrate", "-v0", env=env, timeout=600)
    assert manage("migrate", "--check", env=env, check=False).returncode == 0
    manage("makemigrations", "accounts", "knowledge", "chat", "--check", env=env)


POSTINGS_OF_BEFORE = """
import json
from collections import defaultdict
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

def migrated(*targets):
    executor = MigrationExecutor(connection)
    executor.migrate(list(targets))
    return MigrationExecutor(connection).loader.project_state(list(targets)).apps

BEFORE = ("knowledge", "0013_reembedding_turns")
apps = migrated(BEFORE, ("accounts", "0001_initial"))
of = lambda name: apps.get_model("knowledge", name).objects
client = apps.get_model("accounts", "Client").objects.create(name="Old", public_id="cl_old")
base = of("KnowledgeBase").create(client=client, name="B", public_id="kb_old", embedding_model="m")
for number in (1, 2):
    source = of("Source").create(
        knowledge_base=base, public_id=f"src_{number}", title="S", format="text", sha256=str(number)
    )
    for position in range(100):
        passage = of("Passage").create(
            source=source, version=1, position=position, text="", start=0, end=0, terms=3,
            embedding=b"",
        )
        for term in {-7, position}:
            of("Posting").create(
                knowledge_base=base, term=term, passage=passage, count=number, length=3
            )

migrated(*MigrationExecutor(connection).loader.graph.leaf_nodes())

import numpy as np
from knowledge.lexical import POSTING
from knowledge.models import Passage, PostingList, Segment
found = defaultdict(set)
for term, segment, data in PostingList.objects.values_list("term", "segment", "data"):
    for passage, count, length in np.frombuffer(bytes(data), POSTING).tolist():
        found[term].add((passage, count, length))
        assert Segment.objects.ids_of([passage]) == {segment}
ids = dict(Passage.objects.values_list("pk", "source__sha256"))
assert found[-7] == {(pk, int(number), 3) for pk, number in ids.items()}
assert all(len(found[term]) == 2 for term in range(100)), found
segments = Segment.objects.order_by("source", "first")
print(json.dumps([[one.first, one.last] for one in segments]))
"""


def test_postings_of_before_become_lists(tmp_path: Path) -> None:
    env = environment.ENV | {"VAR_DIR": str(tmp_path)}
    env["DATABASE_URL"] = environment.new_database("postings") if environment.ON_POSTGRES else ""
    told = manage("shell", "-v0", "-c", POSTINGS_OF_BEFORE, env=env, timeout=600)
    assert json.loads(told.stdout.splitlines()[-1]) == [[0, 63], [64, 99]] * 2
