"""The filesystem broker, with files that appear whole.

kombu's own transport creates a message's file, and its table of queues, first and fills them
afterwards. A process that looks in between reads an empty file, fails to parse it, and ends. Here
each file is written under another name and renamed: readers see all of it or nothing.
"""

from __future__ import annotations

import fcntl
import json
import threading
from pathlib import Path
from time import monotonic
from typing import Any
from uuid import uuid4

from kombu.transport import TRANSPORT_ALIASES, filesystem

# kombu remembers a binding, for all threads of a process, before it writes it down. A thread that
# sends in between finds the binding known and the table without it, and its message goes nowhere.
_binding = threading.RLock()


class Channel(filesystem.Channel):
    def queue_bind(self, *args: Any, **kwargs: Any) -> None:
        with _binding:
            super().queue_bind(*args, **kwargs)

    def _put(self, queue: Any, payload: Any, **_kwargs: Any) -> None:  # type: ignore[override]
        # By the same clock in all processes, so that names sort by age.
        name = f"{round(monotonic() * 1000)}_{uuid4()}.{queue}.msg"
        _write_whole(Path(self.data_folder_out, name), json.dumps(payload))

    def _queue_bind(self, exchange: Any, routing_key: Any, pattern: Any, queue: Any) -> None:
        file = Path(self._exchange_file(exchange))
        file.parent.mkdir(parents=True, exist_ok=True)
        wanted = filesystem.exchange_queue_t(routing_key or "", pattern or "", queue or "")
        with file.with_suffix(".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            bound = self.get_table(exchange)
            if wanted not in bound:
                _write_whole(file, json.dumps([wanted, *bound]))


class Transport(filesystem.Transport):
    Channel = Channel


def _write_whole(path: Path, text: str) -> None:
    part = path.with_name(f"{path.name}.{uuid4()}.part")
    part.write_text(text, encoding="utf-8")
    part.rename(path)


TRANSPORT_ALIASES["filesystem"] = "chatbot_saas.folder_broker:Transport"
