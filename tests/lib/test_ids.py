"""Names that strangers may see."""

from __future__ import annotations

import pytest

from chatbot_saas.lib.ids import ALPHABET, LENGTH, is_id, new_id

GOOD = "bot_" + "a" * LENGTH


def test_a_new_name_is_one_of_its_kind_and_never_twice() -> None:
    names = {new_id("bot") for _ in range(2000)}
    assert len(names) == 2000
    assert all(is_id(name, "bot") for name in names)


def test_names_are_long_enough_to_be_secret() -> None:
    assert len(ALPHABET) ** LENGTH > 2**120


def test_no_two_letters_look_alike() -> None:
    assert len(set(ALPHABET)) == len(ALPHABET)
    assert not set("0O1lI") & set(ALPHABET)


@pytest.mark.parametrize(
    "text",
    [
        None,
        7,
        ["bot_"],
        "",
        "bot_",
        GOOD[:-1],
        GOOD + "a",
        GOOD + "\n",
        GOOD.replace("bot", "src"),
        GOOD.upper(),
        GOOD[:-1] + "0",
        GOOD[:-1] + "é",
        " " + GOOD,
        "bot_bot_" + "a" * (LENGTH - 4),
    ],
)
def test_anything_else_is_no_name(text: object) -> None:
    assert is_id(GOOD, "bot")
    assert not is_id(text, "bot")
