"""Markdown as people write it becomes the simple one that we keep: without HTML, and with one
kind of heading."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from knowledge.engine.document import fence_after
from knowledge.engine.errors import Unreadable
from knowledge.engine.read_html import html_to_markdown

FENCE = re.compile(r" {0,3}(`{3,}|~{3,})(.*)$")
BLOCK = re.compile(
    r" {0,3}</?(address|article|aside|blockquote|center|details|div|dl|figure|footer|h[1-6]|header|"
    r"hr|iframe|main|nav|ol|p|script|section|style|summary|table|t[dhr]|ul|video)(?:[\s/>]|$)",
    re.I,
)
INLINE = re.compile(
    r"</?(?:a|abbr|b|big|br|center|del|em|font|i|img|ins|kbd|mark|picture|small|source|span|"
    r"strong|sub|sup|u)(?:\s[^<>]*)?/?>",
    re.I,
)
UNSEEN = ("script", "style")  # a blank line ends all blocks but these
UNDERLINE = re.compile(r" {0,3}(?:(=+)|-{3,})[ \t]*")
UNDERLINED = re.compile(r" {0,3}[^\s>#|*+<`~=-].*")


def plain_markdown(text: str) -> str:
    return "\n".join(_marked_before(_without_html(text.replace("\r\n", "\n").split("\n"))))


def _without_html(lines: list[str]) -> Iterator[str]:
    block, name, fence = list[str](), "", ""
    for line in lines:
        if not block and not fence and (begin := BLOCK.match(line)):
            name = begin[1].lower()
            block = [line]
        elif block and (line.strip() or name in UNSEEN):
            block.append(line)
        elif block:
            yield from (_shown(block), "")
            block = []
        else:
            if mark := FENCE.match(line):
                fence = fence_after(fence, mark[1], mark[2])
            is_code = fence or "`" in line or line.startswith("    ")
            yield line if is_code else INLINE.sub("", line)
        if block and name in UNSEEN and f"</{name}" in line.lower():
            block = []
    if block:  # a script that never ends is none
        yield "\n".join(block[1:]) if name in UNSEEN else _shown(block)


def _shown(block: list[str]) -> str:
    try:
        return html_to_markdown("\n".join(block).encode(errors="replace"), whole=True)[1].strip()
    except Unreadable:
        return ""


def _marked_before(lines: Iterable[str]) -> list[str]:
    """A line that is underlined is a heading: its mark comes before it, as that of all others."""
    kept, fence = list[str](), ""
    for line in lines:
        if mark := FENCE.match(line):
            fence = fence_after(fence, mark[1], mark[2])
        below = None if fence else UNDERLINE.fullmatch(line)
        alone = kept and UNDERLINED.fullmatch(kept[-1]) and not "".join(kept[-2:-1]).strip()
        if below and alone:
            kept[-1] = f"{'#' if below[1] else '##'} {kept[-1].strip()}"
        else:
            kept.append(line)
    return kept
