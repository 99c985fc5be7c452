"""Why an address could not be asked; each message is a sentence for whoever gave the address.

FetchError
├── Blocked        we do not go there
├── Unreachable    no such host, no connection, or no HTTP
├── TooSlow        not answered in time
├── TooLarge       more bytes than we take
├── WrongType      not a kind of content that we can use
└── Refused        an answer that is not a success; `status` says which
"""

from __future__ import annotations


class FetchError(Exception):
    """An address could not be asked, or what it gave could not be taken."""

    code = "fetch_failed"

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Blocked(FetchError):
    code = "address_blocked"


class Unreachable(FetchError):
    code = "unreachable"


class TooSlow(FetchError):
    code = "too_slow"


class TooLarge(FetchError):
    code = "too_large"


class WrongType(FetchError):
    code = "wrong_type"


class Refused(FetchError):
    """`retry_after`: for how many seconds the server asks to be left alone, where it says so."""

    code = "refused"

    def __init__(self, status: int, retry_after: int | None = None) -> None:
        super().__init__(f"The server answers with status {status}.")
        self.status = status
        self.retry_after = retry_after

    @property
    def is_gone(self) -> bool:
        return self.status in {404, 410}
