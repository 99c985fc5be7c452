"""A stored file as a file of this machine, for those that read it in a process of their own.

On the storage's own disk it is the file itself. From elsewhere it is copied for as long as it is
read. Each worker has a copy of its own, on which it holds a lock for as long as it lives: a copy
that nobody holds belongs to one that was killed, and the next one deletes it.
"""

from __future__ import annotations

import fcntl
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from django.conf import settings
from django.core.files import File
from django.core.files.storage import default_storage

from chatbot_saas.lib.storage import StorageDown
from knowledge.engine.errors import Unreadable

CHUNK = 1024 * 1024
PREFIX = "copy-"
BEAT_SECONDS = 1.0
# A file that was made this moment is perhaps not locked yet.
YOUNG_SECONDS = 60
GONE = "The file of this document is gone. Please upload it again."

Beat = Callable[[], object]


@contextmanager
def local_copy(name: str, *, beat: Beat = lambda: None) -> Iterator[Path]:
    """The path of a stored file; `beat` is called while it is fetched.

    Raises Unreadable when it is gone, and StorageDown.
    """
    sweep()
    try:
        path = Path(default_storage.path(name))
    except NotImplementedError:
        with _fetched(name, beat) as path:
            yield path
        return
    if not path.is_file():
        raise Unreadable(GONE)
    yield path


def sweep() -> None:
    """Delete the copies of workers that were killed."""
    for path in _folder().glob(f"{PREFIX}*"):
        with suppress(FileNotFoundError):
            if time.time() - path.stat().st_mtime > YOUNG_SECONDS and not _is_held(path):
                path.unlink()


@contextmanager
def _fetched(name: str, beat: Beat) -> Iterator[Path]:
    try:
        stored = default_storage.open(name)
    except FileNotFoundError as error:
        raise Unreadable(GONE) from error
    with stored, tempfile.NamedTemporaryFile(prefix=PREFIX, dir=_folder()) as copy:
        fcntl.flock(copy, fcntl.LOCK_EX)
        _fetch(stored, copy.file, beat)
        yield Path(copy.name)


def _fetch(stored: File, copy: IO[bytes], beat: Beat) -> None:
    last = time.monotonic()
    for chunk in stored.chunks(CHUNK):
        copy.write(chunk)
        if time.monotonic() - last >= BEAT_SECONDS:
            beat()
            last = time.monotonic()
    copy.flush()
    if copy.tell() != stored.size:
        raise StorageDown(f"{copy.tell()} bytes of {stored.size} came")


def _is_held(path: Path) -> bool:
    with path.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def _folder() -> Path:
    return Path(settings.FILE_UPLOAD_TEMP_DIR)
