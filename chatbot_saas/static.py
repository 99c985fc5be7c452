"""Static files under names that carry their hash, compressed once, also where modules import."""

from __future__ import annotations

import hashlib

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.core.management import call_command
from servestatic.storage import CompressedManifestStaticFilesStorage


class HashedStatic(CompressedManifestStaticFilesStorage):
    # The widget is plain ES modules: their imports must name the hashed files too.
    support_js_module_import_aggregation = True


def collect_static_files() -> None:
    """Hash and compress the static files, unless that was done since any of them changed."""
    done = settings.STATIC_ROOT / "collected"
    wanted = _fingerprint()
    if done.exists() and done.read_text() == wanted:
        return
    call_command("collectstatic", interactive=False, clear=True, verbosity=0)
    done.write_text(wanted)


def _fingerprint() -> str:
    """Changes with every file's name, size and time."""
    found = hashlib.sha256()
    for finder in get_finders():
        for path, storage in finder.list(["CVS", ".*", "*~"]):
            changed = storage.get_modified_time(path).timestamp()
            found.update(f"{path} {storage.size(path)} {changed}\n".encode())
    return found.hexdigest()
