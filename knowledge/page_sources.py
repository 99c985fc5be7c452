"""Sources that are pages of websites: new ones, and new versions of those that there are."""

from __future__ import annotations

from dataclasses import dataclass

from knowledge import versions
from knowledge.models import KnowledgeBase, Source
from knowledge.versions import Version
from knowledge.waking import wake_for


@dataclass(frozen=True, slots=True)
class PageFile:
    """A page in the storage, as the file `name`; `sha256` is of its text."""

    url: str
    title: str
    name: str
    bytes: int
    sha256: str


def holder(base: KnowledgeBase, sha256: str) -> Source | None:
    """The source that has this text already."""
    return Source.objects.filter(knowledge_base=base).holder(sha256)


def add(base: KnowledgeBase, page: PageFile) -> Source:
    """A new source, queued. The file is its own from now on."""
    source = Source.objects.create(
        knowledge_base=base,
        kind=Source.Kind.PAGE,
        title=(page.title or page.url)[:255],
        url=page.url,
        format="html",
        file=page.name,
        bytes=page.bytes,
        sha256=page.sha256,
    )
    wake_for(source)
    return source


def replace(source: Source, page: PageFile) -> None:
    """Read a new version of a source; answers use the one before until the new one is ready."""
    versions.begin(
        source,
        Version(
            title=source.title,
            url=page.url,
            format="html",
            file=page.name,
            bytes=page.bytes,
            sha256=page.sha256,
        ),
    )
