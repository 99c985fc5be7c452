"""What a client knows, and where it comes from. Import the models from here."""

from knowledge.models.bases import KnowledgeBase, KnowledgeBaseQuerySet, new_base_id
from knowledge.models.faqs import Faq, FaqQuerySet, new_faq_id, question_key
from knowledge.models.files import (
    DirectUpload,
    DirectUploadQuerySet,
    DiscardedFile,
    new_upload_id,
)
from knowledge.models.reembeddings import (
    NextVector,
    Reembedding,
    ReembeddingQuerySet,
    new_reembedding_id,
)
from knowledge.models.shards import IndexServer, LeftCollection, LeftCollectionQuerySet
from knowledge.models.sources import (
    Passage,
    PassageQuerySet,
    Source,
    SourceQuerySet,
    new_source_id,
)
from knowledge.models.websites import (
    WebHost,
    WebPage,
    WebPageQuerySet,
    Website,
    WebsiteQuerySet,
    new_website_id,
)
from knowledge.models.words import PostingList, Segment, SegmentQuerySet

__all__ = [
    "DirectUpload",
    "DirectUploadQuerySet",
    "DiscardedFile",
    "Faq",
    "FaqQuerySet",
    "IndexServer",
    "KnowledgeBase",
    "KnowledgeBaseQuerySet",
    "LeftCollection",
    "LeftCollectionQuerySet",
    "NextVector",
    "Passage",
    "PassageQuerySet",
    "PostingList",
    "Reembedding",
    "ReembeddingQuerySet",
    "Segment",
    "SegmentQuerySet",
    "Source",
    "SourceQuerySet",
    "WebHost",
    "WebPage",
    "WebPageQuerySet",
    "Website",
    "WebsiteQuerySet",
    "new_base_id",
    "new_faq_id",
    "new_reembedding_id",
    "new_source_id",
    "new_upload_id",
    "new_website_id",
    "question_key",
]
