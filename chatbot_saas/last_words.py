"""supervisord's event listener: when a part has died for good, stop the rest and say which it was.

The protocol on standard input and output is supervisord's: a header line of key:value pairs, then
as many bytes as its `len` says; READY and RESULT are our answers.
"""

from __future__ import annotations

import os
import signal
import sys


def main() -> None:
    while True:
        _say("READY\n")
        header = _pairs(sys.stdin.readline())
        event = _pairs(sys.stdin.read(int(header["len"])))
        sys.stderr.write(f"\n  {event['processname']} keeps dying: stopping everything.\n\n")
        sys.stderr.flush()
        _say("RESULT 2\nOK")
        os.kill(os.getppid(), signal.SIGTERM)


def _say(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()


def _pairs(line: str) -> dict[str, str]:
    return dict(pair.split(":", 1) for pair in line.split())


if __name__ == "__main__":
    main()
