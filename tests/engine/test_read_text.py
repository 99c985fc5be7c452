"""Bytes to characters, whatever program wrote them."""

from __future__ import annotations

import codecs
import random
import time

import pytest

from knowledge.engine.errors import Unreadable
from knowledge.engine.read_text import decode, tidy

GERMAN = "Größere Bestellungen prüfen wir täglich. Rückgaben binnen 14 Tagen."
PIECES = [
    "a",
    "ö",
    "\r\n",
    "\n\n\n",
    "  ",
    "\t\n",
    "\u00a0\n",
    "e\u0301",
    "\x00",
    "\r",
    "日本",
    "😀",
]


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32", "utf-16-le", "utf-16-be"]
)
@pytest.mark.parametrize("text", [GERMAN, "Short."])
def test_every_unicode_encoding_is_read_with_or_without_its_mark(text: str, encoding: str) -> None:
    assert decode(text.encode(encoding)) == text


@pytest.mark.parametrize(
    ("bom", "encoding"),
    [
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
        (codecs.BOM_UTF32_LE, "utf-32-le"),
        (codecs.BOM_UTF32_BE, "utf-32-be"),
    ],
)
@pytest.mark.parametrize("text", ["Доставка", "配送は三日", "😀 emoji"])
def test_a_byte_order_mark_decides_and_is_no_part_of_the_text(
    bom: bytes, encoding: str, text: str
) -> None:
    assert decode(bom + text.encode(encoding)) == text


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        (GERMAN, "latin-1"),
        ("Wir öffnen um neun.", "latin-1"),
        ("Öffnungszeiten: täglich.\n" * 5, "cp1252"),
        ("Returns within 60 days – free.", "cp1252"),
        ("Größere Bestellungen prüfen wir täglich. Rückgaben binnen 14 Tagen.", "cp850"),
        ("Der Preis beträgt 5 € – „günstig“ und schön.", "cp1252"),
        ("Доставка занимает три рабочих дня. Возврат в течение месяца.", "cp1251"),
    ],
)
def test_old_encodings_are_recognised(text: str, encoding: str) -> None:
    assert decode(text.encode(encoding)) == text


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("Échanges gratuits à l’été; où êtes-vous? Le café coûte 3 €.", "cp1252"),
        ("Il reso è possibile entro 30 giorni. Qualità e città.", "cp1252"),
        ("¿Cuándo llega? Mañana por la mañana, señor.", "cp1252"),
        ("Não há devolução após 30 dias. Você está à espera?", "cp1252"),
        ("Större beställningar: återbetalning sker inom tio dagar.", "cp1252"),
        ("Our café serves crème brûlée – don’t miss it.", "cp1252"),
        ("Zwrot w ciągu 30 dni. Godziny otwarcia: od poniedziałku do piątku.", "cp1250"),
        ("Otevírací doba: pondělí až pátek. Vrácení zboží je zdarma.", "cp1250"),
        ("Szállítás három munkanapon belül. A visszaküldés ingyenes, hétfőtől.", "cp1250"),
        ("Çalışma saatleri: pazartesi. Sipariş ücretsiz kargo ile gönderilir.", "cp1254"),
        ("משלוח תוך שלושה ימים. החזרה חינם.", "cp1255"),
        ("Доставка триває три робочі дні. Повернення безкоштовне.", "cp1251"),
        ("Piegāde trīs darba dienu laikā. Atgriešana ir bez maksas.", "cp1257"),
    ],
)
@pytest.mark.parametrize("rows", [1, 50])
def test_the_language_tells_which_code_page_a_text_is_in(
    text: str, encoding: str, rows: int
) -> None:
    table = "id;note\n" + "".join(f"{number};{text}\n" for number in range(rows))
    assert decode(table.encode(encoding)) == table


def test_a_few_broken_bytes_do_not_turn_utf_8_into_another_encoding() -> None:
    text = decode("Grüße aus Köln. ".encode() * 50 + b"\xff" + "Schöne Straße".encode())
    assert text.count("Grüße aus Köln.") == 50
    assert text.endswith("\ufffdSchöne Straße")


@pytest.mark.parametrize(
    ("lines", "encodings"),
    [
        ((GERMAN, "Öffnungszeiten: täglich."), ("utf-8", "cp1252")),
        (("Öffnungszeiten: täglich.", GERMAN), ("cp1252", "utf-8")),
        (("营业时间:九点到六点", "Returns within 60 days – free."), ("utf-8", "cp1252")),
        (("Возврат в течение 60 дней.", "Доставка за два дня."), ("utf-8", "cp1251")),
    ],
)
@pytest.mark.parametrize("times", [1, 50])
def test_each_line_of_a_joined_file_keeps_its_letters(
    lines: tuple[str, str], encodings: tuple[str, str], times: int
) -> None:
    first, second = (f"{line}\n" * times for line in lines)
    assert decode(first.encode(encodings[0]) + second.encode(encodings[1])) == first + second


@pytest.mark.parametrize("encoding", ["utf-8", "cp1252"])
def test_letters_that_come_late_are_read_in_their_encoding(encoding: str) -> None:
    text = "Returns within 60 days.\n" * 20_000 + f"{GERMAN}\n" * 20
    assert decode(text.encode(encoding)) == text


def test_a_few_lines_of_utf_8_in_a_file_of_an_older_encoding_keep_their_letters() -> None:
    old = f"{GERMAN}\n" * 300
    new = "Zahlung nur in € – größere Beträge bar.\n" * 3
    assert decode(old.encode("cp1252") + new.encode() + old.encode("cp1252")) == old + new + old


def test_a_line_without_end_keeps_its_letters_in_a_joined_file() -> None:
    new, old = "Größe " * 500_000 + "\n", "Rückgabe täglich.\n" * 50
    assert decode(new.encode() + old.encode("cp1252")) == new + old


@pytest.mark.parametrize("encoding", ["gb18030", "big5", "shift_jis", "euc-kr"])
def test_short_lines_that_are_valid_by_chance_do_not_part_a_file(encoding: str) -> None:
    """Two letters of Chinese in an older encoding may be one of UTF-8: 联通 is the classic."""
    words = {
        "gb18030": "联通 退货 送货 营业 时间 付款 邮费 尺码 颜色 客服",
        "big5": "退貨 送貨 營業 時間 付款 郵費 尺碼 顏色 客服 商品",
        "shift_jis": "返品 配送 営業 時間 支払 送料 寸法 色 商品 お客様",
        "euc-kr": "반품 배송 영업 시간 결제 운임 치수 색상 고객 상품",
    }
    text = "\n".join(words[encoding].split()) + "\n"
    assert decode(text.encode(encoding)) == text


def test_a_file_cut_within_a_letter_keeps_the_rest() -> None:
    assert decode("Straße, Größe, Köln, Grün, weiß".encode()[:-1]).startswith("Straße, Größe, Köln")


def test_utf_16_with_half_a_letter_at_its_end_is_still_read() -> None:
    assert decode("Opening hours".encode("utf-16-le") + b"x").startswith("Opening hours")


@pytest.mark.parametrize("data", [b"", b" ", b"\r\n\t \n"])
def test_an_empty_file_is_called_empty(data: bytes) -> None:
    with pytest.raises(Unreadable, match="empty"):
        decode(data)


def test_nuls_become_spaces_and_part_no_words_wrongly() -> None:
    assert tidy(decode(b"opening\x00\x00hours\x00nine to five")) == "opening hours nine to five"


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_every_kind_of_line_end_becomes_one(line_end: str) -> None:
    lines = ["First.", "", "Second.  ", "Third."]
    assert tidy(line_end.join(lines)) == "First.\n\nSecond.\nThird."


def test_letters_with_loose_accents_are_composed() -> None:
    assert tidy("Ko\u0308ln") == "Köln"


def test_leading_spaces_stay_because_lists_and_code_need_them() -> None:
    assert tidy("- a\n  - b\n    code") == "- a\n  - b\n    code"


def test_tidying_twice_is_tidying_once() -> None:
    for seed in range(300):
        chosen = random.Random(seed).choices(PIECES, k=30)
        once = tidy("".join(chosen))
        assert tidy(once) == once
        assert not once.startswith("\n")
        assert not once.endswith("\n")
        assert "\n\n\n" not in once
        assert not any(character in once for character in "\r\x00")


@pytest.mark.parametrize("space", [" ", "\t", "\u00a0"])
def test_a_line_of_a_million_spaces_takes_no_time(space: str) -> None:
    text = "a" + space * 1_000_000 + "b"
    start = time.process_time()
    assert tidy(text) == text
    assert time.process_time() - start < 2
