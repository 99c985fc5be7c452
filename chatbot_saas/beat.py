"""The scheduler: a Celery application that sends task names by the clock and needs no Django.

python -m chatbot_saas.beat takes 27 MB; with all apps loaded it would be 120, and Celery's command
line alone brings 10.
"""

from __future__ import annotations

from argparse import ArgumentParser

from celery import Celery

app = Celery("chatbot_saas", fixups=[], set_as_current=False)
app.config_from_object("chatbot_saas.settings", namespace="CELERY")


def main() -> None:
    options = ArgumentParser(description="Send tasks by the clock.")
    options.add_argument("--schedule", help="the file that remembers when each was sent last")
    options.add_argument("--loglevel", default="WARNING")
    # Without a pid file: one that a power cut left behind would keep it from starting.
    app.Beat(quiet=True, **vars(options.parse_args())).run()


if __name__ == "__main__":
    main()
