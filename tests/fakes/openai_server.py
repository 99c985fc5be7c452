"""A fake OpenAI-compatible server on loopback, over real HTTP/1.1, that does as it is told.

In a test: `with FakeOpenAI() as fake: fake.answer("Yes [1]."); …; fake.requests[0].body`.
As a process: `python -m tests.fakes.openai_server --port 9000 --tokens 20 --rate 0`.
"""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
import threading
from collections.abc import Callable
from typing import Literal, Self

from tests.fakes.openai_app import HOST, OpenAIApp
from tests.fakes.openai_replies import (
    FOREVER,
    Answer,
    Ending,
    Fail,
    Garbage,
    Hang,
    Messages,
    Reply,
    quote_first_passage,
    words,
)
from tests.fakes.openai_script import Endpoint, Recorded
from tests.services.waiting import wait_until

__all__ = ["Answer", "Fail", "FakeOpenAI", "Garbage", "Hang", "Recorded", "Reply", "words"]

LONG = words(40)


class FakeOpenAI:
    """The server in a thread of its own; a context manager."""

    def __init__(self, *, port: int = 0) -> None:
        self.port = port
        self._app = OpenAIApp()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(
            target=self._loop.run_forever, name="fake-openai", daemon=True
        )

    @property
    def url(self) -> str:
        """The address for OPENAI_BASE_URL."""
        return f"http://{HOST}:{self.port}/v1"

    @property
    def requests(self) -> list[Recorded]:
        """What it was asked since the last `reset()`, oldest first."""
        return list(self._app.requests)

    @property
    def open_streams(self) -> int:
        """How many chat completions it is answering now, streamed or not, hanging included."""
        return self._app.open_streams

    @property
    def queued(self) -> int:
        """How many behaviours nobody has asked for yet."""
        return len(self._app.script)

    def reply(self, reply: Reply, *, on: Endpoint = "chat", when: str = "", times: int = 1) -> None:
        """Queue any reply, such as `Answer(text, fragment=3)`."""
        self._app.script.add(reply, on=on, when=when, times=times)

    def answer(
        self,
        text: str,
        *,
        tokens_per_second: float = 0.0,
        pause_before: float = 0.0,
        finish_reason: str = "stop",
        when: str = "",
        times: int = 1,
    ) -> None:
        """Answer the next chat request (whose body contains `when`)."""
        reply = Answer(text, tokens_per_second, pause_before, finish_reason)
        self.reply(reply, when=when, times=times)

    def answer_with(
        self, make: Callable[[Messages], str], *, when: str = "", times: int = 1
    ) -> None:
        """Answer the next chat request with what `make(messages)` returns."""
        self.reply(Answer(make), when=when, times=times)

    def fail(
        self,
        status: int = 500,
        *,
        retry_after: float | None = None,
        code: str | None = None,
        on: Endpoint = "chat",
        when: str = "",
        times: int = 1,
    ) -> None:
        """Answer the next request with an error in OpenAI's words."""
        self.reply(Fail(status, retry_after, code), on=on, when=when, times=times)

    def garbage(
        self, kind: Literal["html", "json"] = "html", *, on: Endpoint = "chat", times: int = 1
    ) -> None:
        """Answer 200 with a proxy's page, or with JSON (in a stream: an event) that breaks off."""
        self.reply(Garbage(kind), on=on, times=times)

    def hang(self, seconds: float = FOREVER, *, on: Endpoint = "chat", times: int = 1) -> None:
        """Accept the next request and send nothing; cut it after `seconds` or `release()`."""
        self.reply(Hang(seconds), on=on, times=times)

    def hang_after(self, n_tokens: int, text: str = LONG, *, times: int = 1) -> None:
        """Fall silent after `n_tokens` tokens; `release()` lets the rest follow."""
        self._cut("hang", n_tokens, text, times)

    def drop_after(self, n_tokens: int, text: str = LONG, *, times: int = 1) -> None:
        """Cut the connection after `n_tokens` tokens."""
        self._cut("drop", n_tokens, text, times)

    def error_after(self, n_tokens: int, text: str = LONG, *, times: int = 1) -> None:
        """Send an error event after `n_tokens` tokens, as OpenAI does once a stream has begun."""
        self._cut("error", n_tokens, text, times)

    def garbage_after(self, n_tokens: int, text: str = LONG, *, times: int = 1) -> None:
        """Send an event of broken JSON after `n_tokens` tokens, then end as usual."""
        self._cut("garbage", n_tokens, text, times)

    def always(self, reply: Reply, *, on: Endpoint = "chat") -> None:
        """Do this whenever nothing in the queue fits, until `reset()`."""
        self._app.script.always(reply, on=on)

    def release(self) -> None:
        """Let everything that hangs now go on."""
        self._loop.call_soon_threadsafe(self._app.release)

    def reset(self) -> None:
        """Forget the queue and the requests, and let go of what hangs."""
        self._app.script.clear()
        self._app.requests.clear()
        self.release()

    def wait_until(self, predicate: Callable[[], bool], timeout: float = 5.0) -> None:
        """Return once `predicate()` is true; the TimeoutError tells what the fake saw."""
        try:
            wait_until(predicate, timeout)
        except TimeoutError as late:
            seen = f"{self.open_streams} open, last requests: {self.requests[-5:]}"
            raise TimeoutError(f"{late}; {seen}") from None

    def __enter__(self) -> Self:
        self._thread.start()
        try:
            listening = asyncio.run_coroutine_threadsafe(self._app.listen(self.port), self._loop)
            self.port = listening.result(timeout=10)
        except BaseException:
            self._end_thread()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._app.close(), self._loop).result(timeout=10)
        self._end_thread()

    def _cut(self, ending: Ending, after: int, text: str, times: int) -> None:
        self.reply(Answer(text, ending=ending, after=after), times=times)

    def _end_thread(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(timeout=10)
        self._loop.close()


async def serve(port: int, reply: Answer, keep: int) -> None:
    """Serve until SIGTERM or Ctrl-C, answering `reply` when the control API says nothing else."""
    app = OpenAIApp(keep=keep)
    app.script.always(reply)
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    sys.stdout.write(f"http://{HOST}:{await app.listen(port)}/v1\n")
    sys.stdout.flush()
    await ended.wait()
    await app.close()


def main() -> None:
    """Read the command line and serve."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--tokens", type=int, help="answer so many words (default: quote)")
    parser.add_argument("--rate", type=float, default=0.0, help="tokens a second; 0: all at once")
    parser.add_argument("--pause", type=float, default=0.0, help="seconds before the first token")
    parser.add_argument("--keep", type=int, default=10_000, help="how many requests to remember")
    options = parser.parse_args()
    text = quote_first_passage if options.tokens is None else words(options.tokens)
    reply = Answer(text, options.rate, options.pause)
    asyncio.run(serve(options.port, reply, options.keep))


if __name__ == "__main__":
    main()
