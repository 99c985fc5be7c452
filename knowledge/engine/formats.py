"""The kinds of files that can be read: the one table that pages, forms and readers rest on."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from pathlib import PurePath


class Shell(Enum):
    """What the first bytes of a format look like."""

    TEXT = "text"
    PDF = "pdf"
    ZIP = "zip"
    OLE = "ole"  # the container of Office before 2007, of Outlook, and of locked Office files
    IMAGE = "image"


@dataclass(frozen=True, slots=True)
class Format:
    """`key` is what is stored, `name` what people read, `reader` the function that reads it."""

    key: str
    name: str
    suffixes: tuple[str, ...]
    shell: Shell
    reader: str


TEXT, PDF, ZIP, OLE, IMAGE = Shell.TEXT, Shell.PDF, Shell.ZIP, Shell.OLE, Shell.IMAGE

FORMATS = (
    Format("pdf", "PDF", (".pdf",), PDF, "read_pdf:read_pdf"),
    Format("docx", "Word", (".docx", ".docm", ".dotx"), ZIP, "read_docx:read_docx"),
    Format("pptx", "PowerPoint", (".pptx", ".pptm", ".ppsx"), ZIP, "read_pptx:read_pptx"),
    Format("xlsx", "Excel", (".xlsx", ".xlsm", ".xlsb"), ZIP, "read_sheets:read_sheets"),
    Format("xls", "Excel", (".xls",), OLE, "read_sheets:read_sheets"),
    Format("odt", "OpenDocument", (".odt", ".ott"), ZIP, "read_odf:read_odf"),
    Format("ods", "OpenDocument", (".ods",), ZIP, "read_sheets:read_sheets"),
    Format("odp", "OpenDocument", (".odp",), ZIP, "read_odf:read_odf"),
    Format("epub", "EPUB", (".epub",), ZIP, "read_epub:read_epub"),
    Format("rtf", "RTF", (".rtf",), TEXT, "read_markup:read_rtf"),
    Format("html", "HTML", (".html", ".htm", ".xhtml"), TEXT, "read_markup:read_html"),
    Format("markdown", "Markdown", (".md", ".markdown"), TEXT, "read_markup:read_markdown"),
    Format("rst", "reStructuredText", (".rst",), TEXT, "read_rst:read_rst"),
    Format("text", "Text", (".txt", ".text", ".log"), TEXT, "read_markup:read_plain"),
    Format("csv", "CSV", (".csv",), TEXT, "read_data:read_csv"),
    Format("tsv", "TSV", (".tsv", ".tab"), TEXT, "read_data:read_tsv"),
    Format("json", "JSON", (".json", ".jsonl", ".ndjson"), TEXT, "read_data:read_json"),
    Format("notebook", "Jupyter", (".ipynb",), TEXT, "read_data:read_notebook"),
    Format("email", "E-mail", (".eml",), TEXT, "read_mail:read_eml"),
    Format("outlook", "E-mail", (".msg",), OLE, "read_mail:read_msg"),
    Format("feed", "RSS and Atom", (".rss", ".atom", ".xml"), TEXT, "read_feed:read_feed"),
    Format("subtitles", "Subtitles", (".srt", ".vtt"), TEXT, "read_markup:read_subtitles"),
    Format(
        "image",
        "Pictures of text",
        (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".webp"),
        IMAGE,
        "read_image:read_image",
    ),
    Format("zip", "ZIP of any of these", (".zip",), ZIP, "archive:refuse"),
)

BY_KEY = {one.key: one for one in FORMATS}
BY_SUFFIX = {suffix: one for one in FORMATS for suffix in one.suffixes}
NAMES = {one.key: one.name for one in FORMATS}

# What people send that nothing here reads, and what they can do about it.
_SAVE_AS = "Open it, save it as {} and send that."
REFUSED = {
    ".doc": "This is an old Word file. " + _SAVE_AS.format(".docx"),
    ".dot": "This is an old Word file. " + _SAVE_AS.format(".docx"),
    ".ppt": "This is an old PowerPoint file. " + _SAVE_AS.format(".pptx"),
    ".pps": "This is an old PowerPoint file. " + _SAVE_AS.format(".pptx"),
    ".pages": "Files of Apple’s Pages cannot be read. " + _SAVE_AS.format("PDF"),
    ".numbers": "Files of Apple’s Numbers cannot be read. " + _SAVE_AS.format(".xlsx"),
    ".key": "Files of Apple’s Keynote cannot be read. " + _SAVE_AS.format("PDF"),
    ".rar": "RAR archives cannot be opened. Pack the files as a ZIP instead.",
    ".7z": "7z archives cannot be opened. Pack the files as a ZIP instead.",
    ".gz": "Files packed with gzip cannot be read. Unpack it and send what is in it.",
    ".heic": "HEIC pictures cannot be read. Save the picture as JPEG and send that.",
}


def suffix_of(name: str) -> str:
    return PurePath(name).suffix.lower()


def spoken() -> str:
    """The formats in one line, for people."""
    names = list(dict.fromkeys(one.name for one in FORMATS))
    return ", ".join(names[:-1]) + f" or {names[-1]}"
