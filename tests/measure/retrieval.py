"""retrieve.search over 1,000 and 10,000 passages on SQLite, in its parts."""

from __future__ import annotations

import subprocess
import sys

from tests.measure.installation import installed
from tests.services.process import ROOT, child_env


def main() -> None:
    with installed() as product:
        for passages in (1_000, 10_000):
            subprocess.run(
                [sys.executable, "-m", "tests.measure.search_in_process", str(passages)],
                cwd=ROOT,
                env=child_env(product.env),
                check=True,
            )
