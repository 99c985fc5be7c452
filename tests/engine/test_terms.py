"""Words as the lexical index compares them."""

from __future__ import annotations

import random
import re
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import snowballstemmer

from knowledge.engine.terms import MOST_WORD_CHARACTERS, counted, term_id, terms


@pytest.mark.parametrize(
    ("language", "one", "other"),
    [
        ("english", "returning returned", "return returns"),
        ("english", "Policies", "policy"),
        ("german", "Lieferungen", "lieferung"),
        ("german", "Straße", "Strasse"),
        ("french", "livraisons", "livraison"),
        ("russian", "доставки", "доставка"),
    ],
)
def test_forms_of_a_word_are_one_term(language: str, one: str, other: str) -> None:
    assert terms(one, language) == terms(other, language)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ﬁnance", "finance"),
        ("ＦＡＸ", "fax"),
        ("Cafe\u0301", "café"),
        ("GRÖSSE", "grösse"),
        ("№5", "No5"),
    ],
)
def test_spellings_of_unicode_are_one_term(one: str, other: str) -> None:
    assert terms(one, "english") == terms(other, "english")


def test_words_keep_their_order_and_their_number() -> None:
    assert terms("Boots, socks & boots: 3.5 days!", "english") == [
        "boot",
        "sock",
        "boot",
        "3",
        "5",
        "day",
    ]


@pytest.mark.parametrize("text", ["", "  ", "… — !?", "😀"])
def test_a_text_without_words_has_no_terms(text: str) -> None:
    assert terms(text, "english") == []


@pytest.mark.parametrize("text", ["送料は無料です", "שלום עולם", "مرحبا بالعالم", "नमस्ते"])
def test_words_of_any_script_are_terms(text: str) -> None:
    assert terms(text, "english")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("几点开门？", ["几点", "点开", "开门"]),
        ("何時に開店", ["何時", "時に", "に開", "開店"]),
        ("データ", ["デー", "ータ"]),
        ("ﾃﾞｰﾀ", ["デー", "ータ"]),
        ("반품은 언제", ["반품", "품은", "언제"]),
        ("반품", ["반품"]),
        ("𠮷野家", ["𠮷野", "野家"]),
        ("人々", ["人々"]),
    ],
)
def test_scripts_without_spaces_are_taken_in_pairs(text: str, expected: list[str]) -> None:
    assert terms(text, "english") == expected
    assert counted(text, "english") == {term_id(pair): 1 for pair in expected}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("60天内", ["60", "天内"]),
        ("iPhone手机壳 x2", ["iphon", "手机", "机壳", "x2"]),
        ("5元, t恤", ["5", "元", "t", "恤"]),
        ("酒", ["酒"]),
        ("returned 退货 goods", ["return", "退货", "good"]),
    ],
)
def test_words_and_numbers_among_pairs_stay_whole(text: str, expected: list[str]) -> None:
    assert terms(text, "english") == expected


@pytest.mark.parametrize(
    ("question", "text"),
    [
        ("几点开门？", "本店每天上午九点开门，下午六点关门。"),
        ("可以退货吗？", "您可以在收到商品后六十天内退货。"),
        ("何時に開店しますか？", "当店は毎日午前九時に開店し、午後六時に閉店します。"),
        ("반품 기간", "상품을 받은 날부터 육십 일 이내에 반품할 수 있습니다."),
    ],
)
def test_a_question_shares_terms_with_the_sentence_that_answers_it(
    question: str, text: str
) -> None:
    assert counted(question, "english").keys() & counted(text, "english").keys()


def test_a_pair_is_counted_as_often_as_it_stands() -> None:
    counts = counted("退货 退货款 return", "english")
    assert counts == {term_id("退货"): 2, term_id("货款"): 1, term_id("return"): 1}


def test_a_long_run_is_not_cut_like_a_long_word() -> None:
    assert len(terms("货" * 1000, "english")) == 999


@pytest.mark.parametrize("text", ["ร้านเปิดกี่โมง", "مواعيد العمل", "שלום עולם"])
def test_other_scripts_are_divided_as_they_were(text: str) -> None:
    assert terms(text, "klingon") == re.findall(r"\w+", text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("पुस्तकालय कहाँ है? दाम।", ["पुस्तकालय", "कहाँ", "है", "दाम"]),
        ("தமிழ் நூலகம்", ["தமிழ்", "நூலகம்"]),
        ("বাংলা লাইব্রেরি", ["বাংলা", "লাইব্রেরি"]),
        ("שָׁלוֹם עולם", ["שָׁלוֹם", "עולם"]),
        ("مُحَمَّد، كتاب", ["مُحَمَّد", "كتاب"]),
    ],
)
def test_a_words_own_marks_do_not_divide_it(text: str, expected: list[str]) -> None:
    assert terms(text, "klingon") == terms(" ".join(expected), "klingon")
    assert len(terms(text, "klingon")) == len(expected)


def test_an_unknown_language_is_stemmed_as_english_and_breaks_nothing() -> None:
    assert terms("returned goods", "klingon") == terms("returned goods", "english")


def test_an_endless_word_is_cut() -> None:
    endless = "x" * 1_000_000
    (term,) = terms(endless, "english")
    assert len(term) <= MOST_WORD_CHARACTERS
    assert terms(endless + "y", "english") == [term]


def test_a_term_is_counted_as_often_as_it_stands() -> None:
    counts = counted("boot boots shoe", "english")
    assert counts == {term_id("boot"): 2, term_id("shoe"): 1}


def test_a_terms_number_is_the_one_that_is_stored() -> None:
    assert term_id("boot") == 5736471191163266895  # in every index that there is
    assert all(-(2**63) <= term_id(f"term {i}") < 2**63 for i in range(1000))


@pytest.fixture
def impatient_threads() -> Iterator[None]:
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("impatient_threads")
def test_threads_that_stem_at_once_do_not_mix_their_words() -> None:
    chance = random.Random(5)
    stems = ["".join(chance.choices("aeioubcdst", k=6)) for _ in range(400)]
    vocabulary = [stem + ending for stem in stems for ending in ("ing", "ation", "ness", "ed")]
    alone = snowballstemmer.stemmer("english")
    expected = [str(alone.stemWord(word)) for word in vocabulary]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda word: terms(word, "english")[0], vocabulary))
    assert found == expected
