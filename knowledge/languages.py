"""In which language a knowledge base compares words: that of its first document."""

from __future__ import annotations

from django.db import transaction

from knowledge.embedding import default_model
from knowledge.models import KnowledgeBase, Passage, Reembedding

STEMMED = {
    "ar": "arabic",
    "ca": "catalan",
    "cs": "czech",
    "da": "danish",
    "de": "german",
    "el": "greek",
    "en": "english",
    "es": "spanish",
    "et": "estonian",
    "eu": "basque",
    "fa": "persian",
    "fi": "finnish",
    "fr": "french",
    "ga": "irish",
    "hi": "hindi",
    "hu": "hungarian",
    "hy": "armenian",
    "id": "indonesian",
    "it": "italian",
    "lt": "lithuanian",
    "ne": "nepali",
    "nl": "dutch",
    "no": "norwegian",
    "pl": "polish",
    "pt": "portuguese",
    "ro": "romanian",
    "ru": "russian",
    "sr": "serbian",
    "sv": "swedish",
    "ta": "tamil",
    "tr": "turkish",
    "yi": "yiddish",
}
# Without a stemmer. Latin words among theirs are stemmed as English.
UNSTEMMED = {"ja": "japanese", "ko": "korean", "th": "thai", "zh": "chinese"}

LEAST_CHARACTERS = 200  # of a shorter text nobody can be sure
LEAST_OF_OWN_SCRIPT = 20  # which nobody can mistake


def settle(base: KnowledgeBase, code: str, characters: int) -> None:
    """Let the first document of an empty base decide, by its ISO 639 code and its length.

    With the language comes the model that is best for it, unless somebody chose one. Once there
    are passages it stays: their words were stemmed, and would no longer be found.
    """
    language, least = _named(code.partition("-")[0])
    if not language or characters < least or language == base.language:
        return
    with transaction.atomic():
        same = KnowledgeBase.objects.filter(pk=base.pk)
        current = same.select_for_update().first()
        if current is None or Passage.objects.filter(source__knowledge_base=base).exists():
            return
        is_usual = current.embedding_model == default_model(current.language)
        is_chosen = Reembedding.objects.filter(knowledge_base=base).exists()
        model = current.embedding_model
        if is_usual and not is_chosen:
            model = default_model(language)
        same.update(language=language, embedding_model=model)
    base.refresh_from_db()


def _named(code: str) -> tuple[str, int]:
    """What we call the language, "" for one that we do not know; and how long a text tells it."""
    if code in UNSTEMMED:
        return UNSTEMMED[code], LEAST_OF_OWN_SCRIPT
    return STEMMED.get(code, ""), LEAST_CHARACTERS
