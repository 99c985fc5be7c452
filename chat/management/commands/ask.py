"""manage.py ask "question" --bot BOT_ID: an answer on the terminal, streamed."""

from __future__ import annotations

import asyncio
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from chat.conversation import Question, open_turn, reply
from chat.engine.events import Citations, Delta, Failed
from chat.model import chat_model
from chat.models import Bot
from chatbot_saas.lib.threads import in_thread


class Command(BaseCommand):
    help = "Ask a bot and print the answer with its sources."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("question")
        parser.add_argument("--bot", required=True, metavar="BOT_ID")

    def handle(self, *args: Any, **options: Any) -> None:
        bots = Bot.objects.select_related("client", "knowledge_base")
        bot = bots.filter(public_id=options["bot"]).first()
        if bot is None:
            raise CommandError(f"There is no bot {options['bot']}.")
        asyncio.run(self._ask(Question(bot=bot, text=options["question"], visitor="")))

    async def _ask(self, question: Question) -> None:
        turn = await in_thread(open_turn, question)
        async for event in reply(turn, chat_model()):
            match event:
                case Delta():
                    self.stdout.write(event.text, ending="")
                    self.stdout.flush()
                case Citations():
                    self.stdout.write("\n")
                    for cited in event.citations:
                        self.stdout.write(f"\n[{cited.number}] {cited.title} {cited.url}")
                case Failed():
                    raise CommandError(event.message)
        self.stdout.write("\n")
