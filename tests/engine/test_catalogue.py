"""What is known of embedding models."""

from __future__ import annotations

import pytest

from knowledge.engine.catalogue import E5_NAME, LOCAL_NAME, USE_NAME, model_of


@pytest.mark.parametrize(
    "text",
    ["When do you open?", "Wie groß ist 東京?", "Où est l’hôtel Đà Nẵng?", "α and β", "", "42?"],
)
def test_the_english_model_reads_latin_letters(text: str) -> None:
    local = model_of(LOCAL_NAME)
    assert local.reads(text)
    assert local.for_question(text) is local


@pytest.mark.parametrize(
    "text",
    [
        "几点开门？",
        "何時に開店しますか",
        "몇 시에 여나요?",
        "ร้านเปิดกี่โมง",
        "متى يفتح المتجر؟",
        "Когда?",
        "iPad 多少钱一个",
    ],
)
def test_of_what_a_model_cannot_read_words_decide(text: str) -> None:
    local = model_of(LOCAL_NAME)
    blind = local.for_question(text)
    assert not local.reads(text)
    assert blind.lexical_weight > local.lexical_weight
    assert blind.closeness(0.7) < 0.1 < local.closeness(0.7)
    assert blind.name == local.name


@pytest.mark.parametrize("name", [USE_NAME, E5_NAME, "hosted:text-embedding-3-small", "hosted:x"])
def test_a_model_for_all_languages_reads_all(name: str) -> None:
    model = model_of(name)
    assert model.for_question("几点开门？") is model
