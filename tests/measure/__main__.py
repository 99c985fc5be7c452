"""python -m tests.measure [retrieval|answers|ingestion|refusing|pages|reading|memory]…"""

from __future__ import annotations

import sys

from tests.measure import answers, ingestion, memory, pages, reading, refusing, retrieval

ALL = {
    "retrieval": retrieval.main,
    "answers": answers.main,
    "ingestion": ingestion.main,
    "refusing": refusing.main,
    "pages": pages.main,
    "reading": reading.main,
    "memory": memory.main,
}

for name in sys.argv[1:] or ALL:
    if name not in ALL:
        sys.exit(f"There is no benchmark {name}: choose from {', '.join(ALL)}.")
    ALL[name]()
