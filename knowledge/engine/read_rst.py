"""reStructuredText by docutils, with the marks that Sphinx adds to it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from docutils import nodes
from docutils.core import publish_string
from docutils.parsers.rst import Directive, directives, roles
from docutils.utils import SystemMessage

from knowledge.engine.document import Draft
from knowledge.engine.read_html import html_to_markdown
from knowledge.engine.read_text import decode, tidy

MOST_MARKED_CHARACTERS = 1_000_000  # docutils reads 0.1 MB a second; a longer text stays as it is
SETTINGS = {
    "file_insertion_enabled": False,
    "raw_enabled": False,
    "_disable_config": True,
    "report_level": 5,
    "halt_level": 5,
    "output_encoding": "unicode",
    "doctitle_xform": True,
    "embed_stylesheet": False,
    "stylesheet_path": "",
    "line_length_limit": 100_000,
    "warning_stream": False,
}
UNTITLED = "<string>"  # what docutils calls a text without one title above everything
LABELS = {
    "versionadded": "New in version",
    "versionchanged": "Changed in version",
    "versionremoved": "Removed in version",
    "deprecated": "Deprecated since version",
    "seealso": "See also",
}
TITLED = frozenset({"card", "dropdown", "grid-item-card", "tab", "tab-item"})
UNTOLD = frozenset({"glossary", "grid", "grid-item", "hlist", "only", "tab-set", "tabs"})
_ROLES = """
abbr any attr class command doc download envvar file func guilabel kbd keyword menuselection meth
mod numref option program ref samp term
"""
TARGET = re.compile(r"\s*<[^<>]*>$")


def read_rst(path: Path) -> Draft:
    """By docutils, which is kept from including files; a text it gives up on stays as it is."""
    text = tidy(decode(path.read_bytes()))
    if len(text) > MOST_MARKED_CHARACTERS:
        return Draft([text], plain=True)
    try:
        page = publish_string(text, writer="html5", settings_overrides=SETTINGS)
    except (SystemMessage, RecursionError):
        return Draft([text], plain=True)
    title, markdown = html_to_markdown(str(page).encode(), whole=True)
    return Draft([markdown], title="" if title == UNTITLED else title)


class _AnyOptions(dict[str, Any]):
    """Takes each option of a directive as it stands: we use none of them."""

    def __bool__(self) -> bool:
        return True

    def __getitem__(self, name: str) -> Any:
        return lambda value: value


class _Text(Directive):
    """Keeps what a directive says, where docutils would leave out one that it does not know."""

    optional_arguments = 1
    final_argument_whitespace = True
    has_content = True
    option_spec = _AnyOptions()

    def run(self) -> list[Any]:
        box = nodes.container()
        if words := self._title():
            inline, _ = self.state.inline_text(words, self.lineno)
            box += nodes.paragraph(words, "", *inline)
        self.state.nested_parse(self.content, self.content_offset, box)
        return [box]

    def _title(self) -> str:
        if self.name in UNTOLD:
            return ""
        return " ".join([LABELS.get(self.name, ""), *self.arguments]).strip()


def _words(name: str, raw: str, text: str, line: int, inliner: Any, **_: Any) -> Any:
    """A reference to another file of the same books: its words without its target."""
    shown = TARGET.sub("", nodes.unescape(text)) or text.strip("<>")
    return [nodes.Text(shown.lstrip("~!"))], []


for _name in (*LABELS, *TITLED, *UNTOLD):
    directives.register_directive(_name, _Text)
for _name in _ROLES.split():
    roles.register_local_role(_name, _words)
