"""The readers on the real files: what each finds, how fast, in how much memory.

Beside the chosen readers stand the libraries that were tried, where they are installed:
pip install pdfplumber pypdf python-docx mammoth docx2python python-pptx openpyxl odfpy trafilatura
readability-lxml. Each reads in a process of its own.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from tests.services.process import ROOT

CORPUS = ROOT.parent / "shared" / "corpus"
ONE = """
import json, sys, time
path, words, code = sys.argv[1:]
began = time.perf_counter()
space = {"path": path}
try:
    exec(code, space)
    text = space["text"]
except ImportError:
    text = None
except Exception as error:
    text = f"{type(error).__name__}: {error}"
took = time.perf_counter() - began
flat = "".join((text or "").split())
print(json.dumps([
    text is not None, round(took * 1000), len(flat), "".join(words.split()).lower() in flat.lower(),
    next(int(line.split()[1]) // 1024 for line in open("/proc/self/status") if "VmHWM" in line),
    text.count("\\n#") + text.startswith("#") if text else 0,
    sum(line.startswith("|") for line in (text or "").split("\\n")),
]))
"""
OURS = """
from pathlib import Path
from knowledge.engine.detect import format_of
from knowledge.engine.read import read
file = Path(path)
text = read(file, format_of(file.name, file.read_bytes()[:4096])).text
"""
PDF = {
    "pypdfium2, bare": "import pypdfium2\n"
    "text = '\\n'.join(p.get_textpage().get_text_range() for p in pypdfium2.PdfDocument(path))",
    "pypdf": "import pypdf\n"
    "text = '\\n'.join(p.extract_text() for p in pypdf.PdfReader(path).pages)",
    "pdfplumber": "import pdfplumber\n"
    "text = '\\n'.join(p.extract_text() for p in pdfplumber.open(path).pages)",
}
DOCX = {
    "python-docx": "import docx\n"
    "text = '\\n'.join(getattr(b, 'text', '') for b in docx.Document(path).iter_inner_content())",
    "mammoth": "import mammoth\n"
    "text = mammoth.convert_to_html(open(path, 'rb'), convert_image=lambda _: []).value",
    "docx2python": "import docx2python\ntext = docx2python.docx2python(path).text",
}
SHEETS = {
    "openpyxl": "import openpyxl\nbook = openpyxl.load_workbook(path, read_only=True)\n"
    "text = '\\n'.join(str(row) for sheet in book for row in sheet.iter_rows(values_only=True))",
}
SLIDES = {
    "python-pptx": "import pptx\ntext = '\\n'.join(shape.text_frame.text for slide in "
    "pptx.Presentation(path).slides for shape in slide.shapes if shape.has_text_frame)",
}
ODF = {
    "odfpy": "from odf import opendocument, teletype\n"
    "text = teletype.extractText(opendocument.load(path).body)",
}
PAGES = {
    "trafilatura": "import trafilatura\ntext = trafilatura.extract(open(path, 'rb').read(), "
    "output_format='markdown', include_tables=True, favor_recall=True) or ''",
    "readability": "import lxml.html, readability\npage = readability.Document(open(path).read())\n"
    "text = lxml.html.fromstring(page.summary()).text_content()",
}
OTHERS = {
    ".pdf": PDF, ".docx": DOCX, ".xlsx": SHEETS, ".pptx": SLIDES, ".odt": ODF, ".html": PAGES
}  # fmt: skip


def main() -> None:
    if not CORPUS.is_dir():
        sys.exit("reading     the corpus of files is not here")
    print(f"reading     {'file':44} {'reader':16} found    ms     MB letters heads rows")
    rows = (CORPUS / "manifest.tsv").read_text(encoding="utf-8").splitlines()[1:]
    for name, outcome, words, *_ in (row.split("\t") for row in rows):
        path = CORPUS / name
        if outcome != "ready" or path.suffix == ".zip" or not name.startswith("real/"):
            continue
        for reader, code in {"ours": OURS, **OTHERS.get(path.suffix, {})}.items():
            _print(path, reader, _measured(path, words, code))


def _measured(path: Path, words: str, code: str) -> list[int]:
    command = [sys.executable, "-W", "ignore", "-c", ONE, str(path), words, code]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, check=True, text=True)
    figures: list[int] = json.loads(ran.stdout.splitlines()[-1])
    return figures


def _print(path: Path, reader: str, figures: list[int]) -> None:
    there, milliseconds, letters, found, megabytes, heads, rows = figures
    if there:
        print(
            f"reading     {path.name:44} {reader:16} {'yes' if found else 'NO':5} "
            f"{milliseconds:5} {megabytes:6} {letters:7} {heads:5} {rows:4}"
        )
