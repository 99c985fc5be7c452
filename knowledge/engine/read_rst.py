"""reStructuredText by docutils, with the marks that Sphinx adds to it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from docutils import nodes
from docutils.core import publish_string
from docutils.parsers.rst import Directive, directives, roles
from docutils.transforms import Transform
from docutils.utils import Reporter, SystemMessage
from docutils.writers import get_writer_class

from knowledge.engine.document import Draft
from knowledge.engine.read_html import html_to_markdown
from knowledge.engine.read_text import decode, tidy

# docutils reads 0.1 MB a second, and leaves out all of a text that has a longer line: such a text
# stays as it is.
MOST_MARKED_CHARACTERS = 1_000_000
MOST_LINE_CHARACTERS = 100_000
SETTINGS = {
    "file_insertion_enabled": False,
    "raw_enabled": True,  # HTML of the file's own is no more dangerous than a file of HTML
    "math_output": "LaTeX",
    "_disable_config": True,
    "report_level": 5,
    "halt_level": 5,
    "output_encoding": "unicode",
    "doctitle_xform": True,
    "embed_stylesheet": False,
    "stylesheet_path": "",
    "line_length_limit": MOST_LINE_CHARACTERS,
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
CODE = frozenset({"code", "code-block", "prompt", "sourcecode"})
# They tell Sphinx what to do, or name other files: none of it is shown to a reader.
SILENT = frozenset(
    {"currentmodule", "default-domain", "highlight", "index", "literalinclude", "tabularcolumns"}
    | {"toctree"}
)
TARGET = re.compile(r"\s*<[^<>]*>$")


def read_rst(path: Path) -> Draft:
    """By docutils, which is kept from including files; a text it gives up on stays as it is."""
    text = tidy(decode(path.read_bytes()))
    if len(text) > MOST_MARKED_CHARACTERS or _longest_line(text) > MOST_LINE_CHARACTERS:
        return Draft([text], plain=True)
    try:
        page = publish_string(text, writer=_writer(), settings_overrides=SETTINGS)
    except (SystemMessage, RecursionError, LookupError, ValueError, TypeError, AttributeError):
        return Draft([text], plain=True)  # docutils stumbles over odd marks in all of these ways
    title, markdown = html_to_markdown(str(page).encode(), whole=True)
    return Draft([markdown], title="" if title == UNTITLED else title)


def _longest_line(text: str) -> int:
    return max(map(len, text.split("\n")))


class _KeepSource(Transform):
    """What is not understood stays as it was written, where docutils would only complain of it."""

    default_priority = 860  # before complaints are left out

    def apply(self) -> None:
        for message in tuple(self.document.findall(nodes.system_message)):
            source = [one for one in message if isinstance(one, nodes.literal_block)]
            if source and message["level"] >= Reporter.ERROR_LEVEL:
                message.replace_self(source)


def _writer() -> Any:
    """Made when it is needed: what it loads takes 12 MB of each process that waits for a file."""
    usual: Any = get_writer_class("html5")

    class Writer(usual):
        def get_transforms(self) -> list[type[Transform]]:
            return [*super().get_transforms(), _KeepSource]

    return Writer()


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


class _Code(_Text):
    """Its words are the language, where more follows."""

    def run(self) -> list[Any]:
        code = "\n".join(self.content or self.arguments)
        return [nodes.literal_block(code, code)]


class _Math(_Code):
    optional_arguments = 0


class _Silent(_Text):
    def run(self) -> list[Any]:
        return []


def _words(name: str, raw: str, text: str, line: int, inliner: Any, **_: Any) -> Any:
    """A reference to another file of the same books: its words without its target."""
    shown = TARGET.sub("", nodes.unescape(text)) or text.strip("<>")
    return [nodes.Text(shown.lstrip("~!"))], []


_directive, _role = directives.directive, roles.role


def _any_directive(*asked: Any) -> Any:
    found, messages = _directive(*asked)
    return found or _Text, messages


def _any_role(*asked: Any) -> Any:
    found, messages = _role(*asked)
    return found or _words, messages


# Sphinx puts itself before docutils in this way too.
directives.directive, roles.role = _any_directive, _any_role
directives.register_directive("math", _Math)
for _kind, _names in ((_Text, {*LABELS, *TITLED, *UNTOLD}), (_Code, CODE), (_Silent, SILENT)):
    for _name in _names:
        directives.register_directive(_name, _kind)
