"""Text of a web page whose lines stand as they are: a program, a letter, a table drawn by hand."""

from __future__ import annotations

import re
from collections.abc import Iterator, Set
from typing import Any

from lxml import etree

from knowledge.engine.page_parts import is_dropped

FENCES = re.compile(r"`{3,}")
# Some programs put each line of code into a block of its own.
LINES = frozenset({"div", "p", "li", "tr"})


def code_of(pre: Any, around: Set[Any]) -> str:
    """What stands in a `<pre>` but for what is in `around`: a line, or Markdown of several."""
    lines = "".join(_texts(pre, around)).replace("\u00a0", " ").splitlines()
    code = "\n".join(line.rstrip() for line in lines).strip("\n")
    if "\n" not in code and code[:1].isalnum():
        return code
    fence = "`" * max(3, 1 + max(map(len, FENCES.findall(code)), default=0))
    return f"{fence}\n{code}\n{fence}" if code else ""


def _texts(pre: Any, around: Set[Any]) -> Iterator[str]:
    walk, is_at_start = etree.iterwalk(pre, events=("start", "end")), True
    for event, element in walk:
        if event == "start" and _is_left_out(element, around):
            walk.skip_subtree()
            continue
        is_break = element.tag == "br" and event == "start"
        line_end = "\n" if is_break or (element.tag in LINES and not is_at_start) else ""
        if text := line_end + _text_at(event, element, pre):
            yield text
            is_at_start = text.endswith("\n")


def _is_left_out(element: Any, around: Set[Any]) -> bool:
    """The button is the one that copies the lines."""
    return is_dropped(element) or element.tag == "button" or element in around


def _text_at(event: str, element: Any, pre: Any) -> str:
    if event == "start":
        return element.text or ""
    return "" if element is pre else element.tail or ""
