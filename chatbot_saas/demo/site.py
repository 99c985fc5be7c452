"""The demo shop's own site: its help centre as web pages, on which the widget stands."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt

from chat.models import Bot
from chatbot_saas.demo.seed import CLIENT_ID

ARTICLES = Path(__file__).parent / "articles"


@dataclass(frozen=True, slots=True)
class Article:
    slug: str
    title: str
    summary: str
    body: SafeString


@cache
def articles() -> list[Article]:
    return [_article(path) for path in sorted(ARTICLES.glob("*.md"))]


def article(slug: str) -> Article | None:
    return next((one for one in articles() if one.slug == slug), None)


def bot() -> Bot | None:
    """The demo client's bot, when the demo was seeded."""
    return Bot.objects.filter(client__public_id=CLIENT_ID).order_by("pk").first()


def slug_of(path: Path) -> str:
    return path.stem.partition("-")[2]


def _article(path: Path) -> Article:
    title, _, rest = path.read_text(encoding="utf-8").partition("\n")
    summary = rest.strip().partition("\n")[0]
    html = MarkdownIt("commonmark", {"html": False}).enable("table").render(rest)
    # Our own text, rendered without raw HTML.
    return Article(slug_of(path), title.lstrip("# ").strip(), summary, mark_safe(html))  # noqa: S308
