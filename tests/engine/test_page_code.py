"""The lines of a `<pre>` stay lines, whatever marks them up."""

from __future__ import annotations

from pathlib import Path

import pytest

from knowledge.engine.document import Draft, compose
from knowledge.engine.read_html import html_to_markdown
from knowledge.engine.read_rst import read_rst
from knowledge.engine.split import split

THREE_LINES = "```\nfirst = 1\n  second # two\nthird\n```"


def markdown(page: str) -> str:
    return html_to_markdown(page.encode())[1].strip()


@pytest.mark.parametrize(
    "inside",
    [
        "first = 1\n  second # two\nthird",
        "\n\n<code class='language-py'>first = 1  \n  second # two\nthird\n\n</code>\n",
        "first = 1<br>  second # two<br/>third",
        "<div>first = 1</div><div>  second # two</div><div>third</div>",
        "<ol><li>first = 1</li><li>  second # two</li><li>third</li></ol>",
        "<span><b>first</b> = 1\n</span><span>  second <i># two</i>\n</span><span>third</span>",
        "first = 1\n\u00a0 second # two\r\nthird<button>Copy</button><script>noise</script>",
        "<a href='#L1'>first</a> = 1\n  second # two<span hidden>noise</span>\nthird",
    ],
)
def test_lines_of_code_stay_as_they_are(inside: str) -> None:
    page = f"<p>Before</p><pre>{inside}</pre><p>After</p>"
    assert markdown(page) == f"Before\n\n{THREE_LINES}\n\nAfter"


def test_a_single_line_is_a_paragraph_unless_it_looks_like_a_mark() -> None:
    assert markdown("<pre>pip install shop</pre>") == "pip install shop"
    assert markdown("<pre><code># no heading</code></pre>") == "```\n# no heading\n```"


def test_what_follows_code_that_holds_a_fence_is_no_code() -> None:
    text = markdown("<pre>a\n```\n# b</pre><h1>After</h1>")
    assert text == "````\na\n```\n# b\n````\n\n# After"
    assert [one.text for one in compose(Draft([text])).headings] == ["After"]


def test_code_of_nothing_leaves_nothing() -> None:
    assert markdown("<p>Before</p><pre> \n\n</pre><pre></pre><p>After</p>") == "Before\n\nAfter"


def test_code_in_a_cell_is_one_line() -> None:
    page = "<table><tr><th>Step</th></tr><tr><td><pre>a\nb</pre></td></tr></table>"
    assert markdown(page) == "| Step |\n| --- |\n| a b |"


def test_code_in_an_item_leaves_the_next_item_its_number() -> None:
    page = "<ol><li>Copy:<pre>a\nb</pre></li><li>Paste.</li></ol>"
    assert markdown(page) == "1. Copy:\n\n```\na\nb\n```\n2. Paste."


def test_a_literal_block_of_restructuredtext_keeps_its_lines(tmp_path: Path) -> None:
    path = tmp_path / "help.rst"
    path.write_text("Run::\n\n    first = 1\n      second # two\n    third\n\nDone.")
    assert THREE_LINES in "".join(read_rst(path).parts)


def test_a_long_listing_is_split_between_its_lines() -> None:
    lines = [f"setting_{number} = {number}" for number in range(400)]
    read = compose(Draft([markdown("<pre>" + "\n".join(lines) + "</pre>")]))
    kept = [line for piece in split(read) for line in piece.text.splitlines()]
    assert [line for line in kept if line != "```"] == lines
