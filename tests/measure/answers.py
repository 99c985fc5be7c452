"""Answers a second for 50 visitors at once, with an instant model and without one."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass

import aiohttp
import psutil

from tests.measure.installation import Installation, installed
from tests.services.waiting import wait_until

VISITORS = 50
SECONDS = 8.0
QUESTIONS = (
    "How do I return something?",
    "What does delivery to Norway cost?",
    "When is the shop open on Sundays?",
    "How long is the warranty on boots?",
    "Can I pay with a gift card?",
)


@dataclass(frozen=True)
class Load:
    """Calls a second, failed calls, and the web's processor time for each call in ms."""

    rate: float
    errors: int
    cpu: float


def main() -> None:
    for name, model in (("model", True), ("quoted", False)):
        with installed(model=model) as product:
            await_demo(product)
            floor = _load(product, chat=False)
            load = _load(product, chat=True)
        aim = " (aim: 65/s, 25 ms)" if model else ""
        print(
            f"answers     {name}, {VISITORS} visitors: {load.rate:.0f}/s, {load.cpu:.1f} ms "
            f"processor each, {load.errors} errors{aim}; /healthz alone {floor.rate:.0f}/s, "
            f"ratio 1:{floor.rate / max(load.rate, 0.1):.0f}"
        )


def await_demo(product: Installation) -> None:
    headers = {"Authorization": f"Bearer {product.key}"}

    def ready() -> bool:
        found = product.http.get("/api/documents?limit=200", headers=headers).json()["results"]
        return len(found) >= 16 and all(one["status"] == "ready" for one in found)

    wait_until(ready, 120, every=0.2)


def _load(product: Installation, *, chat: bool) -> Load:
    asyncio.run(_visitors(product, chat=chat, seconds=1.0))
    process = psutil.Process(product.web.pid)
    before = sum(process.cpu_times()[:2])
    began = time.perf_counter()
    done, errors = asyncio.run(_visitors(product, chat=chat, seconds=SECONDS))
    seconds = time.perf_counter() - began
    cpu = (sum(process.cpu_times()[:2]) - before) * 1000 / max(done, 1)
    return Load(done / seconds, errors, cpu)


async def _visitors(product: Installation, *, chat: bool, seconds: float) -> tuple[int, int]:
    deadline = time.perf_counter() + seconds
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(product.web.url, connector=connector) as session:
        work = [_visitor(session, product, n, chat, deadline) for n in range(VISITORS)]
        counts = await asyncio.gather(*work)
    return sum(done for done, _ in counts), sum(errors for _, errors in counts)


async def _visitor(
    session: aiohttp.ClientSession, product: Installation, number: int, chat: bool, deadline: float
) -> tuple[int, int]:
    done = errors = 0
    headers = {"Authorization": f"Bearer {product.key}", "Accept": "text/event-stream"}
    while time.perf_counter() < deadline:
        question = QUESTIONS[(number + done) % len(QUESTIONS)]
        call = (
            session.post(
                "/api/chat", json={"bot": product.bot, "message": question}, headers=headers
            )
            if chat
            else session.get("/healthz")
        )
        async with call as response:
            body = await response.read()
        fine = response.status == 200 and (not chat or b"event: done" in body)
        done, errors = done + fine, errors + (not fine)
    return done, errors
