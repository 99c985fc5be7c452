"""The application itself: web, worker and scheduler as the processes that production runs."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from chatbot_saas.run import scheduler_command, web_command, worker_command
from tests.services.net import HOST, free_port, http_status
from tests.services.process import ROOT, Service, ServiceError, child_env


class _Application(Service):
    """A program of this project: runs in its root and gets its whole configuration from `env`."""

    @property
    def cwd(self) -> Path:
        return ROOT


class Web(_Application):
    """uvicorn on a free port."""

    stop_timeout = 15.0

    def __init__(
        self, env: Mapping[str, str], *, workers: int = 1, port: int | None = None
    ) -> None:
        super().__init__("web", env=env)
        self.port = port or free_port()
        self.workers = workers

    @property
    def url(self) -> str:
        """The address without a slash at its end."""
        return f"http://{HOST}:{self.port}"

    def command(self) -> list[str]:
        """As `make run` starts it."""
        return [*web_command(HOST, self.port), "--workers", str(self.workers)]

    def ready(self) -> bool:
        """Whether it says that it is alive."""
        return http_status(self.port, "/healthz", timeout=5) == 200


class Worker(_Application):
    """A Celery worker with its prefork pool."""

    def __init__(
        self,
        env: Mapping[str, str],
        *,
        concurrency: int = 1,
        queues: str | None = None,
        pool: str = "prefork",
        directory: Path | None = None,
    ) -> None:
        super().__init__("worker", env=env, directory=directory)
        self.concurrency = concurrency
        self.queues = queues
        self.pool = pool

    def command(self) -> list[str]:
        """As `make run` starts it, under a name of its own and loud enough to see it begin."""
        queues = ["--queues", self.queues] if self.queues else []
        # The directory's name is unique, so two workers never share a node name.
        node = ["--hostname", f"{self.directory.name}@localhost", "--loglevel", "INFO"]
        return [*worker_command(self.concurrency), "--pool", self.pool, *queues, *node]

    def ready(self) -> bool:
        """Whether it logged that it takes tasks."""
        return self.logged(" ready.")


class Scheduler(_Application):
    """Celery beat, with its schedule file in the temporary directory."""

    def __init__(self, env: Mapping[str, str]) -> None:
        super().__init__("scheduler", env=env)

    def command(self) -> list[str]:
        """As `make run` starts it, with its schedule in the temporary directory."""
        schedule = ["--schedule", str(self.directory / "schedule")]
        return [*scheduler_command(), *schedule, "--loglevel", "INFO"]

    def ready(self) -> bool:
        """Whether it logged its start."""
        return self.logged("beat: Starting...")


def manage(
    *args: str, env: Mapping[str, str], stdin: str = "", timeout: float = 120.0, check: bool = True
) -> subprocess.CompletedProcess[str]:
    """Run `manage.py` with `args`; a failure raises ServiceError with what it wrote."""
    done = subprocess.run(
        [sys.executable, "manage.py", *args],
        cwd=ROOT,
        env=child_env(env),
        input=stdin,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
    if check and done.returncode:
        raise ServiceError(f"manage.py {' '.join(args)}{os.linesep}{done.stdout}{done.stderr}")
    return done
