"""Files to one text with its structure."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from knowledge.engine.errors import Unreadable
from knowledge.engine.read import ReadText, read
from tests.pdfs import pdf


def read_as(folder: Path, file_format: str, content: str | bytes) -> ReadText:
    path = folder / "file"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return read(path, file_format)


@pytest.fixture
def markdown(tmp_path: Path) -> Markdown:
    return Markdown(tmp_path)


class Markdown:
    """Reads Markdown from a string."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(self, text: str) -> ReadText:
        return read_as(self.folder, "markdown", text)

    def headings(self, text: str) -> list[tuple[int, str]]:
        return [(heading.level, heading.text) for heading in self(text).headings]


def test_headings_begin_where_they_say(markdown: Markdown) -> None:
    source = markdown("Grüße 😀\n\n# Shop\n\nHours.\n\n## Delivery\r\n\r\nDays.")
    assert [source.text[h.start :].split("\n")[0] for h in source.headings] == [
        "# Shop",
        "## Delivery",
    ]


def test_the_first_heading_of_the_top_level_is_the_title(markdown: Markdown) -> None:
    assert markdown("## Note\n\n# Returns\n\n# Delivery").title == "Returns"
    assert markdown("## Only a section\n\ntext").title == ""


@pytest.mark.parametrize(
    ("line", "heading"),
    [
        ("## Plain", "Plain"),
        ("##\tTab", "Tab"),
        ("## Closed ##", "Closed"),
        ("## C#", "C#"),
        ("## **Bold** and `code`", "Bold and code"),
        ("## _All_ of MAX_UPLOAD_BYTES", "All of MAX_UPLOAD_BYTES"),
        ("## [Returns](https://shop.example/a_(b))", "Returns"),
    ],
)
def test_a_heading_is_read_without_its_marks(markdown: Markdown, line: str, heading: str) -> None:
    assert markdown.headings(line) == [(2, heading)]


@pytest.mark.parametrize("line", ["#hashtag", "####### seven", "    # code", "a # b", "\\# no"])
def test_what_only_looks_like_a_heading_is_none(markdown: Markdown, line: str) -> None:
    assert markdown.headings(f"text\n\n{line}") == []


@pytest.mark.parametrize(
    "fenced",
    [
        "```\n# comment\n```",
        "```bash\n# comment\n```",
        "~~~\n# comment\n~~~",
        "  ```\n# comment\n  ```",
        "````\n```\n# comment\n```\n````",
        "~~~\n```\n# comment\n~~~",
        "```\n# comment\n``` not the end\n# comment\n```",
    ],
)
def test_comments_of_code_are_no_headings(markdown: Markdown, fenced: str) -> None:
    assert markdown.headings(f"# Before\n\n{fenced}\n\n# After") == [(1, "Before"), (1, "After")]


def test_code_within_a_line_opens_no_fence(markdown: Markdown) -> None:
    assert markdown.headings("```make run``` starts it\n\n# After") == [(1, "After")]


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_front_matter_is_left_out(markdown: Markdown, line_end: str) -> None:
    lines = ["---", "title: Draft", "secret: yes", "---", "# Returns", "", "Thirty days."]
    assert markdown(line_end.join(lines)).text == "# Returns\n\nThirty days."


@pytest.mark.parametrize(
    "text",
    [
        "---\ntitle: 'Our hours'\n---\n",
        "---\nTitle: Our hours\n...\n",
        '+++\ntitle = "Our hours"\n+++\n',
    ],
)
def test_front_matter_gives_a_title_where_there_is_no_heading(
    markdown: Markdown, text: str
) -> None:
    assert markdown(f"{text}Nine to five.").title == "Our hours"
    assert markdown(f"{text}Nine to five.").text == "Nine to five."
    assert markdown(f"{text}# Hours\n\nNine to five.").title == "Hours"


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("<h1 align='center'>Shop</h1>\n\nWe **ship**.", "# Shop\n\nWe **ship**."),
        ("<details>\n<summary>When?</summary>\n\n- Soon\n</details>", "When?\n\n- Soon"),
        (
            "<table><tr><th>Item</th><th>Days</th></tr>\n<tr><td>Shoe</td><td>60</td></tr></table>",
            "| Item | Days |\n| --- | --- |\n| Shoe | 60 |",
        ),
        ("Press <kbd>A</kbd>,<br/> then B.", "Press A, then B."),
        ("<script>\nsteal()\n\nmore()\n</script>\nOpen.", "Open."),
        ("<script>\n\nOpen.", "Open."),
        ("<p>One</p>\n\n    <p>code</p>", "One\n\n    <p>code</p>"),
        ("```\n<p>code</p>\n```\n`<b>` is bold", "```\n<p>code</p>\n```\n`<b>` is bold"),
        (
            "Mail <a@shop.example> if 1 <2 or Map<Key> is",
            "Mail <a@shop.example> if 1 <2 or Map<Key> is",
        ),
    ],
)
def test_html_in_markdown_is_read_as_such(markdown: Markdown, text: str, left: str) -> None:
    assert markdown(text).text == left


def test_an_underlined_line_is_a_heading(markdown: Markdown) -> None:
    text = "Shop\n====\n\nHours\n-----\nNine to five.\n\nTwo\nlines\n---\n\n```\na\n---\n```"
    assert markdown.headings(text) == [(1, "Shop"), (2, "Hours")]
    assert markdown(text).text.startswith("# Shop\n\n## Hours\nNine to five.\n\nTwo\nlines\n---")


def test_rules_between_paragraphs_are_no_front_matter(markdown: Markdown) -> None:
    text = "One.\n\n---\n\nTwo.\n\n---\n\nThree."
    assert markdown(text).text == text


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("a<!-- hidden -->b", "ab"),
        ("a<!-- hidden\n\nlines -->b<!--x-->c", "abc"),
        ("a<!-- one <!-- two -->b", "ab"),
        ("a --> b", "a --> b"),
        ("a <!-- never closed", "a <!-- never closed"),
        ("![A map](https://spy.example/pixel.png)", "A map"),
        ("![](pixel.png)x", "x"),
        ("![A map](wiki/Paris_(Texas).png) here", "A map here"),
        ("[![badge](b.svg)](https://ci.example)", "[badge](https://ci.example)"),
    ],
)
def test_comments_and_images_are_dropped(markdown: Markdown, text: str, left: str) -> None:
    assert markdown(text).text == left


@pytest.mark.parametrize(
    "text",
    [
        "<!--" * 100_000,
        "![" * 200_000,
        "![](" * 100_000,
        "![](a(b)" * 50_000,
        "```a\n" * 100_000,
        "# a" + " " * 300_000 + "b",
        "# " + "#" * 300_000 + "b",
        "---\n" * 100_000 + "x",
        "<script>\n" * 100_000 + "x",
        "<a " * 200_000,
        "a\n===\n" * 100_000,
        "---\ntitle: a" + " " * 300_000 + "b\n---\nx",
    ],
    ids=[
        *("comments", "images", "links", "brackets", "fences", "spaces", "hashes", "rules"),
        *("scripts", "tags", "underlined", "title"),
    ],
)
def test_hostile_markdown_is_read_in_a_moment(markdown: Markdown, text: str) -> None:
    start = time.process_time()
    markdown(text)
    assert time.process_time() - start < 3


def test_plain_text_has_no_headings(tmp_path: Path) -> None:
    source = read_as(tmp_path, "text", "# not a heading\r\n\r\n![not](an image)")
    assert source.text == "# not a heading\n\n![not](an image)"
    assert source.headings == ()


def test_a_web_page_is_titled_by_its_heading_or_else_its_title(tmp_path: Path) -> None:
    head = "<title>Shop</title>"
    assert read_as(tmp_path, "html", f"{head}<h1>Returns</h1><p>x</p>").title == "Returns"
    assert read_as(tmp_path, "html", f"{head}<p>x</p>").title == "Shop"


def test_pages_begin_where_their_text_does_and_empty_ones_nowhere(tmp_path: Path) -> None:
    source = read_as(tmp_path, "pdf", pdf("One.", "", "Three.", "Four."))
    assert [page.number for page in source.pages] == [1, 3, 4]
    assert [source.text[page.start :].split("\n")[0] for page in source.pages] == [
        "One.",
        "Three.",
        "Four.",
    ]


def test_a_pdf_of_blank_pages_is_called_no_scan(tmp_path: Path) -> None:
    with pytest.raises(Unreadable, match=r"no text in this PDF\."):
        read_as(tmp_path, "pdf", pdf("", ""))


@pytest.mark.parametrize(
    ("file_format", "content"),
    [
        ("text", b"\xef\xbb\xbf"),
        ("text", b"\x00\x00\x00"),
        ("markdown", b"<!-- nothing -->"),
        ("markdown", b"---\ntitle: x\n---\n"),
        ("markdown", b"![](pixel.png)"),
        ("html", b"<p> </p>"),
        ("html", b"<nav>Home</nav>"),
    ],
)
def test_a_file_without_words_is_unreadable(
    tmp_path: Path, file_format: str, content: bytes
) -> None:
    with pytest.raises(Unreadable, match="no text"):
        read_as(tmp_path, file_format, content)
