"""The tests' settings, set before Django reads any (pytest loads this first: see pyproject.toml).

TEST_DATABASE=postgresql runs the same suite on PostgreSQL and Redis, both from their wheels;
TEST_BROKER=amqp://… takes another broker for the work, which must be up.
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from pathlib import Path

from tests.services.chroma import Chroma
from tests.services.postgres import Postgres
from tests.services.redis import Redis

VAR = Path(tempfile.mkdtemp(prefix="chatbot-tests-"))
ON_POSTGRES = os.environ.get("TEST_DATABASE") == "postgresql"
BASE = Path(__file__).resolve().parent.parent

chroma = Chroma(directory=VAR / "chroma-server")

_PRODUCT_SETTINGS = """
ALLOWED_HOSTS AWS_ACCESS_KEY_ID AWS_REGION AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN
CELERY_BROKER_URL CHAT_FALLBACK_MODEL CHAT_MODEL CHAT_MODEL_PRICES CRAWLER_NAME
CHROMA_SHARDS CRAWL_DELAY_MILLISECONDS DATABASE_URL DEBUG EMAIL_URL EMBEDDING_KEYS EMBEDDING_MODEL
EMBEDDING_SERVERS FETCH_ALLOWED_PRIVATE
OPENAI_API_KEY OPENAI_BASE_URL PORT RATE_LIMITS REDIS_URL SECRET_KEY SITE_NAME SITE_URL
STORAGE_URL STRIPE_API_BASE STRIPE_SECRET_KEY STRIPE_WEBHOOK_SECRET TRUSTED_PROXY_COUNT
WORKER_IDLE_SECONDS
"""


def prepare() -> dict[str, str]:
    """What every process of the tests gets; the developer's own settings stay outside."""
    (VAR / "chroma-server").mkdir()
    # Making these takes seconds and depends on nothing but the code: one is enough for all runs.
    for made in ("models", "static", "joined"):
        (BASE / "var" / made).mkdir(parents=True, exist_ok=True)
        (VAR / made).symlink_to(BASE / "var" / made)
    env = {
        "VAR_DIR": str(VAR),
        "SECRET_KEY": "only-for-tests",
        "SITE_URL": "http://localhost:8000",
        "CHROMA_URL": chroma.url,
        "INGEST_LEASE_SECONDS": "3",
        "INGEST_SLICE_SECONDS": "2",
        "INGEST_GATHER_MILLISECONDS": "20",
        "SWEEP_SECONDS": "1",
        "LOG_LEVEL": "WARNING",
    }
    return env | (_on_postgres() if ON_POSTGRES else {}) | _broker()


def new_database(name: str) -> str:
    """The address of a new, empty database on the tests' PostgreSQL."""
    return _servers[0].create_database(name)


_servers: list[Postgres] = []


def _on_postgres() -> dict[str, str]:
    postgres, redis = Postgres(), Redis()
    _servers.append(postgres)
    for service in (postgres, redis):
        service.start()
        atexit.register(service.close)
    postgres.create_database("product")
    return {"DATABASE_URL": postgres.url_for("product"), "REDIS_URL": redis.url}


def _broker() -> dict[str, str]:
    url = os.environ.get("TEST_BROKER", "")
    return {"CELERY_BROKER_URL": url} if url else {}


def folder(name: str) -> Path:
    """A folder of this run; it stays readable until the run ends."""
    path = VAR / name
    path.mkdir(exist_ok=True)
    return path


for _name in _PRODUCT_SETTINGS.split():
    os.environ.pop(_name, None)
ENV = prepare()
atexit.register(shutil.rmtree, VAR, ignore_errors=True)
os.environ.update(ENV)
