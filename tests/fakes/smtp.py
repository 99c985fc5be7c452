"""A mail server on loopback that keeps what it is given, and can be told to refuse."""

from __future__ import annotations

import email
import email.policy
import socketserver
import threading
from dataclasses import dataclass
from typing import Self, cast


@dataclass(frozen=True)
class Mail:
    """One delivered mail."""

    recipient: str
    sender: str
    subject: str
    text: str


class FakeSmtp:
    """`with FakeSmtp() as mails:` — then mails.url is what EMAIL_URL wants."""

    def __init__(self) -> None:
        self.delivered: list[Mail] = []
        self.refusing = False
        self._server = _Server(("127.0.0.1", 0), _Conversation)
        self._server.fake = self
        self.url = f"smtp://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def to(self, recipient: str) -> list[Mail]:
        """What this address got, oldest first."""
        return [mail for mail in self.delivered if mail.recipient == recipient]


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    fake: FakeSmtp


class _Conversation(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        fake = cast(_Server, self.server).fake
        self._say("220 fake.example ready")
        sender, recipients = "", list[str]()
        while line := self.rfile.readline().decode("utf-8", "replace").strip():
            verb = line[:4].upper()
            if verb == "EHLO":
                self._say("250-fake.example", "250 8BITMIME")
            elif verb == "MAIL":
                sender, recipients = _address(line), []
                self._say("451 try later" if fake.refusing else "250 ok")
            elif verb == "RCPT":
                recipients.append(_address(line))
                self._say("250 ok")
            elif verb == "DATA":
                self._say("354 go on")
                self._keep(fake, sender, recipients)
            elif verb == "QUIT":
                self._say("221 bye")
                return
            else:
                self._say("250 ok")

    def _keep(self, fake: FakeSmtp, sender: str, recipients: list[str]) -> None:
        lines = []
        while (line := self.rfile.readline()) != b".\r\n":
            lines.append(line.removeprefix(b".") if line.startswith(b"..") else line)
        found = email.message_from_bytes(b"".join(lines), policy=email.policy.default)
        body = found.get_body(("plain",))
        text = str(body.get_content()) if body else ""
        for recipient in recipients:
            fake.delivered.append(Mail(recipient, sender, str(found["Subject"]), text))
        self._say("250 kept")

    def _say(self, *lines: str) -> None:
        self.wfile.write("".join(f"{line}\r\n" for line in lines).encode())


def _address(line: str) -> str:
    return line.partition("<")[2].partition(">")[0]
