"""A fresh installation of real processes for the benchmarks, in a folder of its own."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx

from tests.services.chroma import Chroma
from tests.services.django import Web, Worker, manage
from tests.services.fake_openai import FakeOpenAIProcess
from tests.services.process import ROOT

UNLIMITED = ",".join(
    f"{name}=10000000/m"
    for name in (
        "session_address",
        "chat_address",
        "chat_visitor",
        "chat_bot",
        "chat_client",
        "api_client",
    )
)


@dataclass(frozen=True)
class Installation:
    """Web and worker with the demo client, whose key and bot these are."""

    web: Web
    worker: Worker
    fake: FakeOpenAIProcess
    env: dict[str, str]
    key: str
    bot: str
    http: httpx.Client


@contextmanager
def installed(
    *, model: bool = False, embeddings: bool = False, processes: int = 1
) -> Iterator[Installation]:
    """Start everything; with `model`, answers come from an instant fake of 20 tokens, with
    `embeddings` also the vectors come from there."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="bench-")))
        chroma = stack.enter_context(Chroma())
        fake = stack.enter_context(FakeOpenAIProcess(tokens=20))
        env = {"VAR_DIR": str(folder), "CHROMA_URL": chroma.url, "RATE_LIMITS": UNLIMITED}
        env |= {"SECRET_KEY": "bench", "LOG_LEVEL": "ERROR"}
        speaking = {"OPENAI_BASE_URL": fake.url, "OPENAI_API_KEY": "none"}
        if embeddings:
            env |= speaking | {"EMBEDDING_MODEL": "text-embedding-3-small"}
        (folder / "models").symlink_to(ROOT / "var" / "models")
        manage("prepare", env=env)
        demo = json.loads(manage("demo", "--json", env=env).stdout)
        worker = stack.enter_context(Worker(env, concurrency=processes))
        web = stack.enter_context(Web(env | speaking if model else env))
        http = stack.enter_context(httpx.Client(base_url=web.url, timeout=60))
        yield Installation(web, worker, fake, env, demo["api_key"], demo["bot_id"], http)
