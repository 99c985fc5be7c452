"""The roles table of the code is the one of the docs."""

from __future__ import annotations

from accounts.roles import TABLE, Act, Role
from tests.environment import BASE


def test_the_docs_tell_the_table_of_the_code() -> None:
    lines = (BASE / "docs" / "roles.md").read_text().splitlines()
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if "|" in line]
    heads = [Role(name) for name in rows[0][1:]]
    told = {
        row[0]: {role for role, cell in zip(heads, row[1:], strict=True) if cell == "yes"}
        for row in rows[2:]
    }
    assert told == {act.label: {role for role in Role if act in TABLE[role]} for act in Act}


def test_who_has_a_higher_role_loses_nothing() -> None:
    assert TABLE[Role.VIEWER] < TABLE[Role.EDITOR] < TABLE[Role.ADMIN] < TABLE[Role.OWNER]
    assert TABLE[Role.OWNER] == frozenset(Act)
