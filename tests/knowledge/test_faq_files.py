"""Questions and answers in CSV files: what spreadsheets write is read, and comes back the same."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client as Browser
from django.test.utils import CaptureQueriesContext

from accounts.audit import Action
from accounts.models import AuditEvent, Client
from accounts.roles import Role
from chat.models import Bot
from chatbot_saas.lib.csv import as_typed, rows_as_csv
from knowledge import faq_csv
from knowledge.models import Faq, KnowledgeBase, Source
from knowledge.pairs import MOST_FAQS
from tests.everything import Everything
from tests.house import Tenant
from tests.services.waiting import wait_until

IMPORT, EXPORT = "/app/knowledge/faqs/import/", "/app/knowledge/faqs/csv/"
HEADER = "question,answer,category,priority"


@pytest.fixture
def world(db: None) -> Everything:
    world = Everything.make("zanzibar")
    world.faq.source.delete()
    return world


@pytest.fixture
def owner(world: Everything) -> Browser:
    browser = Browser()
    browser.force_login(world.people[Role.OWNER])
    return browser


def send(browser: Browser, content: str | bytes, **more: str) -> Any:
    data = content.encode() if isinstance(content, str) else content
    return browser.post(IMPORT, {"import-file": SimpleUploadedFile("faqs.csv", data), **more})


def told(response: Any) -> str:
    assert response.status_code == 302
    return str(list(response.wsgi_request._messages)[-1])


def there(world: Everything) -> list[tuple[str, str, str, int]]:
    rows = world.base.faqs.order_by("pk")
    return list(rows.values_list("question", "answer", "category", "priority"))


def exported(browser: Browser, query: str = "") -> bytes:
    response: Any = browser.get(f"{EXPORT}{query}")
    return b"".join(response.streaming_content)


# --- What spreadsheets write ----------------------------------------------------------------

PLAIN = "question,answer,category,priority\nHow late?,Until six.,Hours,high\n"
READ = [("How late?", "Until six.", "Hours", 1)]


@pytest.mark.parametrize(
    "content",
    [
        PLAIN,
        PLAIN.replace("\n", "\r\n"),
        PLAIN.replace("\n", "\r"),
        PLAIN.rstrip("\n"),
        b"\xef\xbb\xbf" + PLAIN.encode(),
        PLAIN.replace(",", ";"),
        PLAIN.replace(",", "\t"),
        "sep=;\n" + PLAIN.replace(",", ";"),
        PLAIN.replace(",", "\t").encode("utf-16"),  # Excel's “Unicode text”
        PLAIN.replace("question", " QUESTION ").replace("priority", "Priority"),
        PLAIN.replace("high", " HIGH"),
        PLAIN + "\n,,,\n\n",
        "priority,id,category,answer,question\nhigh,7,Hours,Until six.,How late?\n",
        PLAIN.replace("Until six.", '"Until six."'),
    ],
)
def test_the_files_of_spreadsheets_are_read(
    owner: Browser, world: Everything, content: str | bytes
) -> None:
    assert told(send(owner, content)) == "The file is read: 1 added, 0 changed, 0 the same."
    assert there(world) == READ


@pytest.mark.parametrize("encoding", ["utf-8", "cp1252", "utf-16-le"])
@pytest.mark.parametrize(
    "question",
    [
        "Wie sind Ihre Öffnungszeiten am Wochenende, und wo ist die Straße gesperrt?",
        "Quels sont les délais de livraison à l’étranger, et où être livré dès août ?",
        "¿Cuánto cuesta el envío a España y cuándo llegará mañana?",
    ],
)
def test_letters_beyond_ascii_survive_in_excels_encodings(encoding: str, question: str) -> None:
    text = f'question;answer\r\n"{question}";"Siehe oben."\r\n'
    assert faq_csv.read(text.encode(encoding))[0].question == question


def test_quoted_text_keeps_its_lines_and_marks() -> None:
    text = f'{HEADER}\n"Say ""hi""?","First, this.\r\n\r\n- then; that",,\nB?,b.,,\n'
    rows = faq_csv.read(text.encode())
    assert [row.question for row in rows] == ['Say "hi"?', "B?"]
    assert rows[0].answer == "First, this.\n\n- then; that"


# --- There and back -------------------------------------------------------------------------

AWKWARD = [
    "=SUM(A1:A9)",
    "+49 30 123 456",
    "-5 % on Mondays",
    "@larkfell",
    "'quoted' text",
    "'=not ours",
    "''+neither",
    'She said "no", twice; really',
    "- one\n- two\n\nDone.",
    "ends with a quote'",
    "日本語 · العربية · ไทย 👍",
]


@pytest.mark.parametrize("cell", [*AWKWARD, "", "'", "plain"])
def test_what_was_written_is_read_as_it_was_typed(cell: str) -> None:
    written = "".join(rows_as_csv([[cell]])).rstrip("\r\n")
    assert not written.strip('"').startswith(("=", "+", "-", "@"))
    if '"' not in written:
        assert as_typed(written) == cell


def test_an_export_that_is_imported_changes_nothing(owner: Browser, world: Everything) -> None:
    file = "".join(
        rows_as_csv(
            [
                HEADER.split(","),
                *(
                    (f"{text.split(chr(10))[0]} {n}", text, text[:9], "low")
                    for n, text in enumerate(AWKWARD)
                ),
            ]
        )
    )
    assert told(send(owner, file)).startswith(f"The file is read: {len(AWKWARD)} added")
    before = there(world)
    assert [answer for _, answer, _, _ in before] == AWKWARD
    again = send(owner, exported(owner))
    assert told(again) == f"The file is read: 0 added, 0 changed, {len(AWKWARD)} the same."
    assert there(world) == before
    assert set(Source.objects.filter(kind="faq").values_list("version", flat=True)) == {1}


def test_an_export_opens_in_excel_and_runs_nothing(owner: Browser, world: Everything) -> None:
    send(owner, f'{HEADER}\n"=HYPERLINK(""http://evil.example"")",Grüße,,\n')
    file = exported(owner)
    assert file.startswith(b"\xef\xbb\xbfquestion,answer,category,priority\r\n")
    assert b"\"'=HYPERLINK" in file
    assert "Grüße".encode() in file


# --- Adding and changing --------------------------------------------------------------------


def test_questions_that_are_there_get_the_files_answer(owner: Browser, world: Everything) -> None:
    send(owner, f"{HEADER}\nA?,one.,x,high\nB?,two.,x,\nC?,three.,,\n")
    Source.objects.filter(kind="faq").update(state="ready", live_version=1)
    response = send(owner, f"{HEADER}\na,one.,x,high\nB?,new.,x,\nC?,three.,new,\nD?,four.,,\n")
    assert told(response) == "The file is read: 1 added, 3 changed, 0 the same."
    assert there(world) == [
        ("a", "one.", "x", 1),
        ("B?", "new.", "x", 0),
        ("C?", "three.", "new", 0),
        ("D?", "four.", "", 0),
    ]
    states = dict(Source.objects.filter(kind="faq").values_list("title", "state"))
    # A category is no text: nothing is to be read again.
    assert states == {"a": "queued", "B?": "queued", "C?": "ready", "D?": "queued"}
    versions = dict(Source.objects.filter(kind="faq").values_list("title", "version"))
    assert versions == {"a": 2, "B?": 2, "C?": 1, "D?": 1}


def test_what_the_file_has_no_column_for_stays(owner: Browser, world: Everything) -> None:
    send(owner, f"{HEADER}\nA?,one.,x,high\n")
    assert "1 changed" in told(send(owner, "answer;question\ntwo.;A?\nnew.;B?\n"))
    assert there(world) == [("A?", "two.", "x", 1), ("B?", "new.", "", 0)]


def test_an_empty_cell_of_a_column_empties(owner: Browser, world: Everything) -> None:
    send(owner, f"{HEADER}\nA?,one.,x,high\n")
    send(owner, f"{HEADER}\nA?,one.\n")
    assert there(world) == [("A?", "one.", "", 0)]


def test_an_import_is_noted_once(owner: Browser, world: Everything) -> None:
    send(owner, f"{HEADER}\nA?,one.,,\nB?,two.,,\n")
    send(owner, f"{HEADER}\nA?,one.,,\n")
    event = AuditEvent.objects.get(action=Action.FAQS_IMPORTED)
    assert event.details == {"added": 2, "changed": 0}


# --- Mistakes -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "reasons"),
    [
        ("", ["The submitted file is empty."]),
        ("\n\n", ["This file is empty."]),
        (HEADER, ["There is no question in this file."]),
        ("A?,one.\nB?,two.\n", ["The first row must name the columns"]),
        ("question,category\nA?,x\n", ["none named “answer”"]),
        (f"{HEADER}\nA?,one.,,\n,two.,,\n", ["Row 3: The question is missing."]),
        (f"{HEADER}\nA?,,,\n\nB?,!,,\n", ["Row 2: The answer is missing.", "Row 4: There is no"]),
        (f"{HEADER}\n{'w' * 251},a,,\n", ["Row 2: The question has more than 250 letters."]),
        (f"{HEADER}\nA?,a,,urgent\n", ["Row 2: The priority is low, normal or high."]),
        (f"{HEADER}\nA?,a,{'c' * 81},\n", ["Row 2: The category has more than 80 letters."]),
        (f"{HEADER}\nA?,a,,\nB?,b,,\na,c,,\n", ["Row 4: The question is the same as in row 2."]),
        (f'{HEADER}\n"x\ny",a,,\nA?,Yes, we do,,\n', ["Row 3: There are more cells than columns."]),
        (f'{HEADER}\nA?,a,,\nB?,"never closed,,\n', ["Row 3: A quotation mark"]),
        (f'{HEADER}\nA?,"a"b,,\n', ["Row 2: A quotation mark"]),
        (b"PK\x03\x04" + bytes(200), ["This is a workbook."]),
        (b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 9, [""]),
        ("\n".join([HEADER, *["?,a,,"] * 30]), ["Row 2:", "Row 21:", "And 10 more."]),
    ],
)
def test_a_file_with_a_mistake_changes_nothing_and_says_where_it_is(
    owner: Browser, world: Everything, content: str | bytes, reasons: list[str]
) -> None:
    response = send(owner, content)
    assert response.status_code == 422
    said = " ".join(response.context["import_form"].errors["file"])
    assert said
    for reason in reasons:
        assert reason in said
    assert not Faq.objects.filter(knowledge_base=world.base).exists()
    assert not Source.objects.filter(kind="faq").exists()


def test_a_form_without_a_file_says_so(owner: Browser, world: Everything) -> None:
    response = owner.post(IMPORT, {})
    assert response.status_code == 422
    assert response.context["import_form"].errors["file"]


def test_no_more_than_fit_are_taken(owner: Browser, world: Everything) -> None:
    rows = [f"Question {number}?,a." for number in range(MOST_FAQS)]
    too_many = send(owner, "\n".join(["question,answer", *rows, "One more?,a."]))
    assert too_many.status_code == 422
    send(owner, "\n".join(["question,answer", *rows]))
    assert world.base.faqs.count() == MOST_FAQS
    full = send(owner, "question,answer\nOne more?,a.\n")
    assert full.status_code == 409
    assert "2,000 questions" in full.content.decode()
    assert world.base.faqs.count() == MOST_FAQS


def test_many_rows_cost_few_queries(owner: Browser, world: Everything) -> None:
    def queries(rows: int, answer: str) -> int:
        lines = [f"Question {number}?,{answer}" for number in range(rows)]
        with CaptureQueriesContext(connection) as caught:
            assert send(owner, "\n".join(["question,answer", *lines])).status_code == 302
        return len(caught)

    few_new, few_changed = queries(2, "a."), queries(2, "b.")
    assert queries(150, "c.") <= few_changed + few_new
    assert queries(150, "d.") <= few_changed + 2


# --- Whose, and for whom --------------------------------------------------------------------


def test_viewers_export_and_do_not_import(world: Everything) -> None:
    viewer = Browser()
    viewer.force_login(world.people[Role.VIEWER])
    assert exported(viewer)
    assert send(viewer, PLAIN).status_code == 403
    assert not there(world)


def test_an_inactive_client_imports_nothing(owner: Browser, world: Everything) -> None:
    Client.objects.filter(pk=world.client.pk).update(is_active=False)
    assert send(owner, PLAIN).status_code == 402
    assert not there(world)


def test_each_chatbot_has_its_own(owner: Browser, world: Everything) -> None:
    base = KnowledgeBase.objects.create(client=world.client, name="B", embedding_model="none")
    bot = Bot.objects.create(client=world.client, knowledge_base=base, name="Second")
    assert send(owner, PLAIN).status_code == 422  # which?
    send(owner, PLAIN, **{"import-bot": bot.public_id})
    assert base.faqs.count() == 1
    assert not there(world)
    assert b"How late?" in exported(owner, f"?bot={bot.public_id}")
    assert b"How late?" not in exported(owner, f"?bot={world.bot.public_id}")


def test_of_another_client_nothing_is_exported_or_changed(
    owner: Browser, world: Everything
) -> None:
    other = Everything.make("tromso")
    assert owner.get(f"{EXPORT}?bot={other.bot.public_id}").status_code == 404
    assert send(owner, PLAIN, **{"import-bot": other.bot.public_id}).status_code == 422
    assert other.base.faqs.count() == 1
    assert b"tromso" not in exported(owner)


def test_an_imported_file_is_learned_and_changed_without_a_gap(shop: Tenant) -> None:
    with shop.dashboard() as browser:
        send_over_http = partial(_send, shop, browser)
        rows = [f"What is number {number}?,It is the number {number}." for number in range(60)]
        assert "60 added" in send_over_http("\n".join(["question,answer", *rows]))
        wait_until(lambda: learned(shop) == 60, 90)
        best = shop.search("What is number 37?")[0]
        assert best["text"] == "It is the number 37."
        answers = watch(shop, lambda: send_over_http("question,answer\nWhat is number 37?,New.\n"))
        assert answers <= {"It is the number 37.", "New."}
        wait_until(lambda: learned(shop) == 60, 90)
        assert "New." in {one["text"] for one in shop.search("What is number 37?")}


def learned(shop: Tenant) -> int:
    return Source.objects.for_client(shop.client).filter(state="ready").count()


def watch(shop: Tenant, change: Callable[[], object]) -> set[str]:
    """Every best answer that was given while the change was learned."""
    change()
    seen = set()
    while Source.objects.for_client(shop.client).unfinished().exists():
        found = [hit for hit in shop.search("What is number 37?") if "37" in hit["title"]]
        assert len(found) == 1  # never none, never both
        seen.add(found[0]["text"])
    return seen


def _send(shop: Tenant, browser: Any, content: str) -> str:
    page = browser.get("/app/knowledge/faqs/")
    token = page.text.split('name="csrfmiddlewaretoken" value="')[1].split('"')[0]
    response = browser.post(
        f"{IMPORT}?client={shop.client.public_id}",
        data={"csrfmiddlewaretoken": token},
        files={"import-file": ("faqs.csv", content.encode())},
        headers={"Referer": str(browser.base_url)},
        follow_redirects=True,
    )
    assert response.status_code == 200, response.text
    return str(response.text)
