"""Static files under names that carry their hash, compressed once, also where modules import."""

from __future__ import annotations

from servestatic.storage import CompressedManifestStaticFilesStorage


class HashedStatic(CompressedManifestStaticFilesStorage):
    # The widget is plain ES modules: their imports must name the hashed files too.
    support_js_module_import_aggregation = True
