from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.test.utils import setup_databases, teardown_databases

from chatbot_saas.lib.storage_url import Keys, storage_of
from chatbot_saas.static import collect_static_files
from tests import environment, hostile
from tests.fakes.smtp import FakeSmtp
from tests.house import House, Tenant
from tests.pdfs import Picture, pdf
from tests.services.chroma import Chroma
from tests.services.s3 import S3

DATA = Path(__file__).parent / "data"


@pytest.fixture(scope="session", autouse=True)
def static_files() -> None:
    """Pages name their style sheets by hash: the hashed files must be there."""
    collect_static_files()


@pytest.fixture(scope="session", autouse=True)
def mails_are_rows(django_test_environment: None) -> None:
    """Django's test runner keeps mails in memory: ours go into the outbox, as they do in life."""
    settings.EMAIL_BACKEND = "accounts.outbox.OutboxBackend"


@pytest.fixture(scope="session")
def django_db_setup(django_test_environment: None, django_db_blocker) -> Iterator[None]:
    """pytest-django makes a database only when a test wears its mark; the house always needs it."""
    with django_db_blocker.unblock():
        made = setup_databases(verbosity=0, interactive=False, aliases={"default": None})
        yield
        teardown_databases(made, verbosity=0)


@pytest.fixture(scope="session")
def chroma() -> Iterator[Chroma]:
    """The vector index of all tests."""
    with environment.chroma as server:
        yield server


@pytest.fixture(scope="session")
def s3() -> Iterator[S3]:
    """A server that speaks S3, for the tests that ask for it."""
    with S3(directory=environment.folder("s3")) as server:
        yield server


@pytest.fixture
def bucket(s3: S3, settings) -> str:
    """A new bucket, where all files of this process lie from now on."""
    name = s3.bucket()
    default = storage_of(s3.storage_url(name, "our/files"), Keys())
    settings.STORAGES = settings.STORAGES | {"default": default}
    return name


@pytest.fixture(scope="session")
def house(django_db_setup: None, django_db_blocker, chroma: Chroma) -> Iterator[House]:
    """The product as real processes, on the tests' database. Rows made here are committed."""
    with django_db_blocker.unblock(), House() as house:
        yield house


@pytest.fixture
def mail_server(settings) -> Iterator[FakeSmtp]:
    """A mail server of this process's own; the worker of the house is not involved."""
    with FakeSmtp() as fake:
        settings.MAIL_DELIVERY_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST = "127.0.0.1"
        settings.EMAIL_PORT = int(fake.url.rpartition(":")[2])
        yield fake


@pytest.fixture
def shop(house: House) -> Tenant:
    """The tenant under test; answers are quotations."""
    return house.tenant()


@pytest.fixture
def rival(house: House) -> Tenant:
    """Another tenant: must never see anything of the shop's."""
    return house.tenant()


@pytest.fixture
def speaking(house: House) -> Iterator[Tenant]:
    """A tenant whose answers come from the fake model."""
    house.fake.reset()
    yield house.speaking_tenant()
    house.fake.reset()


@pytest.fixture(scope="session")
def two_pages() -> bytes:
    return pdf("Our boots are made in small numbers.", "The warranty ends after three years.")


@pytest.fixture(scope="session")
def pdfs(two_pages: bytes) -> dict[str, bytes]:
    """PDFs that cannot be read, by the name that tells why."""
    return {
        "locked.pdf": (DATA / "locked.pdf").read_bytes(),
        "scan.pdf": pdf(Picture(40), Picture(80)),
        "damaged.pdf": two_pages[: len(two_pages) // 4],
    }


@pytest.fixture(scope="session")
def odd_files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The corpus's files that are too large or too odd to keep; an empty folder without it."""
    folder = tmp_path_factory.mktemp("odd")
    hostile.make_odd_files(folder)
    return folder
