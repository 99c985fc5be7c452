"""The first document says in which language a knowledge base compares words."""

from __future__ import annotations

import pytest

from knowledge import languages
from knowledge.engine.catalogue import LOCAL_NAME, USE_NAME, best_for, model_of
from knowledge.models import KnowledgeBase
from tests.everything import Everything
from tests.house import Tenant

GERMAN = (
    "# Rücksendungen\n\nSie können bestellte Waren innerhalb von dreißig Tagen zurücksenden. "
    "Die Kosten der Rücksendung übernehmen wir. Das Geld wird Ihnen nach der Prüfung der "
    "zurückgesandten Ware auf das Konto überwiesen, von dem Sie bezahlt haben."
)
ENGLISH = (
    "# Opening hours\n\nThe shop opens at nine in the morning and closes at six in the evening. "
    "On Sundays and on public holidays the shop stays closed, but you can always write to us, "
    "and we will answer on the next day."
)


def language(shop: Tenant) -> str:
    shop.base.refresh_from_db()
    return shop.base.language


def test_a_german_base_stems_german(shop: Tenant) -> None:
    shop.learn("ruecksendung.md", GERMAN)
    assert language(shop) == "german"
    assert shop.base.embedding_model == best_for("german")
    shop.learn("hours.md", ENGLISH)
    assert language(shop) == "german", "what is stored would no longer be found"
    # Only by its stem is "zurückgesandt" the word of the text.
    assert shop.search("Wann wird zurückgesandte Ware bezahlt?")[0]["title"] == "Rücksendungen"


def test_too_short_a_text_decides_nothing(shop: Tenant) -> None:
    shop.learn("kurz.txt", "Wir haben montags geschlossen.")
    assert language(shop) == "english"


@pytest.fixture
def empty(world: Everything) -> KnowledgeBase:
    return KnowledgeBase.objects.create(client=world.client, name="New", embedding_model=LOCAL_NAME)


@pytest.fixture
def world(db: None) -> Everything:
    return Everything.make("zanzibar")


@pytest.mark.parametrize(
    ("code", "chosen"),
    [
        ("de", "german"),
        ("zh", "chinese"),
        ("zh-Hant", "chinese"),
        ("ja", "japanese"),
        ("ko", "korean"),
        ("th", "thai"),
    ],
)
def test_a_language_brings_the_model_that_is_best_for_it(
    empty: KnowledgeBase, code: str, chosen: str
) -> None:
    languages.settle(empty, code, 1000)
    assert (empty.language, empty.embedding_model) == (chosen, best_for(chosen))


@pytest.mark.parametrize("code", ["", "xx-Bali", "vi"])
def test_a_language_that_we_know_nothing_of_leaves_the_usual_one(
    empty: KnowledgeBase, code: str
) -> None:
    languages.settle(empty, code, 1000)
    assert (empty.language, empty.embedding_model) == ("english", LOCAL_NAME)


@pytest.mark.parametrize(
    ("code", "characters", "chosen"),
    [("zh", 19, "english"), ("zh", 20, "chinese"), ("de", 199, "english"), ("de", 200, "german")],
)
def test_a_script_of_its_own_needs_less_text(
    empty: KnowledgeBase, code: str, characters: int, chosen: str
) -> None:
    languages.settle(empty, code, characters)
    assert empty.language == chosen


def test_a_model_that_somebody_chose_stays(empty: KnowledgeBase) -> None:
    empty.embedding_model = "hosted:text-embedding-3-small"
    empty.save(update_fields=["embedding_model"])
    languages.settle(empty, "fr", 1000)
    assert (empty.language, empty.embedding_model) == ("french", "hosted:text-embedding-3-small")


def test_a_model_that_is_not_installed_is_nobodys_default() -> None:
    usual = USE_NAME if model_of(USE_NAME).is_installed else LOCAL_NAME
    for language in ("german", "arabic", "chinese", "japanese", "korean", "thai", "russian"):
        assert best_for(language) == usual
    for language in ("english", "greek", "hindi", "romanian"):  # it was not trained in these
        assert best_for(language) == LOCAL_NAME
