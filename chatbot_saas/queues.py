"""The kinds of work, a queue for each: what takes long must not keep what is quick waiting.

A worker takes all of them, unless `--queues` names some.
"""

from __future__ import annotations

SHORT = "short"  # mails, payments, the clock: seconds at most
CRAWLING = "crawling"  # mostly waits for other people's servers
READING = "reading"  # documents: processors for minutes
UPKEEP = "upkeep"  # indexes made anew, exports, deletions: long, and nobody looks on

WAITING = (SHORT, CRAWLING)
WORKING = (READING, UPKEEP)
ALL = (*WAITING, *WORKING)

ROUTES = {
    "knowledge.tasks.ingest_next": {"queue": READING},
    "knowledge.crawl.tasks.crawl_website": {"queue": CRAWLING},
    "knowledge.tasks.remove_source": {"queue": UPKEEP},
    "knowledge.tasks.index_source": {"queue": UPKEEP},
    "knowledge.tasks.rebuild_index_of": {"queue": UPKEEP},
    "knowledge.tasks.sweep_orphans": {"queue": UPKEEP},
    "knowledge.tasks.heal_doubted": {"queue": UPKEEP},
    "knowledge.tasks.reembed_base": {"queue": UPKEEP},
    "knowledge.tasks.clear_reembedding": {"queue": UPKEEP},
    "knowledge.tasks.take_upload": {"queue": READING},
    "chatbot_saas.tasks.build_export": {"queue": UPKEEP},
    "chatbot_saas.tasks.delete_client": {"queue": UPKEEP},
}
