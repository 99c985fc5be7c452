"""Real and hostile files: each gives what the manifest beside them expects, within its limits."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from knowledge.engine.limits import Limits
from knowledge.engine.ocr import PROGRAM
from knowledge.engine.reading_processes import PROJECT
from tests.engine.outcomes import outcome_of
from tests.hostile import CORPUS

needs_corpus = pytest.mark.skipif(not CORPUS.is_dir(), reason="the corpus of files is not here")
SLOWEST_SECONDS = 60
ODD_FILES = {  # outcome, and a word of the text or of the reason
    "empty.pdf": ("failed", "empty"),
    "one-line-5mb.txt": ("ready", "word"),
    "stream-bomb.pdf": ("failed", ""),
    "zip-bomb.zip": ("failed", "unpacks"),
    "nested-40.zip": ("failed", "ZIP within a ZIP"),
    "many-entries.zip": ("failed", "unpacks"),
    "gzip-bomb.html.gz": ("failed", "gzip"),
    "deep-html.html": ("failed", "no text"),
}


def manifest() -> list[tuple[str, str, str]]:
    if not CORPUS.is_dir():
        return []
    rows = (CORPUS / "manifest.tsv").read_text(encoding="utf-8").splitlines()[1:]
    return [(cells[0], cells[1], cells[2]) for row in rows if (cells := row.split("\t"))]


@needs_corpus
@pytest.mark.parametrize(("name", "expected", "words"), manifest())
def test_a_file_gives_what_its_manifest_says(
    name: str, expected: str, words: str, tmp_path: Path
) -> None:
    found = outcome_of(CORPUS / name, tmp_path)
    if expected == "ocr" and shutil.which(PROGRAM) is None:
        expected, words = "failed", "OCR"
    assert found.state == expected.replace("ocr", "ready"), found.said[:300]
    assert " ".join(words.split()).lower() in " ".join(found.said.split()).lower()
    assert "root:" not in found.said  # nothing of this machine


@needs_corpus
@pytest.mark.parametrize("name", ODD_FILES)
def test_an_odd_file_ends_soon_and_in_little_memory(
    odd_files: Path, name: str, tmp_path: Path
) -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "tests.engine.outcomes", odd_files / name, tmp_path],
        cwd=PROJECT,
        check=True,
        capture_output=True,
        text=True,
        timeout=SLOWEST_SECONDS,
    )
    found = json.loads(ran.stdout)
    expected, words = ODD_FILES[name]
    assert found["state"] == expected, found["said"]
    assert words in found["said"]
    assert found["peak"] < Limits().memory


@needs_corpus
def test_every_odd_file_ends_in_ready_or_failed(odd_files: Path, tmp_path: Path) -> None:
    for path in sorted(odd_files.iterdir()):
        if path.name not in ODD_FILES:
            assert outcome_of(path, tmp_path).said, path.name


@needs_corpus
def test_nothing_is_written_outside_of_the_folder(odd_files: Path, tmp_path: Path) -> None:
    inner = tmp_path / "a" / "b" / "c" / "d" / "e"
    inner.mkdir(parents=True)
    found = outcome_of(odd_files / "path-traversal.zip", inner)
    assert "Harmless text" in found.said
    assert "leads out of the archive" in found.reason
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["2-ok.txt"]


def test_the_reading_process_loads_nothing_of_the_models_and_the_site() -> None:
    code = "import json, sys, knowledge.engine.reading_server; print(json.dumps(list(sys.modules)))"
    ran = subprocess.run(
        [sys.executable, "-c", code], cwd=PROJECT, check=True, capture_output=True, text=True
    )
    loaded = {name.partition(".")[0] for name in json.loads(ran.stdout)}
    assert not loaded & {"django", "celery", "onnxruntime", "numpy", "openai", "chromadb"}
