"""Websites over HTTP: taken by a real worker from a real server, and kept fresh."""

from __future__ import annotations

import gzip
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.core.files.storage import default_storage
from django.utils import timezone

from accounts.models import AuditEvent
from knowledge.crawl import checks
from knowledge.models import Passage, Source, WebHost, WebPage, Website
from tests.fakes.site import Site
from tests.house import House, Tenant, refused
from tests.knowledge.test_recovery import base_is_whole
from tests.services.waiting import wait_until


@pytest.fixture
def site(house: House) -> Site:
    """A shop with three pages that link to each other, and one that nobody links to."""
    site = house.website()
    site.article("/", "Start", "Welcome to the shop of Ada.", "/hours", "/returns")
    site.article("/hours", "Hours", "We open at nine every morning.", "/", "/returns#costs")
    site.article("/returns", "Returns", "You may return goods within 60 days.", "/hours?utm_x=1")
    site.article("/hidden", "Hidden", "Nobody links here.")
    return site


def titles(shop: Tenant) -> set[str]:
    return set(Source.objects.for_client(shop.client).values_list("title", flat=True))


def page(shop: Tenant, site: Site, path: str) -> WebPage:
    return WebPage.objects.for_client(shop.client).get(url=f"http://{site.host}{path}")


def answers(shop: Tenant, question: str) -> str:
    return " ".join(hit["text"] for hit in shop.search(question))


# --- Taking ---------------------------------------------------------------------------------


def test_a_website_is_taken_page_by_page(shop: Tenant, site: Site) -> None:
    sent = shop.add_website(site.url)
    assert sent.status_code == 201
    assert (sent.json()["mode"], sent.json()["bot"]) == ("crawl", shop.bot.public_id)
    found = shop.crawled(sent.json()["id"])
    assert found["status"] == "ready", found
    assert found["pages"] == {"queued": 0, "found": 0, "taken": 3, "failed": 0}
    assert found["last_checked_at"]
    assert found["next_check_at"] > found["last_checked_at"]
    assert titles(shop) == {"Start", "Hours", "Returns"}
    best = shop.search("How many days do I have to send something back?")[0]
    assert "60 days" in best["text"]
    source = shop.document(best["source_id"])
    assert (source["kind"], source["url"]) == ("page", f"{site.url}returns")
    base_is_whole(shop.base)


def test_each_page_is_asked_for_once_by_our_name(shop: Tenant, site: Site) -> None:
    shop.crawl(site.url)
    assert sorted(site.paths) == ["/", "/hours", "/returns", "/sitemap.xml"]
    agents = {one.headers["User-Agent"] for one in site.asked}
    assert agents == {"ChatbotSaasBot/1.0 (+http://localhost:8000/)"}
    assert not any("Cookie" in one.headers for one in site.asked)


def test_one_page_is_one_page(shop: Tenant, site: Site) -> None:
    found = shop.crawl(f"{site.url}hours", "page")
    assert (found["limit"], found["pages"]["taken"]) == (1, 1)
    assert site.paths == ["/hours"]


@pytest.mark.parametrize("packed", [False, True])
def test_a_sitemap_names_what_is_read(shop: Tenant, site: Site, packed: bool) -> None:
    site.sitemap("/index.xml", f"{site.url}one.xml", "http://elsewhere.test/two.xml", index=True)
    pages = [f"{site.url}hours", f"{site.url}hidden", "http://elsewhere.test/", f"{site.url}a.pdf"]
    site.sitemap("/one.xml", *pages)
    if packed:
        site.raw("/one.xml", gzip.compress(site.answer("/one.xml", {}).body))
    shop.crawl(f"{site.url}index.xml", "sitemap")
    assert titles(shop) == {"Hours", "Hidden"}


def test_a_crawl_reads_the_sitemap_that_robots_txt_names(shop: Tenant, site: Site) -> None:
    site.robots(f"User-agent: *\nAllow: /\nSitemap: {site.url}map.xml")
    site.sitemap("/map.xml", f"{site.url}hidden")
    shop.crawl(site.url)
    assert "Hidden" in titles(shop)


def test_links_within_a_page_lead_to_where_they_led(shop: Tenant, site: Site) -> None:
    site.page("/help/a", "<h1>Help</h1><p>Read <a href='../terms'>our terms</a> of the shop.</p>")
    shop.crawl(f"{site.url}help/a", "page")
    assert f"{site.url}terms" in answers(shop, "Where are the terms?")


def test_limits_and_patterns_hold(shop: Tenant, site: Site) -> None:
    links = [f"/help/{number}" for number in range(20)] + ["/blog/1"]
    site.article("/help/", "Help", "Where to find what.", *links)
    for link in links:
        site.article(link, f"Page {link}", f"What {link} says.")
    found = shop.crawl(f"{site.url}help/", limit=5, include=["/help/"], exclude=["/help/3"])
    assert found["pages"]["taken"] == 5
    assert "Page /help/3" not in titles(shop)
    assert not any("blog" in path for path in site.paths)


@pytest.mark.parametrize(
    ("depth", "wanted"), [(0, {"Level 0"}), (1, {"Level 0", "Level 1"}), (None, None)]
)
def test_a_crawl_goes_as_deep_as_it_is_told(
    house: House, shop: Tenant, depth: int | None, wanted: set[str] | None
) -> None:
    site = house.website()
    for level, path in enumerate(("/", "/1", "/2", "/3")):
        site.article(path, f"Level {level}", f"What level {level} says.", f"/{level + 1}")
    site.sitemap("/sitemap.xml", *(f"{site.url}{level}" for level in (1, 2, 3)))
    fields: dict[str, Any] = {} if depth is None else {"depth": depth}
    for _ in range(2):  # also when it is looked at again
        found = shop.crawl(site.url, **fields)
        assert found["depth"] == (10 if depth is None else depth)
        assert titles(shop) == (wanted or {f"Level {level}" for level in range(4)})
        shop.sync(found["id"])
    assert ("/sitemap.xml" in site.paths) is (depth is None)
    assert ("/2" in site.paths) is (depth is None)


@pytest.mark.parametrize("depth", [-1, 11, "deep", 1.5])
def test_a_depth_that_is_none_is_refused(shop: Tenant, site: Site, depth: object) -> None:
    assert refused(shop.add_website(site.url, depth=depth))[0] == 400
    assert not Website.objects.for_client(shop.client).exists()


def test_the_same_website_again_is_the_same(shop: Tenant, site: Site) -> None:
    first = shop.crawl(site.url)
    again = shop.add_website(f"{site.url}#top").json()
    assert again["id"] == first["id"]


def test_pages_count_against_the_plan(house: House, site: Site) -> None:
    shop = house.tenant(pays=True)
    other = Website.objects.create(
        knowledge_base=shop.base, mode="crawl", url="http://other.test/", limit=200, state="ready"
    )
    rows = [
        WebPage(website=other, url=f"http://other.test/{n}", key=f"other.test/{n}", state="taken")
        for n in range(198)
    ]
    WebPage.objects.bulk_create(rows)
    assert shop.crawl(site.url)["pages"]["taken"] == 2
    assert refused(shop.add_website(f"{site.url}hidden", "page")) == (402, "plan_limit")


# --- What is not taken ----------------------------------------------------------------------


def test_robots_txt_is_obeyed(shop: Tenant, site: Site) -> None:
    site.robots("User-agent: ChatbotSaasBot\nDisallow: /returns")
    found = shop.crawl(site.url)
    assert titles(shop) == {"Start", "Hours"}
    assert "/returns" not in site.paths
    assert found["pages"]["failed"] == 1
    assert "robots.txt" in page(shop, site, "/returns").error


def test_a_website_without_readable_rules_is_left_alone(shop: Tenant, site: Site) -> None:
    site.fail("/robots.txt", 503, times=100)
    found = shop.crawl(site.url)
    assert (found["status"], site.paths) == ("failed", [])
    assert "robots.txt" in found["error"]


def test_pages_that_ask_for_it_are_not_read(shop: Tenant, site: Site) -> None:
    site.page("/hours", '<meta name="robots" content="noindex"><p>We open at nine.</p>')
    shop.crawl(site.url)
    assert "Hours" not in titles(shop)
    assert "noindex" in page(shop, site, "/hours").error


def test_other_kinds_and_empty_pages_say_why(shop: Tenant, site: Site) -> None:
    site.raw("/hours", b"\x89PNG", "image/png")
    site.page("/returns", "<script>render()</script><div id=app></div>")
    found = shop.crawl(site.url)
    assert (found["status"], found["pages"]["failed"]) == ("ready", 2)
    assert "image/png" in page(shop, site, "/hours").error
    assert "only a program" in page(shop, site, "/returns").error


def test_copies_are_taken_once(shop: Tenant, site: Site) -> None:
    site.article("/", "Start", "Welcome.", "/a", "/b", "/c", "/d/")
    site.article("/a", "Copy", "The same words.")
    site.article("/b", "Copy", "The same words.")
    site.page("/c", '<link rel="canonical" href="/a"><p>The words of A, printed.</p>')
    site.redirect("/d/", "/a")
    found = shop.crawl(site.url)
    assert found["pages"]["taken"] == 2
    assert titles(shop) == {"Start", "Copy"}


def test_a_start_page_may_lead_to_the_new_name_of_a_site(house: House, shop: Tenant, site: Site):
    old = house.website()
    old.redirect("/", site.url, 301)
    found = shop.crawl(old.url)
    assert (found["url"], found["pages"]["taken"]) == (site.url, 3)


def test_other_pages_do_not_lead_away(house: House, shop: Tenant, site: Site) -> None:
    other = house.website()
    other.article("/", "Other", "Somebody else's words.")
    site.redirect("/hours", other.url)
    shop.crawl(site.url)
    assert "Other" not in titles(shop)
    assert other.host in page(shop, site, "/hours").error
    assert other.asked == []


def test_an_address_that_is_too_long_for_a_row_fails_alone(shop: Tenant, site: Site) -> None:
    place = "/" + "a" * 1500
    site.redirect("/hours", place)
    site.article(place, "Hours", "We open at nine every morning.")
    found = shop.crawl(site.url)
    assert (found["status"], found["pages"]["taken"]) == ("ready", 2)
    assert "too long" in page(shop, site, "/hours").error


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/",
        "http://localhost/",
        "http://10.0.0.1/",
        "http://169.254.169.254/latest/",
        "file:///etc/passwd",
        "http://user:word@shop.example/",
        "http://shop.example:8080/",
        "ftp://shop.example/",
        "http://[::1]/",
        "words",
        "",
    ],
)
def test_an_address_that_we_do_not_go_to_is_refused_at_once(shop: Tenant, url: str) -> None:
    response = shop.add_website(url)
    assert response.status_code == 400
    assert not Website.objects.for_client(shop.client).exists()


def test_a_link_to_a_private_address_is_not_followed(shop: Tenant, site: Site) -> None:
    site.redirect("/hours", "http://127.0.0.1:80/")
    site.redirect("/returns", "http://169.254.169.254/")
    found = shop.crawl(site.url)
    assert (found["pages"]["taken"], found["pages"]["failed"]) == (1, 2)


def test_a_website_that_is_not_there_fails_with_a_reason(shop: Tenant) -> None:
    found = shop.crawl("http://no-such-host.invalid/")
    assert found["status"] == "failed"
    assert "no website of the name" in found["error"]


# --- Hostile sites --------------------------------------------------------------------------


def test_a_calendar_without_end_has_one(shop: Tenant, site: Site) -> None:
    def month(path: str) -> str:
        number = int(path.rpartition("=")[2])
        return f"<p>Events of month {number}</p><a href='/cal?month={number + 1}'>next</a>"

    site.article("/", "Start", "Welcome.", "/cal?month=1", "/hours")
    site.made("/cal?month=", month)
    found = shop.crawl(site.url)
    assert found["status"] == "ready"
    assert len([path for path in site.paths if path.startswith("/cal")]) <= 24
    assert "Hours" in titles(shop)


def test_links_that_grow_have_an_end(shop: Tenant, site: Site) -> None:
    site.made("/deep/", lambda path: f"<p>{path}</p><a href='{path}deep/'>on</a><a href='x/'>x</a>")
    site.article("/", "Start", "Welcome.", "/deep/")
    assert shop.crawl(site.url)["status"] == "ready"
    assert len(site.paths) < 100


def test_redirects_without_end_and_endless_pages_fail_alone(shop: Tenant, site: Site) -> None:
    site.redirect("/hours", "/hours")
    site.page("/returns", "<p>" + "long " * 2_000_000)
    found = shop.crawl(site.url)
    assert (found["status"], found["pages"]["taken"]) == ("ready", 1)
    assert "again and again" in page(shop, site, "/hours").error
    assert "5 MB" in page(shop, site, "/returns").error


def test_a_page_in_an_encoding_that_takes_hours_is_read_without_it(
    shop: Tenant, site: Site
) -> None:
    head = b"<title>Hours</title><p>We open at nine every morning.</p><script>a-"
    site.raw("/hours", head + b"b" * 1_000_000, "text/html; charset=punycode")
    assert shop.crawl(site.url)["pages"]["taken"] == 3
    assert titles(shop) == {"Start", "Hours", "Returns"}


def test_a_server_that_is_busy_is_asked_again(shop: Tenant, site: Site) -> None:
    site.fail("/hours", 503, times=2)
    site.fail("/returns", 429, Retry_After="1")
    assert shop.crawl(site.url)["pages"]["taken"] == 3


def test_a_server_that_wants_an_hour_gets_it_and_nobody_is_woken_meanwhile(
    house: House, shop: Tenant, site: Site
) -> None:
    site.fail("/hours", 429, Retry_After="3000")
    row = Website.objects.get(public_id=shop.add_website(f"{site.url}hours", "page").json()["id"])
    wait_until(lambda: waits_for_long(row), 30)
    # As if it had lain there for a while: nobody has beaten, and each sweep looks at it.
    long_ago = timezone.now() - timedelta(minutes=10)
    Website.objects.filter(pk=row.pk).update(heartbeat_at=long_ago)
    wait_for_sweeps(house, 3)
    row.refresh_from_db()
    assert (row.lease, row.heartbeat_at, site.paths) == ("", long_ago, ["/hours"])
    Website.objects.filter(pk=row.pk).update(not_before=timezone.now())
    WebHost.objects.filter(origin=f"http://{site.host}").update(next_at=timezone.now())
    assert shop.crawled(row.public_id)["pages"]["taken"] == 1  # the sweep finds it
    assert site.paths == ["/hours", "/hours"]


def test_who_deletes_a_website_need_not_wait_for_its_server(shop: Tenant, site: Site) -> None:
    site.fail("/", 503, Retry_After="3000")
    row = Website.objects.get(public_id=shop.add_website(site.url).json()["id"])
    wait_until(lambda: waits_for_long(row), 30)
    assert shop.http.delete(f"/api/pages/{row.public_id}", headers=shop.bearer).status_code == 204
    wait_until(lambda: not Website.objects.filter(pk=row.pk).exists(), 30)


def waits_for_long(website: Website) -> bool:
    soon = timezone.now() + timedelta(minutes=40)
    return Website.objects.filter(pk=website.pk, not_before__gt=soon).exists()


def wait_for_sweeps(house: House, count: int) -> None:
    """Return once the scheduler has asked for so many more, and what it asked for is done."""

    def sent() -> int:
        return house.scheduler.log_text().count("sweep-websites")

    least = sent() + count + 1
    wait_until(lambda: sent() >= least, 30)


def test_a_server_is_asked_no_faster_than_it_wants(shop: Tenant, site: Site) -> None:
    site.robots("User-agent: *\nCrawl-delay: 0.4")
    shop.crawl(f"{site.url}hours", "page")
    host = WebHost.objects.get(origin=f"http://{site.host}")
    assert host.robots.endswith("0.4")


# --- Keeping fresh --------------------------------------------------------------------------


def versions(shop: Tenant) -> dict[str, int]:
    rows = Source.objects.for_client(shop.client).values_list("title", "live_version")
    return dict(rows)


def test_only_what_changed_is_read_again(shop: Tenant, site: Site) -> None:
    website = shop.crawl(site.url)["id"]
    kept = set(Passage.objects.filter(source__title="Returns").values_list("pk", flat=True))
    site.article("/hours", "Hours", "We open at ten every morning.", "/")
    site.asked.clear()
    shop.sync(website)
    assert versions(shop) == {"Start": 1, "Hours": 2, "Returns": 1}
    statuses = {one.path: one.status for one in site.asked}
    assert (statuses["/hours"], statuses["/returns"], statuses["/"]) == (200, 304, 304)
    assert "open at ten" in answers(shop, "When do you open?")
    assert "open at nine" not in answers(shop, "When do you open?")
    assert kept == set(Passage.objects.filter(source__title="Returns").values_list("pk", flat=True))
    base_is_whole(shop.base)


def test_a_text_that_comes_back_lies_in_a_file_of_its_own(shop: Tenant, site: Site) -> None:
    """Somebody may still be about to delete the file that it lay in at first."""
    website, files = shop.crawl(site.url)["id"], list[str]()
    source = Source.objects.for_client(shop.client).get(title="Hours")
    for hour in ("nine", "ten", "nine"):
        site.article("/hours", "Hours", f"We open at {hour} every morning.", "/")
        shop.sync(website)
        source.refresh_from_db()
        files.append(source.file)
    assert source.live_version == len(set(files)) == 3
    wait_until(lambda: [default_storage.exists(name) for name in files] == [False, False, True], 10)


def test_what_is_written_anew_with_the_same_words_is_no_change(shop: Tenant, site: Site) -> None:
    site.validates = False
    website = shop.crawl(site.url)["id"]
    site.page(
        "/hours",
        "<title>Hours</title><script>token=2</script><h1>Hours</h1>"
        "<p>We open at nine every morning.</p><nav>new</nav>",
    )
    shop.sync(website)
    assert versions(shop)["Hours"] == 1


def test_the_old_text_answers_until_the_new_one_is_ready(shop: Tenant, site: Site) -> None:
    website = shop.crawl(site.url)["id"]
    long = " ".join(f"Rule {n} of the shop is number {n * 7}." for n in range(3000))
    site.article("/hours", "Hours", f"We open at ten every morning. {long}")
    shop.http.post(f"/api/pages/{website}/sync", headers=shop.bearer)
    source = Source.objects.for_client(shop.client).get(title="Hours")

    def is_reading() -> bool:
        source.refresh_from_db()
        return source.version == 2 and source.state == "embedding"

    wait_until(is_reading, 30)
    found = answers(shop, "We open at what time every morning?")
    source.refresh_from_db()
    if source.live_version == 1:  # else it was quicker than we were
        assert "at nine" in found
        assert "at ten" not in found
    shop.crawled(website, 120)
    found = answers(shop, "We open at what time every morning?")
    assert "at ten" in found
    assert "at nine" not in found
    base_is_whole(shop.base)


@pytest.mark.parametrize("status", [404, 410])
def test_what_is_gone_answers_no_more(shop: Tenant, site: Site, status: int) -> None:
    website = shop.crawl(site.url)["id"]
    assert "60 days" in answers(shop, "How many days for returns?")
    site.remove("/returns", status)
    found = shop.sync(website)
    assert found["pages"]["taken"] == 2
    assert "60 days" not in answers(shop, "How many days for returns?")
    assert "Returns" not in titles(shop)
    base_is_whole(shop.base)


def test_a_server_that_is_down_for_a_while_loses_nothing(shop: Tenant, site: Site) -> None:
    website = shop.crawl(site.url)["id"]
    site.fail("/returns", 500, times=10)
    shop.sync(website)
    assert "60 days" in answers(shop, "How many days for returns?")
    assert "status 500" in page(shop, site, "/returns").error


def test_a_page_that_is_empty_for_a_while_keeps_what_was_read(shop: Tenant, site: Site) -> None:
    website = shop.crawl(site.url)["id"]
    for _ in range(2):  # it counts anew after each time that there was a text
        site.page("/returns", "<script>render()</script><div id=app></div>")
        shop.sync(website)
        assert "60 days" in answers(shop, "How many days for returns?")
        assert "only a program" in page(shop, site, "/returns").error
        site.article("/returns", "Returns", "You may return goods within 60 days.")
        assert shop.sync(website)["pages"]["taken"] == 3
        assert (page(shop, site, "/returns").error, versions(shop)["Returns"]) == ("", 1)


def test_a_page_that_stays_empty_answers_no_more(shop: Tenant, site: Site) -> None:
    website = shop.crawl(site.url)["id"]
    site.page("/returns", "<script>render()</script><div id=app></div>")
    for _ in range(2):
        shop.sync(website)
    assert "60 days" not in answers(shop, "How many days for returns?")
    assert "Returns" not in titles(shop)
    base_is_whole(shop.base)


def test_new_pages_are_found(shop: Tenant, site: Site) -> None:
    website = shop.crawl(site.url)["id"]
    site.article("/", "Start", "Welcome to the shop of Ada.", "/hours", "/returns", "/hidden")
    assert shop.sync(website)["pages"]["taken"] == 4


def test_a_page_that_moved_keeps_its_source(shop: Tenant, site: Site) -> None:
    website = shop.crawl(site.url)["id"]
    before = Source.objects.get(knowledge_base=shop.base, title="Returns")
    site.redirect("/returns", "/help/returns", 301)
    site.article("/help/returns", "Returns", "You may return goods within 60 days.")
    shop.sync(website)
    after = Source.objects.get(knowledge_base=shop.base, title="Returns")
    assert (after.pk, after.live_version) == (before.pk, 1)
    assert page(shop, site, "/help/returns").source == after


def test_what_was_deleted_by_hand_stays_out(shop: Tenant, site: Site) -> None:
    website = shop.crawl(site.url)["id"]
    source = Source.objects.get(knowledge_base=shop.base, title="Returns")
    shop.http.delete(f"/api/documents/{source.public_id}", headers=shop.bearer)
    site.article("/returns", "Returns", "Now within 90 days.")
    assert shop.sync(website)["pages"]["taken"] == 2
    assert "90 days" not in answers(shop, "How many days for returns?")


def test_what_is_due_is_looked_at_again(house: House, shop: Tenant, site: Site) -> None:
    website = shop.crawl(site.url)
    row = Website.objects.get(public_id=website["id"])
    assert row.pk not in checks.begin_due(100)
    Website.objects.filter(pk=row.pk).update(next_check_at=row.created_at)
    site.article("/hours", "Hours", "We open at ten every morning.")
    assert row.pk in checks.begin_due(100)
    shop.crawled(website["id"])  # the sweep finds it
    assert versions(shop)["Hours"] == 2


# --- Stopping, deleting, dying --------------------------------------------------------------


def slow_site(site: Site, pages: int = 30, seconds: float = 0.1) -> None:
    links = [f"/slow/{number}" for number in range(pages)]
    site.article("/", "Start", "Welcome.", *links)
    for number, link in enumerate(links):
        site.page(
            link, f"<title>Slow {number}</title><p>Fact number {number}.</p>", seconds=seconds
        )


def taken(shop: Tenant) -> int:
    return WebPage.objects.for_client(shop.client).filter(state="taken").count()


def has_taken(shop: Tenant, least: int) -> bool:
    return taken(shop) >= least


def test_a_crawl_can_be_stopped(shop: Tenant, site: Site) -> None:
    slow_site(site)
    website = shop.add_website(site.url).json()["id"]
    wait_until(partial(has_taken, shop, 3), 30)
    response = shop.http.post(f"/api/pages/{website}/stop", headers=shop.bearer)
    assert (response.status_code, response.json()["status"]) == (200, "ready")
    found = shop.crawled(website)
    assert 3 <= found["pages"]["taken"] < 30
    assert found["pages"]["queued"] == 0
    assert len(titles(shop)) == found["pages"]["taken"]
    base_is_whole(shop.base)


def test_a_killed_worker_loses_and_doubles_nothing(house: House, shop: Tenant, site: Site) -> None:
    slow_site(site)
    website = shop.add_website(site.url).json()["id"]
    for least in (3, 12, 21):
        wait_until(partial(has_taken, shop, least), 60)
        house.worker.kill()
        house.worker.start()
    found = shop.crawled(website, 120)
    assert found["pages"] == {"queued": 0, "found": 0, "taken": 31, "failed": 0}
    sources = Source.objects.for_client(shop.client)
    assert sources.count() == 31
    assert len(titles(shop)) == 31
    assert set(sources.values_list("live_version", "state")) == {(1, "ready")}
    base_is_whole(shop.base)


def test_a_deleted_website_answers_no_more_and_leaves_nothing(shop: Tenant, site: Site) -> None:
    website = shop.crawl(site.url)["id"]
    assert shop.http.delete(f"/api/pages/{website}", headers=shop.bearer).status_code == 204
    assert shop.search("How many days for returns?") == []
    assert shop.http.get(f"/api/pages/{website}", headers=shop.bearer).status_code == 404
    wait_until(lambda: not Website.objects.for_client(shop.client).exists(), 30)
    assert not Source.objects.for_client(shop.client).exists()
    base_is_whole(shop.base)
    done = AuditEvent.objects.filter(client=shop.client).values_list("action", flat=True)
    assert {"website.added", "website.deleted"} <= set(done)


def test_two_clients_may_read_the_same_site(shop: Tenant, rival: Tenant, site: Site) -> None:
    first, second = shop.add_website(site.url).json(), rival.add_website(site.url).json()
    assert shop.crawled(first["id"])["pages"]["taken"] == 3
    assert rival.crawled(second["id"])["pages"]["taken"] == 3


def test_an_inactive_client_adds_nothing(shop: Tenant, site: Site) -> None:
    shop.client.is_active = False
    shop.client.save(update_fields=["is_active"])
    assert shop.add_website(site.url).status_code == 402
