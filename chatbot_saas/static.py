"""Static files under names that carry their hash, compressed once, also where modules import."""

from __future__ import annotations

import fcntl
import hashlib
import re

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.core.management import call_command
from servestatic.storage import CompressedManifestStaticFilesStorage


class HashedStatic(CompressedManifestStaticFilesStorage):
    # The widget is plain ES modules: their imports must name the hashed files too.
    support_js_module_import_aggregation = True


# In the order in which they need each other.
WIDGET_MODULES = ("strings", "stream", "answer", "sheet", "chat")
# Parts of libraries that no page of ours loads.
UNUSED = ["django_htmx/ext/*", "django_htmx/htmx-4*", "django_htmx/htmax*"]
IMPORT = re.compile(r'^import .* from "\./\w+\.js";\n', re.MULTILINE)
EXPORT = re.compile(r"^export (?=(?:async )?(?:function|const|class)\b)", re.MULTILINE)


def join_widget() -> None:
    """The widget's modules as one, widget/joined.js: a visitor's first click costs one request.

    They are written so that one after the other they are one module: no name stands twice, and
    only the last one exports anything that is used outside.
    """
    *inner, outer = (_module(name) for name in WIDGET_MODULES)
    joined = "".join([*(EXPORT.sub("", source) for source in inner), outer])
    target = settings.VAR_DIR / "joined" / "widget" / "joined.js"
    if not target.exists() or target.read_text(encoding="utf-8") != joined:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(joined, encoding="utf-8")


def _module(name: str) -> str:
    source = settings.BASE_DIR / "static" / "widget" / f"{name}.js"
    return IMPORT.sub("", source.read_text(encoding="utf-8"))


def collect_static_files() -> None:
    """Hash and compress the static files, unless that was done since any of them changed."""
    join_widget()
    settings.STATIC_ROOT.mkdir(parents=True, exist_ok=True)
    done = settings.STATIC_ROOT / "collected"
    wanted = _fingerprint()
    with (settings.STATIC_ROOT / "collecting.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if done.exists() and done.read_text() == wanted:
            return
        call_command("collectstatic", interactive=False, verbosity=0, ignore_patterns=UNUSED)
        done.write_text(wanted)


def _fingerprint() -> str:
    """Changes with every file's name, size and time."""
    found = hashlib.sha256()
    for finder in get_finders():
        for path, storage in finder.list(["CVS", ".*", "*~"]):
            changed = storage.get_modified_time(path).timestamp()
            found.update(f"{path} {storage.size(path)} {changed}\n".encode())
    return found.hexdigest()
