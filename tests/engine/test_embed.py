"""Texts to vectors, by the local model and by a server."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from django.conf import settings

from knowledge.engine.catalogue import OPENAI_REQUEST
from knowledge.engine.embed import LOCAL_DIMENSIONS, LocalEmbedder, local_model
from knowledge.engine.embed_hosted import HostedEmbedder
from knowledge.engine.errors import EmbedderDown
from tests.fakes.openai_server import FakeOpenAI

TEXTS = [
    "Returns are free within thirty days.",
    "",
    "boots",
    "Größe und Länge der Stiefel 😀",
    "配送は三日かかります",
    "warranty " * 2000,
]


@pytest.fixture(scope="module")
def local() -> LocalEmbedder:
    return LocalEmbedder(settings.VAR_DIR / "models", threads=2)


def test_vectors_have_the_length_of_one_whatever_the_text(local: LocalEmbedder) -> None:
    vectors = local.embed(TEXTS)
    assert vectors.shape == (len(TEXTS), LOCAL_DIMENSIONS)
    assert vectors.dtype == np.float32
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1.0, abs=1e-5)


def test_a_text_has_the_same_vector_alone_and_among_others(local: LocalEmbedder) -> None:
    together = local.embed(TEXTS)
    for text, vector in zip(TEXTS, together, strict=True):
        assert np.array_equal(local.embed([text])[0], vector)


def test_two_embedders_of_one_name_agree(local: LocalEmbedder) -> None:
    other = LocalEmbedder(local.folder, threads=1)
    assert other.name == local.name
    assert np.array_equal(other.embed(TEXTS), local.embed(TEXTS))


def test_many_callers_at_once_get_what_each_would_alone(local: LocalEmbedder) -> None:
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda text: local.embed([text])[0], TEXTS * 5))
    assert np.array_equal(np.stack(found), np.tile(local.embed(TEXTS), (5, 1)))


def test_no_texts_have_no_vectors(local: LocalEmbedder) -> None:
    assert local.embed([]).shape == (0, LOCAL_DIMENSIONS)


@pytest.mark.parametrize(
    ("question", "near", "far"),
    [
        (
            "How long does delivery take?",
            "Parcels arrive three days after the order.",
            "Our boots are sewn by hand in Porto.",
        ),
        (
            "Can I get my money back?",
            "We refund the price of goods that you return.",
            "The shop is closed on Sundays.",
        ),
        (
            "Wie lange dauert der Versand?",
            "Der Versand dauert drei Werktage.",
            "Unser Büro liegt in München.",
        ),
        (
            "Was kostet die Rücksendung?",
            "Die Rücksendung ist kostenlos.",
            "Stiefel brauchen jeden Monat Wachs.",
        ),
    ],
)
def test_what_is_alike_is_nearer_than_what_is_not(
    local: LocalEmbedder, question: str, near: str, far: str
) -> None:
    asked, alike, other = local.embed([question, near, far])
    assert asked @ alike > asked @ other + 0.1


def test_only_the_first_words_of_an_endless_text_count(local: LocalEmbedder) -> None:
    long, longer = local.embed(["boots " * 1000, "boots " * 1000 + "socks"])
    assert np.array_equal(long, longer)


def test_the_model_that_is_there_is_not_made_again(local: LocalEmbedder) -> None:
    path = local_model(local.folder)
    before = path.stat().st_mtime_ns
    assert local_model(local.folder) == path
    assert path.stat().st_mtime_ns == before


@pytest.fixture(scope="module")
def server() -> Iterator[FakeOpenAI]:
    with FakeOpenAI() as fake:
        yield fake


@pytest.fixture
def fake(server: FakeOpenAI) -> FakeOpenAI:
    server.reset()
    return server


@pytest.fixture
def hosted(fake: FakeOpenAI) -> Iterator[HostedEmbedder]:
    embedder = HostedEmbedder("text-embedding-3-small", "sk-fake", fake.url)
    yield embedder
    embedder._client.close()


def test_a_hosted_models_vectors_have_the_length_of_one_and_the_texts_order(
    hosted: HostedEmbedder,
) -> None:
    texts = [f"text number {number}" for number in range(OPENAI_REQUEST + 3)]
    vectors = hosted.embed(texts)
    assert len(vectors) == len(texts)
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1.0, abs=1e-5)
    assert hosted.embed([texts[-1]])[0] == pytest.approx(vectors[-1], abs=1e-6)


def test_texts_are_sent_in_batches(hosted: HostedEmbedder, fake: FakeOpenAI) -> None:
    hosted.embed(["text"] * (2 * OPENAI_REQUEST + 1))
    assert [len(request.body["input"]) for request in fake.requests] == [256, 256, 1]


def test_a_hosted_model_is_not_asked_about_nothing(
    hosted: HostedEmbedder, fake: FakeOpenAI
) -> None:
    assert len(hosted.embed([])) == 0
    assert fake.requests == []


def test_a_moments_failure_is_tried_again(hosted: HostedEmbedder, fake: FakeOpenAI) -> None:
    fake.fail(500, on="embeddings")
    assert len(hosted.embed(["text"])) == 1
    assert len(fake.requests) == 2


@pytest.mark.parametrize("status", [400, 401, 404])
def test_a_refusal_is_told_as_the_embedder_being_down(
    hosted: HostedEmbedder, fake: FakeOpenAI, status: int
) -> None:
    fake.fail(status, on="embeddings")
    with pytest.raises(EmbedderDown, match="text-embedding-3-small"):
        hosted.embed(["text"])


def test_a_proxys_page_is_no_vector(hosted: HostedEmbedder, fake: FakeOpenAI) -> None:
    fake.garbage("html", on="embeddings")
    with pytest.raises(EmbedderDown):
        hosted.embed(["text"])


def test_broken_json_is_no_vector(hosted: HostedEmbedder, fake: FakeOpenAI) -> None:
    fake.garbage("json", on="embeddings", times=3)
    with pytest.raises(EmbedderDown):
        hosted.embed(["text"])


def test_the_models_name_is_part_of_the_vectors_name() -> None:
    one, other = (HostedEmbedder(model, "", None).name for model in ("small", "large"))
    assert one != other
    assert one != LocalEmbedder.name
