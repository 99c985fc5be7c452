"""`make run`'s program: everything under one supervisor, from an empty folder."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from tests import environment
from tests.services.django import manage
from tests.services.make_run import MakeRun
from tests.services.process import ROOT, child_env, is_gone
from tests.services.waiting import wait_until


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MakeRun]:
    folder = tmp_path_factory.mktemp("installation")
    for made in ("models", "static"):
        (folder / made).symlink_to(environment.BASE / "var" / made)
    with MakeRun(folder) as running:
        yield running


@pytest.fixture(scope="module")
def demo(installation: MakeRun) -> dict[str, Any]:
    done = manage("demo", "--json", env=installation.env)
    return dict(json.loads(done.stdout))


def documents(installation: MakeRun, demo: dict[str, Any]) -> list[dict[str, Any]]:
    bearer = {"Authorization": f"Bearer {demo['api_key']}"}
    answer = httpx.get(f"{installation.url}/api/documents?limit=100", headers=bearer)
    return list(answer.json()["results"])


def all_ready(installation: MakeRun, demo: dict[str, Any]) -> bool:
    found = documents(installation, demo)
    return len(found) >= 12 and all(one["status"] == "ready" for one in found)


def ask(installation: MakeRun, demo: dict[str, Any], message: str) -> dict[str, Any]:
    answer = httpx.post(
        f"{installation.url}/api/chat",
        json={"bot": demo["bot_id"], "message": message},
        headers={"Authorization": f"Bearer {demo['api_key']}"},
        timeout=30,
    )
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def test_it_says_where_to_look_and_how_to_log_in(
    installation: MakeRun, demo: dict[str, Any]
) -> None:
    said = installation.log_text()
    for word in ("/demo/", "/app/", demo["email"], demo["password"], demo["api_key"]):
        assert word in said


def test_the_demo_command_prints_its_json_and_nothing_else(demo: dict[str, Any]) -> None:
    assert set(demo) == {"url", "email", "password", "api_key", "bot_id", "client_id"}


def test_a_question_about_the_shop_is_answered_with_its_source(
    installation: MakeRun, demo: dict[str, Any]
) -> None:
    wait_until(lambda: all_ready(installation, demo), 60)
    answer = ask(installation, demo, "How many days do I have to return something?")
    assert answer["answered"] is True
    assert "45 days" in answer["answer"]
    assert answer["citations"][0]["quote"]
    assert answer["citations"][0]["url"].startswith("http://localhost")


def test_a_question_about_quantum_physics_is_refused(
    installation: MakeRun, demo: dict[str, Any]
) -> None:
    answer = ask(installation, demo, "How does quantum entanglement work?")
    assert answer["answered"] is False
    assert answer["citations"] == []


def test_document_in_question_out_as_the_api_page_says(
    installation: MakeRun, demo: dict[str, Any]
) -> None:
    """A program that has the demo's JSON and docs/api.md, and nothing else."""
    api = httpx.Client(base_url=demo["url"], timeout=30)
    key = {"Authorization": f"Bearer {demo['api_key']}"}
    text = b"# Night hikes\n\nOur guided night hikes start at the old mill at half past nine.\n"
    sent = api.post(
        "/api/documents",
        files={"file": ("night-hikes.md", text)},
        data={"bot": demo["bot_id"]},
        headers=key,
    )
    assert sent.status_code == 201
    address = f"/api/documents/{sent.json()['id']}"
    wait_until(lambda: api.get(address, headers=key).json()["status"] == "ready", 60)

    page = {"Origin": demo["url"]}
    opened = api.post("/api/widget/session", json={"bot": demo["bot_id"]}, headers=page).json()
    visitor = {"Authorization": f"Visitor {opened['token']}", "Accept": "application/json"}
    question = {"bot": demo["bot_id"], "message": "Where do the guided night hikes start?"}
    answer = api.post("/api/chat", json=question, headers=page | visitor).json()
    assert answer["answered"] is True
    assert "old mill" in answer["answer"]
    assert answer["citations"][0]["source_id"] == sent.json()["id"]
    assert api.delete(address, headers=key).status_code == 204
    api.close()


def test_a_killed_part_comes_back(installation: MakeRun, demo: dict[str, Any]) -> None:
    killed = installation.parts("uvicorn")[0]
    killed.kill()
    wait_until(lambda: bool(installation.parts("uvicorn")) and installation.ready(), 30)
    assert installation.parts("uvicorn")[0].pid != killed.pid
    assert ask(installation, demo, "Do you offer gift cards?")["conversation"]


def test_a_second_start_repeats_nothing_and_ctrl_c_stops_everything(
    installation: MakeRun, demo: dict[str, Any]
) -> None:
    before = [one["id"] for one in documents(installation, demo)]
    family = installation._descendants()
    assert len(family) >= 4
    installation.stop()
    assert all(is_gone(one) for one in family)
    installation.start()
    assert [one["id"] for one in documents(installation, demo)] == before
    assert ask(installation, demo, "Do you offer gift cards?")["conversation"]


def test_reset_makes_the_demo_client_anew(installation: MakeRun, demo: dict[str, Any]) -> None:
    again = json.loads(manage("demo", "--json", "--reset", env=installation.env).stdout)
    assert again["api_key"] == demo["api_key"]
    assert again["bot_id"] != demo["bot_id"]
    wait_until(lambda: all_ready(installation, again), 60)


def test_a_taken_port_is_a_clear_message(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = run({"VAR_DIR": str(tmp_path), "PORT": port})
    assert done.returncode == 1
    assert f"Port {port} is taken" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_part_that_keeps_dying_takes_the_rest_down(installation: MakeRun) -> None:
    """Last of this module: afterwards nothing of the installation runs."""
    family = installation._descendants()

    def kill_the_scheduler() -> bool:
        for part in installation.parts("chatbot_saas.beat"):
            with suppress(psutil.NoSuchProcess):
                part.kill()
        return not installation.alive

    wait_until(kill_the_scheduler, 90, every=0.2)
    assert "scheduler keeps dying: stopping everything" in installation.log_text()
    assert all(is_gone(one) for one in family)


def run(env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "chatbot_saas.run"],
        cwd=ROOT,
        env=child_env(env),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        preexec_fn=os.setsid,
    )
