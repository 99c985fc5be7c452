"""The process from which those that read a file are forked.

Starting Python and loading the readers took longer than reading most files. Here that is done once;
each file still has a process of its own, forked from one that has never seen a file. Its standard
input is a socket: a message holds a job, where its output goes and perhaps what it reads; the
answers are the process's id, and in the end its exit code.
"""

from __future__ import annotations

import gc
import json
import os
import signal
import socket
import tempfile
import traceback
from pathlib import Path
from typing import Any

from knowledge.engine import read_data, read_html, read_markup, read_rst, reading_child
from knowledge.engine.read import read
from knowledge.engine.reading_child import die_with_parent
from knowledge.engine.split import split

LOADED = (
    read_data,
    read_html,
    read_markup,
    read_rst,
)  # most files need these; the rest comes after
MOST_JOB_BYTES = 64 * 1024
MOST_FDS = 3
IDLE_SECONDS = 60.0
# Of our own making: what is set up by the first text that is read need not be set up by each.
SAMPLES = {
    "markdown": "# Title\n\nA sentence in English, with a [link](https://example.org).\n\n- One\n",
    "html": "<title>Title</title><h1>Title</h1><p>A sentence in English.</p><ul><li>One</ul>",
    "text": "A sentence in English.\n\nAnother one.\n",
}


def main() -> None:
    die_with_parent()
    _warm_up()
    asks = socket.socket(fileno=0)
    asks.settimeout(IDLE_SECONDS)
    while True:
        try:
            job, fds, _, _ = socket.recv_fds(asks, MOST_JOB_BYTES, MOST_FDS)
        except TimeoutError:
            return
        if not job:
            return
        asks.send(json.dumps(_read(json.loads(job), fds, asks)).encode())


def _warm_up() -> None:
    with tempfile.NamedTemporaryFile() as file:
        path = Path(file.name)
        for kind, text in SAMPLES.items():
            path.write_text(text, encoding="utf-8")
            list(split(read(path, kind)))
    # Else the collector of each process would write to all that it shares with this one.
    gc.collect()
    gc.freeze()


def _read(job: dict[str, Any], fds: list[int], asks: socket.socket) -> int:
    """The exit code of the process that did the job; negative for a signal."""
    pid = os.fork()
    if pid == 0:
        _be_the_child(job, *fds)
    for fd in fds:
        os.close(fd)
    asks.send(json.dumps(pid).encode())
    _, status = os.waitpid(pid, 0)
    return os.waitstatus_to_exitcode(status)


def _be_the_child(job: dict[str, Any], out: int, said: int, given: int | None = None) -> None:
    code = 1
    try:
        os.setsid()  # so that what it starts can be ended with it
        os.dup2(said, 2)
        # Not the socket.
        os.dup2(os.open(os.devnull, os.O_RDONLY) if given is None else given, 0)
        os.dup2(out, 1)
        os.closerange(3, 64)
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        reading_child.main(job)
        code = 0
    except Exception:  # noqa: BLE001 -- the last line of it is all that the worker learns
        traceback.print_exc()
    finally:
        os._exit(code)


if __name__ == "__main__":
    main()
