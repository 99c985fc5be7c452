"""The services, really started, broken and stopped."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import chromadb
import httpx
import psutil
import psycopg
import pytest
import redis
from chromadb.api.models.Collection import Collection
from playwright.sync_api import Error as PlaywrightError

from tests.fakes.openai_server import FakeOpenAI
from tests.services.browser import NoBrowser, find_chromium, launch_args, open_browser
from tests.services.chroma import Chroma
from tests.services.django import manage
from tests.services.net import free_port
from tests.services.postgres import Postgres
from tests.services.process import ROOT, Service, ServiceError, is_gone
from tests.services.redis import Redis
from tests.services.waiting import wait_until


class Script(Service):
    """A shell script as a service; ready when it says so."""

    start_timeout = 5.0
    stop_timeout = 0.3

    def __init__(self, script: str, env: dict[str, str] | None = None) -> None:
        super().__init__("script", env=env)
        self.script = script

    def command(self) -> list[str]:
        return ["/bin/sh", "-c", self.script]

    def ready(self) -> bool:
        return self.logged("ready")


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    with Postgres() as service:
        yield service


@pytest.fixture
def redis_server() -> Iterator[Redis]:
    with Redis() as service:
        yield service


@pytest.fixture
def chroma() -> Iterator[Chroma]:
    with Chroma() as service:
        yield service


# The base


def test_a_failed_start_tells_the_end_of_the_log() -> None:
    with (
        pytest.raises(ServiceError, match=r"exit code 3 instead(?s:.*)no such disk"),
        Script("echo no such disk; exit 3"),
    ):
        pass


def test_a_service_that_is_never_ready_is_killed_and_explained() -> None:
    service = Script("echo warming up; sleep 60")
    service.start_timeout = 0.2
    with pytest.raises(ServiceError, match=r"not ready after 0\.2 s(?s:.*)warming up"):
        service.start()
    assert not service.alive
    service.close()


def test_stopping_ends_the_whole_group_even_when_it_ignores_the_signal() -> None:
    with Script(
        "trap '' TERM; sleep 60 & sleep 61 & echo ready; while :; do wait; done"
    ) as service:
        family = psutil.Process(service.pid).children(recursive=True)
        assert len(family) == 2
    assert not service.alive
    wait_until(lambda: all(is_gone(child) for child in family), 2, "the children's end")


def test_only_the_leader_gets_the_polite_signal() -> None:
    with Script("trap 'echo bye; exit' TERM; sleep 60 & echo ready; wait") as service:
        service.stop()
        assert service.logged("bye")


def test_a_paused_service_is_alive_and_frozen_and_can_still_be_stopped() -> None:
    with Script("echo ready; sleep 60") as service:
        with service.paused():
            assert service.alive
            wait_until(lambda: psutil.Process(service.pid).status() == "stopped", 2)
        wait_until(lambda: psutil.Process(service.pid).status() != "stopped", 2)
        service.pause()
        service.stop()
        assert not service.alive


def test_a_second_start_reads_only_its_own_log() -> None:
    with Script("echo ready $$; sleep 60") as service:
        first = f"ready {service.pid}"
        service.kill()
        service.start()
        assert not service.logged(first)
        assert first in service.log.read_text()


def test_a_child_sees_its_own_settings_and_not_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-the-developer")
    with Script('echo "key=$OPENAI_API_KEY bot=$BOT"; echo ready; sleep 60', {"BOT": "b"}) as child:
        assert "key= bot=b" in child.log_text()


def test_closing_removes_the_directory() -> None:
    with Script("echo ready; sleep 60") as service:
        assert service.directory.exists()
    assert not service.directory.exists()


def test_services_die_with_the_test_run_even_when_it_is_killed() -> None:
    program = (
        "import sys, time\n"
        "from tests.services.redis import Redis\n"
        "server = Redis(); server.start()\n"
        "print(server.pid, server.directory, flush=True); time.sleep(60)\n"
    )
    runner = subprocess.Popen(
        [sys.executable, "-c", program], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert runner.stdout is not None
    pid, directory = runner.stdout.readline().split()
    server = psutil.Process(int(pid))
    runner.kill()
    runner.communicate()
    wait_until(lambda: is_gone(server), 5, "the server's end")
    wait_until(lambda: not Path(directory).exists(), 5, "the directory's end")


def test_ports_are_handed_out_once() -> None:
    ports = [free_port() for _ in range(50)]
    assert len(set(ports)) == 50


# PostgreSQL


def test_postgres_takes_connections_and_new_databases(postgres: Postgres) -> None:
    url = postgres.create_database("acme")
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE bots (name text)")
        connection.execute("INSERT INTO bots VALUES ('Ada')")
    copy = postgres.create_database("acme_copy", template="acme")
    with psycopg.connect(copy, autocommit=True) as connection:
        assert connection.execute("SELECT name FROM bots").fetchall() == [("Ada",)]
        postgres.drop_database("acme_copy")
        with pytest.raises(psycopg.OperationalError):
            connection.execute("SELECT 1")


def test_postgres_knows_letters_outside_ascii(postgres: Postgres) -> None:
    with psycopg.connect(postgres.url) as connection:
        row = connection.execute("SELECT upper('größe'), 'ÜBER' ILIKE 'über'").fetchone()
    assert row == ("GRÖßE", True)


def test_postgres_never_waits_for_the_disk(postgres: Postgres) -> None:
    with psycopg.connect(postgres.url) as connection:
        assert connection.execute("SHOW fsync").fetchone() == ("off",)


def test_postgres_does_not_run_as_root(postgres: Postgres) -> None:
    assert psutil.Process(postgres.pid).uids().effective != 0


def test_postgres_starts_again_with_its_data_after_a_kill(postgres: Postgres) -> None:
    url = postgres.create_database("durable")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE TABLE kept (id int)")
        postgres.kill()
        with pytest.raises(psycopg.OperationalError):
            connection.execute("SELECT 1")
    postgres.start()
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT count(*) FROM kept").fetchone() == (0,)


def test_pausing_postgres_freezes_open_connections_too(postgres: Postgres) -> None:
    with psycopg.connect(postgres.url, autocommit=True) as connection:
        backend = psutil.Process(connection.info.backend_pid)
        with postgres.paused():
            wait_until(lambda: backend.status() == "stopped", 2, "the backend's pause")
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_stopping_postgres_does_not_wait_for_its_clients() -> None:
    with Postgres() as service:
        connection = psycopg.connect(service.url)
        service.stop()
        assert service.logged("database system is shut down")
        connection.close()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has to hand over the programs")
def test_postgres_runs_from_a_virtual_environment_that_only_root_may_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with Postgres() as service:
        service.stop()

        def closed(name: str, *_: str) -> subprocess.CompletedProcess[str]:
            raise PermissionError(name)

        monkeypatch.setattr(service, "_run_program", closed)
        service.start()
        assert Path(service.command()[0]).is_relative_to(service.directory)


# Redis


def test_redis_keeps_and_forgets(redis_server: Redis) -> None:
    with redis.Redis.from_url(redis_server.url_for(3)) as client:
        client.set("key", "value")
        assert client.get("key") == b"value"
        redis_server.flush()
        assert client.get("key") is None


def test_redis_comes_back_empty_after_a_kill(redis_server: Redis) -> None:
    with redis.Redis.from_url(redis_server.url) as client:
        client.set("key", "value")
    redis_server.kill()
    with redis.Redis.from_url(redis_server.url) as client, pytest.raises(redis.ConnectionError):
        client.ping()
    redis_server.start()
    with redis.Redis.from_url(redis_server.url) as client:
        assert client.get("key") is None


def test_a_durable_redis_comes_back_with_its_data() -> None:
    with Redis(durable=True) as server:
        with redis.Redis.from_url(server.url) as client:
            client.set("key", "value")
        server.kill()
        server.start()
        with redis.Redis.from_url(server.url) as client:
            assert client.get("key") == b"value"


def test_a_paused_redis_answers_nothing(redis_server: Redis) -> None:
    with redis_server.paused():
        client = redis.Redis.from_url(redis_server.url, socket_timeout=0.1)
        with pytest.raises(redis.TimeoutError):
            client.ping()
        client.close()


# Chroma


def collection_of(chroma: Chroma, *, fill: int = 0) -> Collection:
    client = chromadb.HttpClient(host="127.0.0.1", port=chroma.port)
    collection = client.get_or_create_collection(
        "acme", embedding_function=None, configuration={"hnsw": {"space": "cosine"}}
    )
    if fill:
        vectors = [[float(number), 1.0, 0.0] for number in range(fill)]
        collection.add(ids=[str(number) for number in range(fill)], embeddings=vectors)  # type: ignore[arg-type]
    return collection


def nearest(collection: Collection) -> list[str]:
    found = collection.query(query_embeddings=[0.0, 1.0, 0.0], n_results=1)
    return found["ids"][0]


def test_chroma_finds_what_was_added(chroma: Chroma) -> None:
    assert nearest(collection_of(chroma, fill=20)) == ["0"]


def test_chroma_comes_back_on_its_port_with_its_data_after_a_kill(chroma: Chroma) -> None:
    collection_of(chroma, fill=20)
    url = chroma.url
    chroma.kill()
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{url}/api/v2/heartbeat")
    chroma.start()
    assert chroma.url == url
    assert collection_of(chroma).count() == 20
    assert nearest(collection_of(chroma)) == ["0"]


def test_a_wiped_chroma_runs_on_empty(chroma: Chroma) -> None:
    collection_of(chroma, fill=20)
    chroma.wipe()
    assert chroma.alive
    assert collection_of(chroma).count() == 0


def test_a_service_makes_the_directory_it_was_given(tmp_path: Path) -> None:
    with Chroma(directory=tmp_path / "here" / "and there") as server:
        assert nearest(collection_of(server, fill=3)) == ["0"]
    assert (tmp_path / "here" / "and there" / "data").exists()


def test_a_paused_chroma_accepts_connections_and_answers_nothing(chroma: Chroma) -> None:
    with chroma.paused(), pytest.raises(httpx.ReadTimeout):
        httpx.get(f"{chroma.url}/api/v2/heartbeat", timeout=0.2)
    assert httpx.get(f"{chroma.url}/api/v2/heartbeat").status_code == 200


def test_chroma_listens_on_loopback_only(chroma: Chroma) -> None:
    listening = psutil.Process(chroma.pid).net_connections(kind="tcp")
    assert {one.laddr.ip for one in listening if one.status == "LISTEN"} == {"127.0.0.1"}


# Browser


def test_the_browser_runs_scripts_and_reaches_only_loopback() -> None:
    with open_browser() as browser:
        page = browser.new_page()
        page.set_content("<p id=greeting></p>")
        page.evaluate("document.querySelector('#greeting').textContent = 'hello'")
        assert page.inner_text("#greeting") == "hello"
        with FakeOpenAI() as fake:
            page.goto(f"http://shop.localhost:{fake.port}/v1/models")
            assert "gpt-4o-mini" in page.content()
        with pytest.raises(PlaywrightError, match="ERR_NAME_NOT_RESOLVED"):
            page.goto("https://example.com/")


def test_a_browser_that_was_named_but_is_missing_is_an_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CHROMIUM", "/nowhere/chromium")
    with pytest.raises(NoBrowser, match="/nowhere/chromium"):
        find_chromium()


def test_only_root_gives_up_the_sandbox(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert "--no-sandbox" not in launch_args()
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert "--no-sandbox" in launch_args()


# The application's commands


def test_a_failing_command_tells_what_it_wrote() -> None:
    with pytest.raises(ServiceError, match="no_such_command"):
        manage("no_such_command", env={})
