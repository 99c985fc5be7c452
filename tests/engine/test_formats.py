"""Each format: headings, lists, table rows under their header, safe links, and what is left out."""

from __future__ import annotations

import json
from pathlib import Path
from xml.sax.saxutils import escape

import pytest

from knowledge.engine.document import ReadText
from knowledge.engine.errors import Unreadable
from knowledge.engine.read import read
from tests.engine.made_files import (
    R,
    W,
    docx,
    epub,
    odt,
    paragraph,
    pptx,
    relations,
    shape,
    xlsx,
    zipped,
)


@pytest.fixture
def reads(tmp_path: Path) -> Reads:
    return Reads(tmp_path)


class Reads:
    """Reads bytes or text as a file of a format."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "file"

    def __call__(self, file_format: str, content: str | bytes) -> ReadText:
        self.path.write_bytes(content.encode() if isinstance(content, str) else content)
        return read(self.path, file_format)


def test_word_keeps_headings_and_lists_with_their_numbers(reads: Reads) -> None:
    numbering = (
        '<w:numbering xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main">'
        '<w:abstractNum w:abstractNumId="0"><w:lvl w:ilvl="0"><w:numFmt w:val="decimal"/></w:lvl>'
        '<w:lvl w:ilvl="1"><w:numFmt w:val="bullet"/></w:lvl></w:abstractNum>'
        '<w:num w:numId="5"><w:abstractNumId w:val="0"/></w:num></w:numbering>'
    )
    body = (
        paragraph("Returns", style="H1")
        + paragraph("How it works.")
        + paragraph("Pack it", numbering="5")
        + paragraph("Use the box", numbering="5", level=1)
        + paragraph("Send it", numbering="5")
    )
    found = reads("docx", docx(body, **{"numbering.xml": numbering}))
    assert found.text == ("# Returns\n\nHow it works.\n\n1. Pack it\n  - Use the box\n2. Send it")
    assert found.title == "Returns"


def test_words_table_rows_follow_their_header_and_merged_cells_reach_down(reads: Reads) -> None:
    def row(*cells: str) -> str:
        return "<w:tr>" + "".join(f"<w:tc>{cell}</w:tc>" for cell in cells) + "</w:tr>"

    merged = "<w:tcPr><w:vMerge/></w:tcPr><w:p/>"
    table = row(paragraph("Country"), paragraph("Days"))
    table += row(paragraph("France"), paragraph("2")) + row(merged, paragraph("3 on islands"))
    assert reads("docx", docx(f"<w:tbl>{table}</w:tbl>")).text == (
        "| Country | Days |\n| --- | --- |\n| France | 2 |\n| France | 3 on islands |"
    )


def test_word_keeps_safe_links_and_leaves_out_what_was_deleted(reads: Reads) -> None:
    body = (
        '<w:p><w:r><w:t xml:space="preserve">See </w:t></w:r>'
        '<w:hyperlink r:id="good"><w:r><w:t>terms</w:t></w:r></w:hyperlink>'
        '<w:hyperlink r:id="bad"><w:r><w:t> here</w:t></w:r></w:hyperlink>'
        "<w:del><w:r><w:delText>old</w:delText><w:t>old</w:t></w:r></w:del></w:p>"
    )
    links = relations(good="https://shop.example/terms", bad="javascript:alert(1)")
    found = reads("docx", docx(body, **{"_rels__document.xml.rels": links}))
    assert found.text == "See [terms](https://shop.example/terms) here"


def test_a_text_box_is_read_once(reads: Reads) -> None:
    mc = 'xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006"'
    box = f"<w:txbxContent>{paragraph('Call us.')}</w:txbxContent>"
    body = (
        f"<w:p><w:r><w:t>Before.</w:t><mc:AlternateContent {mc}><mc:Choice>{box}</mc:Choice>"
        f"<mc:Fallback>{box}</mc:Fallback></mc:AlternateContent></w:r></w:p>"
    )
    assert reads("docx", docx(body)).text == "Before.\n\nCall us."


def test_a_text_box_within_a_cell_is_read_once(reads: Reads) -> None:
    mc = 'xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006"'
    box = f"<w:txbxContent>{paragraph('Call us.')}</w:txbxContent>"
    cell = (
        f"<w:p><w:r><mc:AlternateContent {mc}><mc:Choice>{box}</mc:Choice>"
        f"<mc:Fallback>{box}</mc:Fallback></mc:AlternateContent></w:r></w:p>"
    )
    row = f"<w:tr><w:tc>{paragraph('Help')}</w:tc><w:tc>{cell}</w:tc></w:tr>"
    assert reads("docx", docx(f"<w:tbl>{row}</w:tbl>")).text.endswith("| Help | Call us. |")


def test_notes_of_word_stand_where_they_are_referred_to(reads: Reads) -> None:
    def notes(kind: str, text: str) -> str:
        return (
            f'<w:{kind}s xmlns:w="{W}"><w:{kind} w:id="2">{paragraph(text)}</w:{kind}></w:{kind}s>'
        )

    body = (
        '<w:p><w:r><w:t>Sixty days</w:t><w:footnoteReference w:id="2"/></w:r>'
        '<w:r><w:t>, paid by us</w:t><w:endnoteReference w:id="2"/></w:r></w:p>'
    )
    more = {
        "footnotes.xml": notes("footnote", "Of delivery."),
        "endnotes.xml": notes("endnote", "In Europe."),
    }
    found = reads("docx", docx(body, **more))
    assert found.text == "Sixty days (Of delivery.), paid by us (In Europe.)"


def test_the_words_in_a_drawing_of_a_slide_are_read(reads: Reads) -> None:
    dgm = "http://schemas.openxmlformats.org/drawingml/2006/diagram"
    frame = (
        f'<p:graphicFrame xmlns:dgm="{dgm}" xmlns:r="{R}"><a:graphic>'
        '<dgm:relIds r:dm="diagramData1"/></a:graphic></p:graphicFrame>'
    )
    boxes = "".join(
        f"<dgm:pt><dgm:t><a:p><a:r><a:t>{text}</a:t></a:r></a:p></dgm:t></dgm:pt>"
        for text in ("Order", "Pay", "")
    )
    a = "http://schemas.openxmlformats.org/drawingml/2006/main"
    parts = {
        "ppt/slides/_rels/slide0.xml.rels": relations(diagramData1="../diagrams/data1.xml"),
        "ppt/diagrams/data1.xml": f'<dgm:dataModel xmlns:dgm="{dgm}" xmlns:a="{a}"><dgm:ptLst>'
        f"{boxes}</dgm:ptLst></dgm:dataModel>",
    }
    slides = pptx(shape("How", kind="title") + frame, more=parts)
    assert reads("pptx", slides).text == "## How\n\n- Order\n- Pay"


def test_slides_are_pages_with_titles_points_and_no_footer(reads: Reads) -> None:
    one = shape("Plans", kind="title") + shape("Small", "Large") + shape("Page 1", kind="ftr")
    found = reads("pptx", pptx(one, shape("Thanks", kind="title")))
    assert found.text == "## Plans\n\n- Small\n- Large\n\n## Thanks"
    assert [page.number for page in found.pages] == [1, 2]


def test_each_row_of_a_sheet_is_under_the_heads_of_its_columns(reads: Reads) -> None:
    rows = [(f"SKU-{number}", f"Shirt {number}", number + 0.5) for number in range(200)]
    found = reads("xlsx", xlsx(("Price list",), ("SKU", "Name", "Price"), *rows))
    tables = found.text.split("\n\n")[2:]
    assert found.text.startswith("## Prices\n\nPrice list\n\n| SKU | Name | Price |")
    assert all(table.startswith("| SKU | Name | Price |\n| --- |") for table in tables)
    assert all(len(table) <= 1000 for table in tables)
    assert "| SKU-199 | Shirt 199 | 199.5 |" in tables[-1]


def test_a_hidden_sheet_stays_hidden(reads: Reads) -> None:
    with pytest.raises(Unreadable, match="no text"):
        reads("xlsx", xlsx(("Cost", "Margin"), (1, 2), state="hidden"))


def test_opendocument_keeps_headings_lists_tables_and_links(reads: Reads) -> None:
    body = (
        '<text:h text:outline-level="2">Returns</text:h>'
        '<text:p>See <text:a xlink:href="https://shop.example/">the shop</text:a>.</text:p>'
        "<text:list><text:list-item><text:p>Pack</text:p></text:list-item></text:list>"
        "<table:table><table:table-row><table:table-cell><text:p>Day</text:p></table:table-cell>"
        "<table:table-cell><text:p>Opens</text:p></table:table-cell></table:table-row>"
        "<table:table-row><table:table-cell><text:p>Monday</text:p></table:table-cell>"
        "<table:table-cell><text:p>nine</text:p></table:table-cell></table:table-row></table:table>"
    )
    assert reads("odt", odt(body)).text == (
        "## Returns\n\nSee [the shop](https://shop.example/).\n\n- Pack\n\n"
        "| Day | Opens |\n| --- | --- |\n| Monday | nine |"
    )


def test_a_book_is_read_in_the_order_of_its_spine(reads: Reads) -> None:
    found = reads("epub", epub("<h1>Two</h1><p>End.</p>", "<h1>One</h1><p>Begin.</p>"))
    assert found.text == "# One\n\nBegin.\n\n# Two\n\nEnd."


@pytest.mark.parametrize(
    ("named", "content", "words"),
    [
        ("xlsx", docx(paragraph("A letter.")), "A letter."),
        ("docx", odt("<text:p>Hi</text:p>"), "Hi"),
    ],
)
def test_a_renamed_office_file_is_read_as_what_it_is(
    reads: Reads, named: str, content: bytes, words: str
) -> None:
    assert reads(named, content).text == words


def test_a_zip_of_anything_is_no_office_file(reads: Reads) -> None:
    with pytest.raises(Unreadable, match="type"):
        reads("docx", zipped({"a.txt": "text"}))


def test_headings_of_rtf_are_kept(reads: Reads) -> None:
    styles = r"{\stylesheet{\s1\outlinelevel0 heading 1;}}"
    title = r"\pard\plain\s1\keepn\outlinelevel0\adjustright {\b Returns\par}"
    part = r"\pard\s2\outlinelevel1{Costs\par}\pard\outlinelevel1\par"
    text = r"\pard\s0\outlinelevel9 Say \\outlinelevel0.\par"
    found = reads("rtf", rf"{{\rtf1\ansi{styles}{title}{part}{text}}}")
    assert found.text == "# Returns\n\n## Costs\n\nSay \\outlinelevel0."
    assert [(one.level, one.text) for one in found.headings] == [(1, "Returns"), (2, "Costs")]


def test_rtf_loses_its_marks_and_keeps_its_letters(reads: Reads) -> None:
    assert reads("rtf", r"{\rtf1\ansi Gr\u252?\'dfe from \b K\'f6ln\b0 .\par Bye.}").text == (
        "Grüße from Köln.\n\nBye."
    )


def test_rst_is_read_and_includes_no_file_of_this_machine(reads: Reads) -> None:
    text = "Returns\n=======\n\n- Pack\n- Send\n\n.. include:: /etc/passwd\n\n"
    text += ".. raw:: html\n\n   <b>x</b>\n"
    found = reads("rst", text)
    assert found.title == "Returns"
    assert "- Pack\n- Send" in found.text
    assert "root:" not in found.text


def test_an_rst_without_one_title_above_all_takes_none_from_its_reader(reads: Reads) -> None:
    found = reads("rst", "Returns\n=======\n\nSixty days.\n\nDelivery\n========\n\nTwo days.\n")
    assert found.title == ""
    assert found.text == "## Returns\n\nSixty days.\n\n## Delivery\n\nTwo days."


@pytest.mark.parametrize(
    ("mark", "title"),
    [("note::", "Note"), ("warning::", "Warning"), ("tip::", "Tip"), ("admonition:: Mind", "Mind")],
)
def test_notes_of_an_rst_are_read_where_they_stand(reads: Reads, mark: str, title: str) -> None:
    text = f"Stoves\n======\n\nOil it.\n\n.. {mark}\n\n   Never open it hot.\n\nDone.\n"
    assert reads("rst", text).text.split("\n\n") == [
        "# Stoves",
        "Oil it.",
        title,
        "Never open it hot.",
        "Done.",
    ]


def test_footnotes_sidebars_and_topics_of_an_rst_are_read(reads: Reads) -> None:
    text = "Stoves\n======\n\nOil it [1]_.\n\n.. [1] With linseed oil.\n\n"
    text += ".. sidebar:: Tools\n\n   A rag.\n\n.. topic:: Cost\n\n   Ten pounds.\n"
    found = reads("rst", text).text
    assert "With linseed oil." in found
    assert "Tools\n\nA rag." in found
    assert "Cost\n\nTen pounds." in found


def test_marks_that_sphinx_adds_keep_their_words(reads: Reads) -> None:
    text = """Stoves
======

See :doc:`the manual </manual>`, :ref:`oiling` and :guilabel:`Start`.

.. toctree::
   :maxdepth: 2

   noise

.. versionadded:: 2.0
   The *second* burner.

.. only:: html

   Seen.

.. tab-set::

   .. tab-item:: Oil
      :sync: oil

      Linseed.
"""
    assert reads("rst", text).text.split("\n\n") == [
        "# Stoves",
        "See the manual, oiling and Start.",
        "New in version 2.0 The second burner.",
        "Seen.",
        "Oil",
        "Linseed.",
    ]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("* one\n* two\n\n  * three\n", "- one\n- two\n  - three"),
        ("*****\nShop\n*****\n", "# Shop"),
        ("Oil\n  Linseed.\n", "Oil\n\nLinseed."),
        (":Hours: nine to five\n", "Hours:\n\nnine to five"),
        ("| Nine\n| to five\n", "Nine\n\nto five"),
        ("::\n\n  nine to five\n", "nine to five"),
        (".. code-block:: sh\n   :linenos:\n\n   open shop\n", "open shop"),
        (".. code::\n   open shop\n", "open shop"),
        (".. math:: a + b\n   :label: x\n", "a + b"),
        ("Say :math:`a < b`.\n", "Say a < b."),
        (".. hours:: Week\n   :opt: x\n\n   Nine *to* five.\n", "Week\n\nNine to five."),
        (".. py:function:: send(a)\n\n   Sends it.\n", "send(a)\n\nSends it."),
        ("Open :hours:`nine to five`.\n", "Open nine to five."),
        (".. raw:: html\n\n   <p>Nine.</p><script>ten</script>\n", "Nine."),
        (
            "====  ====\nItem  Days\n====  ====\nShoes or coats  60\n====  ====\n",
            "Shoes or coats  60",
        ),
        (".. note::\n   :unknown: x\n\n   Nine to five.\n", "Nine to five."),
        ("A\n=\n\nB\n-\n\nC\n~\n\nD\n-\n\nE\n^\n\nF\n~\n\nG\n^\n\nend\n", "E ^"),
        ("*a* " * 30_000, "*a* *a*"),
        ("* " * 300 + "deep", "deep"),
        (".. |b| replace:: The |b| at |c|.\n\nWe open |b|.\n", "We open"),
    ],
)
def test_no_words_of_an_rst_are_lost(reads: Reads, text: str, words: str) -> None:
    found = reads("rst", text).text
    assert " ".join(words.split()) in " ".join(found.split())
    assert "script" not in found


@pytest.mark.parametrize(
    "text", [".. a comment\n", ".. toctree::\n\n   intro\n", ".. include:: intro.rst\n", "*\n"]
)
def test_an_rst_without_words_for_readers_says_so(reads: Reads, text: str) -> None:
    with pytest.raises(Unreadable, match="no text"):
        reads("rst", text)


@pytest.mark.parametrize(
    ("file_format", "text"),
    [
        ("csv", "SKU,Name\nA-1,Blue shirt\n"),
        ("csv", "SKU;Name\nA-1;Blue shirt\n"),
        ("csv", 'SKU,Name\nA-1,"Blue\nshirt"\n'),
        ("csv", "sep=;\nSKU;Name\nA-1;Blue shirt\n"),
        ("tsv", "SKU\tName\nA-1\tBlue shirt\n"),
        ("json", json.dumps([{"SKU": "A-1", "Name": "Blue shirt"}, {"SKU": "A-2"}])),
        ("json", '{"SKU": "A-1", "Name": "Blue shirt"}\n{"SKU": "A-2"}\n'),
    ],
)
def test_a_row_of_data_stands_under_its_names(reads: Reads, file_format: str, text: str) -> None:
    assert reads(file_format, text).text.startswith(
        "| SKU | Name |\n| --- | --- |\n| A-1 | Blue shirt |"
    )


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("<p>Blue <b>shirt</b>, R&amp;D</p><script>no()</script>", "Blue shirt, R&D"),
        ("Blue<br>shirt", "Blue shirt"),
        ("<a href='https://shop.example/a'>Blue</a>", "[Blue](https://shop.example/a)"),
        ("a < b > c", "a < b > c"),
        ("List<String>", "List<String>"),
    ],
)
def test_html_in_a_value_is_read_as_such(reads: Reads, value: str, words: str) -> None:
    line = f"| A-1 | {words} |"
    assert line in reads("csv", f'SKU;Name\nA-1;"{value}"\n').text
    assert line in reads("json", json.dumps([{"SKU": "A-1", "Name": value}] * 2)).text
    assert line in reads("xlsx", xlsx(("SKU", "Name"), ("A-1", escape(value)))).text


@pytest.mark.parametrize(
    "above",
    [
        "Prices 2026\n",
        "Prices 2026\nOf 1.11.2026\n\n",
        "Prices 2026;;\nvalid from;1.11.2026;\n;;\n",
        "# Written by Shop, 1.11.2026\n",
    ],
)
def test_titles_above_a_table_are_none_of_its_rows(reads: Reads, above: str) -> None:
    rows = "SKU;Name;Price\nA-1;Blue shirt;12,50\nA-2;Red shirt;9,00\n"
    head, table = reads("csv", above + rows).text.split("\n\n")
    assert head.split() == above.replace(";", " ").lstrip("# ").split()
    assert table.startswith(
        "| SKU | Name | Price |\n| --- | --- | --- |\n| A-1 | Blue shirt | 12,50 |"
    )


def test_a_value_of_json_stands_behind_its_path(reads: Reads) -> None:
    text = json.dumps({"shop": {"hours": {"monday": "9–17"}, "tags": ["shoes", "shirts"]}})
    assert reads("json", text).text == "- shop › hours › monday: 9–17\n- shop › tags: shoes, shirts"


@pytest.mark.parametrize("text", ['{"a": ', "[" * 100_000, "nonsense"])
def test_damaged_json_says_so(reads: Reads, text: str) -> None:
    with pytest.raises(Unreadable, match="JSON is damaged"):
        reads("json", text)


def test_a_notebook_keeps_text_code_and_what_it_printed(reads: Reads) -> None:
    cells = [
        {"cell_type": "markdown", "source": ["# Sales\n", "![x](https://spy.example/a.png)"]},
        {
            "cell_type": "code",
            "source": "print(7)",
            "outputs": [{"text": ["7\n"]}, {"traceback": ["secret path"]}],
        },
    ]
    assert reads("notebook", json.dumps({"cells": cells})).text == (
        "# Sales\nx\n\n```\nprint(7)\n```\n\n```\n7\n```"
    )


def test_an_email_is_its_subject_its_people_and_its_text(reads: Reads) -> None:
    mail = (
        "From: Ana <ana@shop.example>\nTo: bo@shop.example\nSubject: =?utf-8?q?R=C3=BCckgabe?=\n"
        "MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=x\n\n--x\n"
        "Content-Type: text/html; charset=utf-8\n\n<p>Thirty <b>days</b>.</p>\n--x\n"
        "Content-Disposition: attachment; filename=terms.pdf\n\nJVBERi0=\n--x--\n"
    )
    assert reads("email", mail).text == (
        "# Rückgabe\n\nFrom: Ana <ana@shop.example>\nTo: bo@shop.example\n\nThirty days.\n\n"
        "Attached: terms.pdf"
    )


LETTER = "From: a@shop.example\nSubject: Terms\nMIME-Version: 1.0\n"
HEAD = "# Terms\n\nFrom: a@shop.example\n\n"


def test_an_email_whose_plain_form_is_blank_is_read_in_its_other(reads: Reads) -> None:
    mail = (
        f"{LETTER}Content-Type: multipart/alternative; boundary=x\n\n--x\n"
        "Content-Type: text/plain\n\n \n--x\nContent-Type: text/html\n\n<p>Thirty.</p>\n--x--\n"
    )
    assert reads("email", mail).text == f"{HEAD}Thirty."


def test_what_an_email_says_below_a_picture_and_what_it_forwards_is_read(reads: Reads) -> None:
    mail = (
        f"{LETTER}Content-Type: multipart/mixed; boundary=x\n\n--x\n"
        "Content-Type: text/plain\n\nThirty days.\n--x\n"
        "Content-Type: image/png; name=box.png\n\nJVBERi0=\n--x\n"
        "Content-Type: text/html\n\n<p>Then no more.</p>\n--x\n"
        "Content-Type: text/html\n\n<!-- -->\n--x\n"
        "Content-Type: message/rfc822\n\nSubject: Older\n\nIt was sixty.\n--x--\n"
    )
    assert reads("email", mail).text == (
        f"{HEAD}Thirty days.\n\nThen no more.\n\nForwarded: Older\n\nIt was sixty.\n\n"
        "Attached: box.png"
    )


def test_what_an_email_calls_latin_1_is_windows_own(reads: Reads) -> None:
    mail = (
        f"{LETTER}Content-Type: text/plain; charset=iso-8859-1\n"
        "Content-Transfer-Encoding: quoted-printable\n\n=84Gr=FC=DFe=93 =96 5 =80\n"
    )
    assert reads("email", mail).text == f"{HEAD}„Grüße“ – 5 €"


@pytest.mark.parametrize(
    "feed",
    [
        "<rss><channel><title>News</title><item><title>Sale</title><link>https://shop.example/sale"
        "</link><description>&lt;p&gt;Half price.&lt;/p&gt;</description></item></channel></rss>",
        '<feed xmlns="http://www.w3.org/2005/Atom"><title>News</title><entry><title>Sale</title>'
        '<link href="https://shop.example/sale"/><content>Half price.</content></entry></feed>',
    ],
)
def test_a_feed_is_its_entries(reads: Reads, feed: str) -> None:
    assert reads("feed", feed).text == (
        "# News\n\n## [Sale](https://shop.example/sale)\n\nHalf price."
    )


def test_other_xml_is_refused(reads: Reads) -> None:
    with pytest.raises(Unreadable, match="neither RSS nor Atom"):
        reads("feed", "<invoice><total>9</total></invoice>")


def test_subtitles_lose_their_marks_and_none_of_their_words(reads: Reads) -> None:
    text = (
        "WEBVTT\n\nSTYLE\n::cue { color: red }\n\n1\n00:01.000 --> 00:02.000\n"
        '<v Ana><font color="#ff0000">We ship</font>\n\nin <00:01.500><c.hot>two</c> days &amp;\n\n'
        "NOTE checked\n\n2\n00:02.100 --> 00:03.000\n{\\an8}nights: 1 < 2\n"
    )
    assert reads("subtitles", text).text == "We ship in two days & nights: 1 < 2"


@pytest.mark.parametrize(
    "text",
    [
        "1\n00:00:01,000 --> 00:00:02,000\nWe ship\n\n2\n00:00:02,100 --> 00:00:03,000\n"
        "<i>in two days.</i>\n\n3\n00:00:20,000 --> 00:00:21,000\nBye.\n",
        "WEBVTT\n\n00:01.000 --> 00:02.000 align:start\nWe ship\n\n00:02.100 --> 00:03.000\n"
        "in two days.\n\n00:20.000 --> 00:21.000\nBye.\n",
    ],
)
def test_subtitles_become_paragraphs(reads: Reads, text: str) -> None:
    assert reads("subtitles", text).text == "We ship in two days.\n\nBye."


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("We ship within two days, and returns are free.", "en"),
        ("Wir liefern innerhalb von zwei Tagen.", "de"),
        ("送料は無料です。二日以内に届きます。", "ja"),
        ("نحن نشحن الطلبات خلال يومين", "ar"),
        ("SKU-8847", ""),
    ],
)
def test_the_language_is_detected_or_left_open(reads: Reads, text: str, language: str) -> None:
    assert reads("text", text).language == language


def test_a_picture_without_text_recognition_says_what_is_missing(
    reads: Reads, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(Unreadable, match=r"image.*OCR"):
        reads("image", b"\x89PNG\r\n\x1a\n")
