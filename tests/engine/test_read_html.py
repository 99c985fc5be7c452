"""Web pages: what is content, and what it looks like as Markdown."""

from __future__ import annotations

import time

import pytest

from knowledge.engine.errors import Unreadable
from knowledge.engine.read_html import html_to_markdown


def markdown(page: str) -> str:
    """The lines of a page's text, without the blank ones."""
    _, text = html_to_markdown(page.encode())
    return "\n".join(line for line in text.splitlines() if line)


@pytest.mark.parametrize(
    "page",
    [
        "<script>alert('noise')</script>",
        "<style>.noise { color: red }</style>",
        "<nav><a href='/'>noise</a></nav>",
        "<aside><p>noise</p></aside>",
        "<form><label>noise</label><button>noise</button></form>",
        "<noscript>noise</noscript>",
        "<template><p>noise</p></template>",
        "<svg><title>noise</title><text>noise</text></svg>",
        "<iframe>noise</iframe>",
        "<p hidden>noise</p>",
        "<div aria-hidden='true'><p>noise</p></div>",
        "<div role='navigation'><ul><li>noise</li></ul></div>",
        "<!-- noise -->",
        "<?php noise ?>",
        "<p><span hidden>noise</span></p>",
    ],
)
def test_what_is_no_content_is_left_out_and_the_rest_stays(page: str) -> None:
    assert markdown(f"<p>Before.</p>{page}<p>After.</p>") == "Before.\nAfter."


@pytest.mark.parametrize(
    ("text", "encoding", "said"),
    [
        ("Żółta łódź, źródło.", "iso8859-2", "iso-8859-2"),
        ("„Grüße“ für 5 €", "cp1252", "ISO-8859-1"),
        ("Доставка", "koi8-r", "koi8-r"),
        ("返品は無料。", "iso-2022-jp", "iso-2022-jp"),
        ("Grüße", "utf-8", "iso-8859-1"),
        ("Größere Bestellungen", "cp1252", "utf-8"),
        ("Größere Bestellungen", "cp1252", "unheard-of"),
    ],
)
def test_a_page_is_read_in_the_encoding_that_it_says_and_is_in(
    text: str, encoding: str, said: str
) -> None:
    for tag in (f"<meta charset={said}>", f'<meta content="text/html; charset={said}">'):
        page = f"<html><head>{tag}</head><body><p>{text}</p></body></html>"
        assert html_to_markdown(page.encode(encoding))[1].strip() == text


def test_text_right_behind_a_dropped_element_stays() -> None:
    assert markdown("<p>Nine <script>x</script>to five</p>") == "Nine to five"


def test_headings_keep_their_level() -> None:
    assert markdown("<h1>Shop</h1><h3>Hours <em>today</em></h3><p>Nine.</p>") == (
        "# Shop\n### Hours today\nNine."
    )


def test_a_heading_within_boxes_keeps_its_mark() -> None:
    assert markdown("<h2><div><span>Hours</span></div></h2><p>Nine.</p>") == "## Hours\nNine."


@pytest.mark.parametrize("empty", ["<h2></h2>", "<h2><img src='x'></h2>", "<ul><li></li></ul>"])
def test_an_empty_heading_or_item_marks_nothing_else(empty: str) -> None:
    assert markdown(f"{empty}<p>Nine to five.</p>") == "Nine to five."


def test_items_of_nested_lists_stand_on_lines_of_their_own() -> None:
    page = "<ul><li>Europe<ul><li>France</li><li>Spain</li></ul></li><li><p>Asia</p></li></ul>"
    assert markdown(page) == "- Europe\n  - France\n  - Spain\n- Asia"


def test_a_table_with_a_header_becomes_rows_below_it() -> None:
    page = """<table><caption>Delivery</caption>
      <thead><tr><th>Country</th><th>Days</th></tr></thead>
      <tbody><tr><td>France</td><td>2</td></tr><tr><td>Spain</td><td>3</td></tr></tbody></table>"""
    assert markdown(page) == (
        "Delivery\n| Country | Days |\n| --- | --- |\n| France | 2 |\n| Spain | 3 |"
    )


@pytest.mark.parametrize(
    "header",
    ["<tr><th>Country</th><th>Days</th></tr>", "<thead><tr><td>Country<td>Days</tr></thead>"],
)
def test_a_header_is_known_by_its_cells_or_its_place(header: str) -> None:
    page = f"<table>{header}<tr><td>France<td>2</table>"
    assert markdown(page).splitlines()[0] == "| Country | Days |"


@pytest.mark.parametrize(
    "page",
    [
        "<table><tr><td>Monday<td>9–5</tr><tr><td>Sunday<td>closed</tr></table>",
        "<table><tr><th>Monday<td>9–5</tr><tr><th>Sunday<td>closed</tr></table>",
    ],
)
def test_the_first_row_of_a_table_without_a_header_is_no_header(page: str) -> None:
    assert markdown(page) == "|  |  |\n| --- | --- |\n| Monday | 9–5 |\n| Sunday | closed |"


def test_a_cell_stays_one_cell_whatever_is_in_it() -> None:
    page = """<table><tr><th>Day</th><th>Open</th></tr>
      <tr><td><h3>Monday</h3></td><td><p>9–12</p><p>13–17</p><ul><li>a|b</li></ul></td></tr>
      </table><p>Call us.</p>"""
    assert markdown(page).splitlines()[-2:] == ["| Monday | 9–12 13–17 a/b |", "Call us."]


def test_a_table_within_a_cell_loses_none_of_the_words_around_it() -> None:
    page = """<table><tr><td>left</td><td>before
      <table><tr><td>inner</td></tr></table>after</td><td>right</td></tr></table><p>end</p>"""
    words = markdown(page).replace("|", " ").replace("-", " ").split()
    assert words == ["left", "before", "inner", "after", "right", "end"]


def test_entities_become_characters_and_none_of_them_markup() -> None:
    assert markdown("<p>R&amp;D&nbsp;costs 5&nbsp;&euro; &lt;b&gt; &#x41;</p>") == (
        "R&D costs 5 € <b> A"
    )


def test_line_breaks_and_spaces_in_the_source_are_one_space() -> None:
    assert markdown("<p>Nine\n\t to<br>five,\u00a0\u00a0 daily</p>") == "Nine to five, daily"


def test_the_title_is_the_pages_own() -> None:
    page = (
        b"<html><head><title> Our\n shop </title></head><body><svg><title>x</title></svg>Hi</body>"
    )
    title, text = html_to_markdown(page)
    assert title == "Our shop"
    assert text.strip() == "Hi"


@pytest.mark.parametrize(
    ("charset", "words"),
    [
        ("iso-8859-1", "Größe und Länge"),
        ("windows-1251", "Доставка за три дня"),
        ("shift_jis", "送料は無料です。"),
        ("utf-8", "Größe – 5 €"),
    ],
)
def test_a_declared_charset_is_believed(charset: str, words: str) -> None:
    page = f'<html><head><meta charset="{charset}"></head><body><p>{words}</p></body></html>'
    _, text = html_to_markdown(page.encode(charset))
    assert text.strip() == words


def test_a_wrong_declaration_in_a_utf_8_page_is_not_believed() -> None:
    page = '<?xml version="1.0" encoding="utf-16"?><meta charset="latin-1"><p>Größe</p>'
    assert markdown(page) == "Größe"


@pytest.mark.parametrize(
    "page", ["<!-- nothing -->", "<frameset><frame src='x'></frameset>", "<script>1</script>"]
)
def test_a_page_without_a_body_is_unreadable(page: str) -> None:
    with pytest.raises(Unreadable, match="no text"):
        html_to_markdown(page.encode())


def test_a_page_that_is_only_text_is_read() -> None:
    assert markdown("Nine to five") == "Nine to five"


@pytest.mark.parametrize("closing", ["", "</div>" * 200_000])
def test_a_hostile_nesting_ends_soon_and_keeps_what_came_before(closing: str) -> None:
    start = time.process_time()
    assert markdown("<p>Nine to five.</p>" + "<div>" * 200_000 + "x" + closing) == "Nine to five."
    assert time.process_time() - start < 5


def test_two_thousand_levels_are_still_read() -> None:
    assert markdown("<div>" * 2000 + "deep" + "</div>" * 2000 + "<p>after</p>") == "deep\nafter"


def test_a_line_of_many_small_elements_is_not_copied_for_each() -> None:
    start = time.process_time()
    assert len(markdown("<p>" + "x<br>" * 200_000)) == 399_999
    assert time.process_time() - start < 5


MENU = "<ul>" + "".join(f"<li><a href='/{n}'>Page {n}</a></li>" for n in range(12)) + "</ul>"
PROSE = "<p>" + "Whoever bought shoes may send them back within sixty days. " * 10 + "</p>"


@pytest.mark.parametrize(
    "surrounding",
    [
        MENU,
        "<div class='cookie-banner'><p>We use cookies.</p></div>",
        "<div id='onetrust-consent-sdk'><p>We value your privacy.</p></div>",
        "<a class='skip-link' href='#main'>Skip to content</a>",
        "<footer><p>Imprint</p></footer>",
        "<div class='breadcrumbs'>Home / Returns</div>",
    ],
)
def test_what_surrounds_the_text_is_left_out(surrounding: str) -> None:
    assert markdown(f"{surrounding}<h1>Returns</h1>{PROSE}").startswith("# Returns\nWhoever")
    assert markdown(f"<h1>Returns</h1>{PROSE}{surrounding}").endswith("sixty days.")


def test_the_main_part_of_a_page_is_all_that_is_read() -> None:
    page = f"<div>Our shop</div><main><h1>Returns</h1>{PROSE}</main><div>Follow us</div>"
    assert markdown(page).startswith("# Returns")
    assert "Follow us" not in markdown(page)


def test_a_recipe_for_cookies_is_no_banner_and_a_short_list_of_links_no_menu() -> None:
    page = "<div class='cookie-recipe'><p>Bake them.</p></div><ul><li><a href='/a'>Shoes</a></ul>"
    assert markdown(page) == "Bake them.\n- Shoes"


@pytest.mark.parametrize(
    ("link", "text"),
    [
        ("<a href='https://shop.example/terms'>terms</a>", "[terms](https://shop.example/terms)"),
        ("<a href='mailto:help@shop.example'>us</a>", "[us](mailto:help@shop.example)"),
        ("<a href='https://shop.example/'>shop.example</a>", "shop.example"),
        ("<a href='javascript:alert(1)'>terms</a>", "terms"),
        ("<a href='data:text/html,x'>terms</a>", "terms"),
        ("<a href='/terms'>terms</a>", "terms"),
        ("<a href='#terms'>terms</a>", "terms"),
        ("<a href='https://shop.example/a_(b)'>b</a>", "[b](https://shop.example/a_%28b%29)"),
    ],
)
def test_a_link_keeps_its_target_where_that_is_safe(link: str, text: str) -> None:
    assert markdown(f"<p>See {link}.</p>") == f"See {text}."


def test_relative_links_follow_the_address_that_a_page_gives() -> None:
    head = "<head><link rel='canonical' href='https://shop.example/help/'></head>"
    assert markdown(f"{head}<p><a href='terms'>terms</a></p>") == (
        "[terms](https://shop.example/help/terms)"
    )


def test_numbered_lists_keep_their_numbers() -> None:
    page = "<ol><li>Pack<ul><li>gently</li></ul></li><li>Send</li></ol>"
    assert markdown(page) == "1. Pack\n  - gently\n2. Send"
