"""Names for rows that strangers may see: random, so that nothing can be counted or guessed."""

from __future__ import annotations

import secrets

ALPHABET = "23456789abcdefghjkmnpqrstuvwxyzABCDEFGHJKMNPQRSTUVWXYZ"
LENGTH = 22  # 22 of 54 letters: 126 bits


def new_id(prefix: str) -> str:
    """A name such as bot_7Qm2…, without look-alike letters."""
    return f"{prefix}_" + "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))


def is_id(text: object, prefix: str) -> bool:
    """Whether `text` has the form that new_id gives."""
    if not isinstance(text, str) or not text.startswith(f"{prefix}_"):
        return False
    rest = text.removeprefix(f"{prefix}_")
    return len(rest) == LENGTH and all(letter in ALPHABET for letter in rest)
