"""Files in, one text out. Each format's reader is imported only when a file of it is read.

It runs in a process of its own with limits (sandbox.py), which should hold nothing it does not
need.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pathlib import Path

from knowledge.engine.container import format_inside
from knowledge.engine.document import Draft, Heading, PageStart, ReadText, compose
from knowledge.engine.errors import Unreadable
from knowledge.engine.formats import BY_KEY, Shell

__all__ = ["Draft", "Heading", "PageStart", "ReadText", "read"]

Reader = Callable[[Path], Draft]


def read(path: Path, file_format: str) -> ReadText:
    """Read the file at `path`, whose format is a key of formats.FORMATS.

    Raises Unreadable, with a reason for the file's owner, when no text can be had from it.
    """
    if not path.stat().st_size:
        raise Unreadable("This file is empty.")
    found = BY_KEY[file_format]
    if found.shell is Shell.ZIP:
        found = BY_KEY[format_inside(path, found.key)]
    return compose(_reader(found.reader)(path))


def _reader(name: str) -> Reader:
    module, function = name.split(":")
    reader: Reader = getattr(import_module(f"knowledge.engine.{module}"), function)
    return reader
