"""`make run`: everything on this machine under one supervisor, until Ctrl-C.

Each part is started again when it dies; one that keeps dying takes the rest down with it, so that
nobody wonders at a half-dead installation. supervisord is a kept program that does all of that
(docs/decisions/supervisor.md); this module writes its configuration.
"""

from __future__ import annotations

import os
import resource
import shlex
import socket
import subprocess
import sys
from collections.abc import Mapping
from configparser import RawConfigParser
from pathlib import Path

from chatbot_saas import queues
from chatbot_saas.lib.env import env_int, env_str

BASE_DIR = Path(__file__).resolve().parent.parent
CHROMA_PORT = 8100
CHROMA_OPEN_COLLECTIONS = 200  # each holds about 3 MB and 4 file descriptors
OPEN_FILES = 4096
SECONDS_TO_FINISH = 5
WORKER_THREADS = 4
APPLICATION = "chatbot_saas.asgi:application"


def main() -> None:
    var = Path(env_str("VAR_DIR", str(BASE_DIR / "var"))).resolve()
    host, port = env_str("HOST", "127.0.0.1"), env_int("PORT", 8000, least=1, most=65535)
    chroma_port = None if env_str("CHROMA_URL") else _chroma_port(port)
    if chroma_port:
        os.environ["CHROMA_URL"] = f"http://127.0.0.1:{chroma_port}"
    for taken in filter(None, (port, chroma_port)):
        _require_free(taken)
    var.mkdir(parents=True, exist_ok=True)
    manage = [sys.executable, str(BASE_DIR / "manage.py")]
    subprocess.run([*manage, "prepare", "--demo"], check=True, cwd=BASE_DIR)
    readers = env_int("WORKER_PROCESSES", 1, least=1, most=64)
    programs = {
        "web": web_command(host, port),
        # Waiting for servers costs little: threads do. Reading takes processors: processes do.
        "worker": [*worker_command(WORKER_THREADS), "--pool", "threads", *_only(queues.WAITING)],
        "reader": [*worker_command(readers), *_only(queues.WORKING)],
        "scheduler": scheduler_command(),
    }
    if chroma_port:
        programs = {"chroma": _chroma(var, chroma_port)} | programs
    _allow_open_files()
    config = var / "supervisord.conf"
    _write(config, programs, var)
    os.chdir(BASE_DIR)
    os.execv(sys.executable, [sys.executable, "-m", "supervisor.supervisord", "-c", str(config)])


def _chroma_port(port: int) -> int:
    """Beside the web port, so that a second installation on one machine finds its own."""
    return CHROMA_PORT + port - 8000 if 8000 <= port < 9000 else CHROMA_PORT


def _require_free(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            sys.exit(f"Port {port} is taken. Stop what runs there, or choose: make run PORT=8080")


def web_command(host: str, port: int) -> list[str]:
    listen = ["--host", host, "--port", str(port), "--lifespan", "on"]
    quiet = ["--no-access-log", "--no-server-header"]
    # X-Forwarded-For is believed to TRUSTED_PROXY_COUNT proxies only, by our own code.
    proxies = ["--no-proxy-headers", "--timeout-graceful-shutdown", str(SECONDS_TO_FINISH)]
    return [sys.executable, "-m", "uvicorn", APPLICATION, *listen, *quiet, *proxies]


def worker_command(processes: int = 1) -> list[str]:
    alone = ["--without-gossip", "--without-mingle", "--without-heartbeat"]
    celery = [sys.executable, "-m", "celery", "--quiet", "-A", "chatbot_saas"]
    return [*celery, "worker", "--concurrency", str(processes), *alone]


def _only(names: tuple[str, ...]) -> list[str]:
    return ["--queues", ",".join(names), "--hostname", f"{names[0]}@%h"]


def scheduler_command() -> list[str]:
    return [sys.executable, "-m", "chatbot_saas.beat"]


def _chroma(var: Path, port: int) -> list[str]:
    folder = var / "chroma"
    folder.mkdir(parents=True, exist_ok=True)
    config = folder / "config.yaml"
    config.write_text(
        f"port: {port}\nlisten_address: 127.0.0.1\npersist_path: {folder / 'data'}\n"
        "segment_manager:\n  hnsw_index_pool_cache_config:\n    lru:\n"
        f"      capacity: {env_int('CHROMA_OPEN_COLLECTIONS', CHROMA_OPEN_COLLECTIONS, least=1)}\n",
        encoding="utf-8",
    )
    return [*_by_path("chroma_server.py"), "run", str(config)]


def _by_path(module: str) -> list[str]:
    """A program of this folder; by the name of its module it would bring Celery with it."""
    return [sys.executable, str(Path(__file__).with_name(module))]


def _allow_open_files() -> None:
    """As many as Chroma's collections need; many systems begin with 1,024."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = OPEN_FILES if hard == resource.RLIM_INFINITY else min(OPEN_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


def _write(path: Path, programs: Mapping[str, list[str]], var: Path) -> None:
    config = RawConfigParser()
    config["supervisord"] = {
        "nodaemon": "true",
        "logfile": str(var / "supervisord.log"),
        "pidfile": str(var / "supervisord.pid"),
        "loglevel": "warn",
        "silent": "true",
        # Each thread that allocates would otherwise keep a heap of its own.
        "environment": 'MALLOC_ARENA_MAX="2"',
        **({"user": "root"} if os.geteuid() == 0 else {}),
    }
    for name, command in programs.items():
        config[f"program:{name}"] = {
            # In supervisord's files a per cent sign begins a variable.
            "command": shlex.join(command).replace("%", "%%"),
            "redirect_stderr": "true",
            # Chroma greets with a page of art.
            "stdout_logfile": str(var / "chroma.log") if name == "chroma" else "/dev/stdout",
            "stdout_logfile_maxbytes": "5MB" if name == "chroma" else "0",
            "startsecs": "3",
            "startretries": "3",
            "stopwaitsecs": str(SECONDS_TO_FINISH + 5),
            "stopasgroup": "true" if name == "chroma" else "false",
            "killasgroup": "true",
        }
    config["eventlistener:watch"] = {
        "command": shlex.join(_by_path("last_words.py")),
        "events": "PROCESS_STATE_FATAL",
        "stderr_logfile": "/dev/stderr",
        "stderr_logfile_maxbytes": "0",
    }
    with path.open("w", encoding="utf-8") as file:
        config.write(file)


if __name__ == "__main__":
    main()
