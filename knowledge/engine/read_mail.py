"""E-mails, as files of any program (EML) and of Outlook (MSG): who, when, what about, the text."""

from __future__ import annotations

import email
import email.policy
from collections.abc import Iterator
from email.errors import MessageError
from email.message import EmailMessage, MIMEPart
from itertools import islice
from pathlib import Path

from oxmsg import Message

from knowledge.engine.document import Draft
from knowledge.engine.errors import Unreadable
from knowledge.engine.read_html import html_to_markdown
from knowledge.engine.read_text import decode_as

SHOWN = ("From", "To", "Date")
DAMAGED = "This e-mail is damaged. Save it again and send the new file."
MOST_PARTS = 200
MOST_FORWARDED = 5  # one within the other


def read_eml(path: Path) -> Draft:
    with path.open("rb") as file:
        message = email.message_from_binary_file(file, policy=email.policy.default)
    if not message.keys():
        raise Unreadable("This file is not of the type that its name says: it is no e-mail.")
    try:
        subject = str(message["Subject"] or "")
        known = [(name, str(message[name] or "")) for name in SHOWN]
        text = "\n\n".join(_texts(message))
    except (MessageError, ValueError, IndexError, AttributeError, LookupError) as error:
        # The standard library's own parser of headers gives up in all of these ways.
        raise Unreadable(DAMAGED) from error
    return _draft(subject, known, text)


def _texts(message: EmailMessage, depth: int = 0) -> Iterator[str]:
    """The body, what stands between its pictures, what it forwards, the names of what is
    attached."""
    body, text = _body(message)
    yield text
    names = []
    for part in islice(_others(message, body), MOST_PARTS):
        name, kind = part.get_filename(), part.get_content_type()
        if kind == "message/rfc822" and depth < MOST_FORWARDED:
            yield from _forwarded(part.get_content(), depth + 1)
        elif name:
            names.append(" ".join(name.split()))
        elif kind in {"text/plain", "text/html"}:
            yield _text_of(part)
    if names:
        yield f"Attached: {', '.join(names)}"


def _others(message: EmailMessage, body: MIMEPart | None) -> Iterator[MIMEPart]:
    """What is not the body, nor holds it."""
    if message.get_content_type() != "multipart/mixed":
        return message.iter_attachments()
    return (part for part in message.iter_parts() if all(one is not body for one in part.walk()))


def _forwarded(message: EmailMessage, depth: int) -> Iterator[str]:
    yield f"Forwarded: {' '.join(str(message['Subject'] or '').split())}"
    yield from _texts(message, depth)


def _body(message: EmailMessage) -> tuple[MIMEPart | None, str]:
    """In its plain form where that says something."""
    found = None
    for form in ("plain", "html"):
        body = message.get_body(preferencelist=(form,))
        found = found or body
        if body is not None and (text := _text_of(body)):
            return body, text
    return found, ""


def _text_of(body: MIMEPart) -> str:
    data = body.get_payload(decode=True)
    data = data if isinstance(data, bytes) else b""
    if not data.strip():
        return ""
    text = decode_as(data, body.get_content_charset() or "utf-8")
    return _of_page(text) if body.get_content_subtype() == "html" else text


def _of_page(text: str) -> str:
    try:
        return html_to_markdown(text.encode(errors="replace"), whole=True)[1]
    except Unreadable:
        return ""  # a picture or nothing: the rest of the letter counts


def _draft(subject: str, known: list[tuple[str, str]], text: str) -> Draft:
    subject = " ".join(subject.split())
    head = [f"{name}: {' '.join(value.split())}" for name, value in known if value.strip()]
    parts = [f"# {subject}" if subject else "", "\n".join(head), text]
    return Draft(["\n\n".join(part for part in parts if part)], title=subject)


def read_msg(path: Path) -> Draft:
    try:
        message = Message.load(str(path))
        to = ", ".join(one.name or one.email_address for one in message.recipients)
        sent = message.sent_date
        known = [
            ("From", _unfolded(message.sender or "")),
            ("To", to.strip(", ")),
            ("Date", sent.strftime("%d %B %Y, %H:%M") if sent else ""),
        ]
        text, html = message.body or "", message.html_body or ""
        names = [one.file_name for one in message.attachments if one.file_name]
        subject = message.subject or ""
    except (OSError, KeyError, ValueError, IndexError, TypeError, AttributeError) as error:
        # The library trusts the file's own tables; each lie of theirs ends in one of these.
        raise Unreadable(DAMAGED) from error
    if not text.strip() and html.strip():
        text = _of_page(html)
    if names:
        text += f"\n\nAttached: {', '.join(names)}"
    return _draft(subject, known, text)


def _unfolded(header: str) -> str:
    """Outlook keeps a sender as it came over the wire."""
    parsed = email.policy.default.header_factory("from", header)
    return str(parsed)
