"""What the engine says when it cannot go on.

EngineError
├── Unreadable        the file is at fault: the message is for its owner
└── EmbedderDown      the model is at fault: try again later
    └── EmbedderRefused   it answers, and will not do: trying again changes nothing
"""

from __future__ import annotations


class EngineError(Exception):
    """Something in reading, splitting or embedding went wrong."""


class Unreadable(EngineError):
    """A file that no retry will read; the message says why, in the owner's words."""


class EmbedderDown(EngineError):
    """The embedding model did not answer."""


class EmbedderRefused(EmbedderDown):
    """The embedding model cannot be used as it is set up; the message says why."""
