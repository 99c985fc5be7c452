"""Citation marks in a streamed answer, and the words that each of them quotes."""

from __future__ import annotations

import random
import re
from functools import partial
from itertools import pairwise

import pytest

from chat.engine.cite import (
    MOST_QUOTE_CHARACTERS,
    CitationFilter,
    cite,
    cited,
    quotation,
    shortened,
    without_marks,
)
from chat.engine.passages import Passage
from chat.engine.sentences import units
from knowledge.engine.terms import terms

words = partial(terms, language="english")
PARTS = [
    "Parcels",
    " take",
    " three days",
    " [1]",
    "[2]",
    " [3]",
    " [9]",
    " [0]",
    "[1, 2]",
    " [2; 9 ,3]",
    " [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]",
    "[1](https://shop.example)",
    "[link](x)",
    " [2024]",
    "[",
    " [1",
    "]",
    "(see)",
    "  ",
    "\n\n- ",
    ".",
    " 😀",
    "\t",
]
RETURNS = """## Returns

You may return unworn goods within 60 days of delivery. Returns from Germany are free. \
Write to us first.

| Country | Cost |
|---|---|
| France | 5 euros |
| Spain | 6 euros |
"""


def passage(text: str = RETURNS, **more: object) -> Passage:
    fields: dict[str, object] = {
        "source_id": "src_1",
        "title": "Returns",
        "url": "https://shop.example/returns",
        "heading": "Help › Returns",
        "text": text,
        "start": 1000,
        "score": 1.0,
    }
    return Passage(**(fields | more))  # type: ignore[arg-type]


def shown(pieces: list[str], passages: int = 3) -> str:
    marks = CitationFilter(passages)
    return "".join(marks.feed(piece) for piece in pieces) + marks.flush()


@pytest.mark.parametrize(
    ("said", "reads"),
    [
        ("Three days [1].", "Three days [1]."),
        ("Three days [3]. Free [1], really [3].", "Three days [1]. Free [2], really [1]."),
        ("Three days [1, 2].", "Three days [1][2]."),
        ("Three days [2;1][2].", "Three days [1][2][1]."),
        ("Three days [1, 1].", "Three days [1]."),
        ("Three days [9].", "Three days."),
        ("Three days [0].", "Three days."),
        ("Three days [2, 9].", "Three days [1]."),
        ("Three [9] days", "Three days"),
        ("[1](https://shop.example) says so", "[1](https://shop.example) says so"),
        ("In [2024] as ever [1].", "In [2024] as ever [1]."),
        ("An [open bracket", "An [open bracket"),
        ("An array[1", "An array[1"),
        ("", ""),
    ],
)
def test_marks_are_renumbered_by_their_first_mention(said: str, reads: str) -> None:
    assert shown([said]) == reads
    assert shown(list(said)) == reads


def test_a_number_without_a_passage_never_reaches_the_visitor() -> None:
    for seed in range(300):
        chance = random.Random(seed)
        text = "".join(f" [{chance.randint(0, 999)}]" for _ in range(20))
        numbers = {int(number) for number in re.findall(r"\[(\d+)\]", shown(list(text)))}
        assert numbers <= {1, 2, 3}


def test_no_mark_survives_where_there_are_no_passages() -> None:
    assert shown(list("Yes [1], no [2, 3]."), passages=0) == "Yes, no."


def test_a_text_cut_anywhere_reads_as_in_one_piece() -> None:
    for seed in range(1000):
        chance = random.Random(seed)
        text = "".join(chance.choices(PARTS, k=chance.randint(1, 25)))
        ends = [0, *sorted(chance.choices(range(len(text) + 1), k=10)), len(text)]
        whole = shown([text])
        assert shown([text[start:end] for start, end in pairwise(ends)]) == whole, text
        assert shown(list(text)) == whole, text


def test_only_what_may_be_a_mark_is_held_back() -> None:
    marks = CitationFilter(3)
    assert marks.feed("Three days") == "Three days"
    assert marks.feed(" [") == ""
    assert marks.feed("1") == ""
    assert marks.feed("].") == " [1]."
    assert marks.feed(" [see") == " [see"
    assert marks.feed(" the list") == " the list"


def test_numbers_tell_which_passage_is_meant() -> None:
    marks = CitationFilter(5)
    marks.feed("One [4]. Two [2, 9]. Three [4].")
    assert marks.numbers == {4: 1, 2: 2}


def test_an_earlier_answer_loses_its_marks_but_not_its_links() -> None:
    text = "Three days [1][2]. In [2024] too [3], see [1](https://shop.example)."
    assert without_marks(text) == "Three days. In [2024] too, see [1](https://shop.example)."


# --- Citations -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("claim", "quote"),
    [
        ("You can send unworn things back for 60 days", "You may return unworn goods within"),
        ("It is free from Germany", "Returns from Germany are free."),
        ("From Spain it is 6 euros", "Spain — Cost: 6 euros"),
    ],
)
def test_the_sentence_that_supports_the_claim_is_quoted(claim: str, quote: str) -> None:
    found = cite(passage(), 1, words(claim), words)
    assert found.quote.startswith(quote)


def test_a_quotation_lies_where_it_says_in_the_source() -> None:
    found = cite(passage(), 1, words("free from Germany"), words)
    start = found.start - 1000
    assert RETURNS[start : found.end - 1000].strip() == "Returns from Germany are free."


def test_a_heading_is_never_the_quotation() -> None:
    assert cite(passage(), 1, words("returns"), words).quote != "Returns"
    assert cite(passage("## Returns"), 1, words("returns"), words).quote == "## Returns"


def test_each_number_quotes_for_its_own_sentences() -> None:
    answer = "Goods may come back within 60 days [1]. From Germany that is free [2]."
    first, second = cited(answer, [passage(), passage()], {1: 1, 2: 2}, words)
    assert "60 days" in first.quote
    assert "Germany" in second.quote


def test_citations_come_in_the_visitors_order() -> None:
    passages = [passage(title=title) for title in ("One", "Two", "Three")]
    found = cited("Yes [1][2].", passages, {3: 1, 1: 2}, words)
    assert [(one.number, one.title) for one in found] == [(1, "Three"), (2, "One")]


def test_an_answer_without_marks_has_no_citations() -> None:
    assert cited("Yes.", [passage()], {}, words) == []


def test_the_page_is_the_one_on_which_the_quoted_words_stand() -> None:
    place = RETURNS.index("Returns from Germany")
    pages = ((0, 7), (place - 5, 8), (len(RETURNS) - 10, 9))
    assert cite(passage(pages=pages), 1, words("Germany free"), words).page == 8
    assert cite(passage(), 1, words("Germany free"), words).page is None


def test_a_quotation_over_a_pages_end_has_the_page_of_its_best_part() -> None:
    found = units("One sentence. Another one.")
    source = passage("One sentence. Another one.", pages=((0, 3), (14, 4)))
    assert quotation(source, 1, found).page == 3
    assert quotation(source, 1, found, found[1]).page == 4


def test_nothing_quoted_means_the_whole_passage() -> None:
    whole = quotation(passage(), 1, [])
    assert (whole.start, whole.end) == (1000, 1000 + len(RETURNS))


@pytest.mark.parametrize("length", [1, MOST_QUOTE_CHARACTERS, MOST_QUOTE_CHARACTERS + 1, 5000])
def test_a_quotation_is_short_and_ends_with_a_whole_word(length: int) -> None:
    text = ("boots " * length)[:length].strip()
    short = shortened(text)
    assert len(short) <= MOST_QUOTE_CHARACTERS + 2
    assert set(short.split()) <= {"boots", "…", *text.split()[-1:]}
    assert short == text or short.endswith(" …")
