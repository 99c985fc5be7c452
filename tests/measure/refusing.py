"""The demo's questions without a model: how many of each kind are answered, and rightly."""

from __future__ import annotations

import subprocess
import sys

from tests.measure.answers import await_demo
from tests.measure.installation import installed
from tests.services.process import ROOT, child_env

COUNT = """
import django; django.setup()
from knowledge.models import KnowledgeBase
from tests.questions import tally
counts = tally(KnowledgeBase.objects.get(client__public_id="cli_demo"))
for kind in dict.fromkeys(kind for kind, _ in counts):
    told = ", ".join(f"{counts[kind, how]} {how}" for how in ("right", "wrong", "refused"))
    print(f"refusing    {kind}: {told}")
"""


def main() -> None:
    with installed() as product:
        await_demo(product)
        env = child_env(product.env | {"DJANGO_SETTINGS_MODULE": "chatbot_saas.settings"})
        subprocess.run([sys.executable, "-c", COUNT], cwd=ROOT, env=env, check=True)
