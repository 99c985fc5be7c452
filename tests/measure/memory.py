"""What everything that `make run` starts holds in memory when nobody asks anything of it."""

from __future__ import annotations

import json
import time
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx
import psutil

from tests.services.django import manage
from tests.services.make_run import MakeRun, command_of
from tests.services.process import ROOT
from tests.services.waiting import wait_until

AIM = 700
DEMO = 12  # documents at least
QUESTION = "How many days do I have to return something?"
# By a word of the command; what has none of them belongs to the process that started it.
PARTS = {
    "supervisord": "supervisord",
    "last_words": "watch",
    "chroma": "chroma",
    "uvicorn": "web",
    "chatbot_saas.beat": "scheduler",
    "--queues short": "worker",
    "--queues reading": "reader",
}
QUIET_SECONDS = 10.0
LATER_SECONDS = 90.0  # by then nothing waits for more work (WORKER_IDLE_SECONDS)


def main() -> None:
    with TemporaryDirectory(prefix="bench-") as folder:
        for made in ("models", "static"):
            (ROOT / "var" / made).mkdir(parents=True, exist_ok=True)
            (Path(folder) / made).symlink_to(ROOT / "var" / made)
        with MakeRun(Path(folder), LOG_LEVEL="ERROR") as product:
            _first_question(product)
            _wait_until_idle(product)
            _print("just quiet", product)
            time.sleep(LATER_SECONDS)
            _print(f"idle for {LATER_SECONDS:.0f} s", product)


def _first_question(product: MakeRun) -> None:
    """The demo is read, and somebody asks."""
    demo = json.loads(manage("demo", "--json", env=product.env).stdout)
    headers = {"Authorization": f"Bearer {demo['api_key']}"}
    with httpx.Client(base_url=product.url, headers=headers, timeout=60) as http:

        def is_read() -> bool:
            found = http.get("/api/documents?limit=200").json()["results"]
            return len(found) >= DEMO and all(one["status"] == "ready" for one in found)

        wait_until(is_read, 120, every=0.5)
        answer = http.post("/api/chat", json={"bot": demo["bot_id"], "message": QUESTION})
        answer.raise_for_status()


def _wait_until_idle(product: MakeRun) -> None:
    """Until all of it has used no more than a twentieth of a processor for a while."""
    used, since = _seconds_used(product), time.monotonic()
    while time.monotonic() - since < QUIET_SECONDS:
        time.sleep(1)
        if (now := _seconds_used(product)) - used > QUIET_SECONDS / 20:
            used, since = now, time.monotonic()


def _seconds_used(product: MakeRun) -> float:
    return sum(sum(one.cpu_times()[:2]) for one in product.parts(""))


def megabytes(product: MakeRun) -> Counter[str]:
    """Of each part, shared pages divided among those that share them."""
    held = Counter[str]()
    root = psutil.Process(product.pid)
    for one in [root, *root.children(recursive=True)]:
        held[_part(one)] += round(one.memory_full_info().pss / 1e6)
    return held


def _part(process: psutil.Process) -> str:
    command = command_of(process)
    named = next((name for word, name in PARTS.items() if word in command), None)
    parent = process.parent()
    return named or (_part(parent) if parent else "?")


def _print(when: str, product: MakeRun) -> None:
    held = megabytes(product)
    each = ", ".join(f"{name} {size}" for name, size in held.most_common())
    print(f"memory      {when}: {held.total()} MB (aim: {AIM}): {each}", flush=True)
