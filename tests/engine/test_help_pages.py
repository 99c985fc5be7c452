"""Questions and answers as programs for sites write them, amid all that surrounds them."""

from __future__ import annotations

import time

import pytest

from knowledge.engine.read_html import html_to_markdown

MENU = "".join(f'<li class="nav-item"><a href="/{n}">Noise {n}</a></li>' for n in range(12))
# What a shop's page carries around its text, and a menu for telephones beside it.
ABOVE = f"""<!doctype html><html lang="en"><head><title>Help – Stove Shop</title>
<style>.d-none {{ display: none }}</style></head><body class="has-sidebar">
<a class="visually-hidden-focusable skip-link" href="#main">Skip the noise</a>
<header><nav class="navbar"><button class="navbar-toggler" type="button" aria-expanded="false"
  data-bs-toggle="collapse" data-bs-target="#navbar" aria-controls="navbar">Noise</button>
  <div class="collapse navbar-collapse" id="navbar"><ul class="navbar-nav">{MENU}</ul></div></nav>
<button aria-expanded="false" aria-controls="mobile-menu">Noise</button>
<div id="mobile-menu" hidden><ul>{MENU}</ul><p>Noise hotline</p></div>
<form role="search" action="/search"><label for="q">Noise</label><input id="q"></form></header>
<div id="cookie-consent-banner" style="display:none"><h2>Noise</h2><p>We use noisy cookies.</p>
<p>You may change your mind about the noise.</p><button>Accept the noise</button></div>"""
BELOW = f"""<form class="newsletter" action="/subscribe"><p>Get our noise by mail</p>
<label for="mail">Noise</label><input id="mail"><button>Send the noise</button></form>
<div class="modal" id="login" aria-hidden="true"><h3>Noise</h3><p>Log in to the noise.</p></div>
<footer><ul>{MENU}</ul><p>© Noise Ltd</p></footer></body></html>"""

BOOTSTRAP = """<main class="container"><h1>Questions</h1><div class="accordion" id="faq">
<div class="accordion-item"><h2 class="accordion-header">
<button class="accordion-button" type="button" data-bs-toggle="collapse" data-bs-target="#one"
 aria-expanded="true" aria-controls="one">How long does delivery take?</button></h2>
<div id="one" class="accordion-collapse collapse show" data-bs-parent="#faq">
<div class="accordion-body"><strong>Two working days.</strong> Stoves take a week.</div></div></div>
<div class="accordion-item"><h2 class="accordion-header">
<button class="accordion-button collapsed" type="button" data-bs-toggle="collapse"
 data-bs-target="#two" aria-expanded="false" aria-controls="two">Can I return a stove?</button></h2>
<div id="two" class="accordion-collapse collapse" data-bs-parent="#faq">
<div class="accordion-body">Yes, within sixty days.</div></div></div></div></main>"""

# https://www.w3.org/WAI/ARIA/apg/patterns/accordion/
WAI_ARIA = """<main><h1>Questions</h1><div id="accordionGroup" class="accordion">
<h2><button type="button" aria-expanded="true" class="accordion-trigger" aria-controls="sect1"
 id="acc1"><span class="accordion-title">How long does delivery take?
 <span class="accordion-icon" aria-hidden="true">noise</span></span></button></h2>
<div id="sect1" role="region" aria-labelledby="acc1" class="accordion-panel"><div>
<p>Two working days. Stoves take a week.</p></div></div>
<h2><button type="button" aria-expanded="false" class="accordion-trigger" aria-controls="sect2"
 id="acc2"><span class="accordion-title">Can I return a stove?
 <span class="accordion-icon" aria-hidden="true">noise</span></span></button></h2>
<div id="sect2" role="region" aria-labelledby="acc2" class="accordion-panel" hidden><div>
<p>Yes, within sixty days.</p></div></div></div></main>"""

TAILWIND = """<div id="app"><h1>Questions</h1><dl>
<div><dt><h2><button type="button" aria-expanded="false" data-accordion-target="#b1">
How long does delivery take?<i class="material-icons">noise</i></button></h2></dt>
<dd id="b1" class="hidden">Two working days. Stoves take a week.</dd></div>
<div><dt><h2><button type="button" aria-expanded="false" data-accordion-target="#b2">
Can I return a stove?</button></h2></dt>
<dd id="b2" class="hidden">Yes, within sixty days.</dd></div></dl></div>"""

DETAILS = """<main><h1>Questions</h1>
<details open><summary><h2>How long does delivery take?</h2></summary>
<p>Two working days. Stoves take a week.</p></details>
<details><summary><h2>Can I return a stove?</h2></summary>
<p>Yes, within sixty days.</p></details></main>"""

JQUERY = """<div class="content"><h1>Questions</h1><div class="faq-list">
<h2 class="ui-accordion-header">How long does delivery take?</h2>
<div style="display: none;"><p>Two working days. Stoves take a week.</p></div>
<h2 class="ui-accordion-header">Can I return a stove?</h2>
<div style="display: none;"><p>Yes, within sixty days.</p></div></div></div>"""

ASP_NET = f"""<form method="post" action="./faq.aspx" id="aspnetForm"><div class="aspNetHidden">
<input type="hidden" name="__VIEWSTATE" value="bm9pc2U="></div>
<div id="ctl00_Menu"><ul>{MENU}</ul></div>
<div id="ctl00_Search"><label for="ctl00_q">Noise</label><input id="ctl00_q">
<input type="submit" value="Noise"></div>
<div id="ctl00_MainContent"><h1>Questions</h1>
<h2><span id="ctl00_q1">How long does delivery take?</span></h2>
<p>Two working days. Stoves take a week.</p>
<h2><span id="ctl00_q2">Can I return a stove?</span></h2><p>Yes, within sixty days.</p>
<input type="submit" value="Noise"></div></form>"""

ZENDESK = """<main role="main"><div class="container-divider"></div><div class="container">
<nav class="sub-nav"><ol class="breadcrumbs"><li><a href="/hc">Noise</a></li></ol></nav>
<div class="article-container"><aside class="article-sidebar" aria-labelledby="s-title">
<div class="collapsible-sidebar"><button type="button" class="collapsible-sidebar-toggle"
 aria-labelledby="s-title" aria-expanded="false"></button>
<span id="s-title" class="collapsible-sidebar-title sidenav-title">Noise in this section</span>
<div class="collapsible-sidebar-body"><ul><li><a href="/hc/1">Noise 1</a></li></ul></div></div>
</aside><article class="article"><header class="article-header"><h1>Questions</h1>
<div class="article-author"><button class="article-subscribe" data-toggle="x">Noise</button></div>
</header><section class="article-info"><div class="article-body">
<h2>How long does delivery take?</h2><p>Two working days. Stoves take a week.</p>
<h2>Can I return a stove?</h2><aside class="callout"><p>Yes, within sixty days.</p></aside></div>
<div class="article-votes"><div class="article-votes-controls"><button class="button
 article-vote" aria-label="Noise">Noise</button></div></div></section></article></div></div>
</main>"""

WORDPRESS = """<div id="page" class="hfeed site"><div class="site-inner has sidebar right">
<div id="primary"><h1>Questions</h1>
<h2>How long does delivery take?</h2><p>Two working days. Stoves take a week.</p>
<h2>Can I return a stove?</h2><p>Yes, within sixty days.</p></div>
<div id="secondary" class="widget-area sidebar"><aside id="search-2" class="widget"><h2>Noise</h2>
<p>Find the noise</p></aside><aside id="recent-posts-2" class="widget widget_recent_entries">
<h2>Recent noise</h2><ul><li><a href="/1">Noise</a></li></ul></aside></div></div></div>"""

HELP_PAGES = {
    "Bootstrap 5": BOOTSTRAP,
    "WAI-ARIA": WAI_ARIA,
    "Tailwind": TAILWIND,
    "details": DETAILS,
    "jQuery UI": JQUERY,
    "ASP.NET": ASP_NET,
    "Zendesk": ZENDESK,
    "WordPress": WORDPRESS,
}


def lines(page: str) -> list[str]:
    _, text = html_to_markdown(page.encode())
    return [line for line in text.splitlines() if line]


@pytest.mark.parametrize("made_by", HELP_PAGES)
def test_questions_are_headings_above_their_answers_and_all_else_is_left_out(made_by: str) -> None:
    assert lines(ABOVE + HELP_PAGES[made_by] + BELOW) == [
        "# Questions",
        "## How long does delivery take?",
        "Two working days. Stoves take a week.",
        "## Can I return a stove?",
        "Yes, within sixty days.",
    ]


@pytest.mark.parametrize(
    "folded",
    [
        # w3schools' accordion and collapsible
        "<button class='accordion'>May I pay later?</button><div class='panel'><p>Yes.</p></div>",
        "<button type='button' class='collapsible'>May I pay later?</button><div>Yes.</div>",
        "<button aria-expanded='false' aria-controls='a'>May I pay later?</button>"
        "<div id='a' hidden>Yes.</div>",
        "<div class='q'><button aria-expanded='false'>May I pay later?</button></div>"
        "<div style='display:none'>Yes.</div>",
        "<div role='button' aria-expanded='false'>May I pay later?</div>"
        "<div aria-hidden='true'>Yes.</div>",
        "<div class='faq-question'>May I pay later?</div>"
        "<div class='faq-answer' style='display: none'>Yes.</div>",
        "<details><summary>May I pay later?</summary><p>Yes.</p></details>",
        "<p>May I pay later?</p><div hidden='until-found'>Yes.</div>",
        "<p>May I pay later?</p><div role='tabpanel' hidden>Yes.</div>",
        "Ask! <button class='accordion'>May I pay later?</button><div>Yes.</div>",
        "<dl><dt><button aria-expanded='false'>May I pay later?</button></dt>"
        "<dd hidden>Yes.</dd></dl>",
        "<p><a href='#later'>May I pay later?</a></p><p>–</p><div id='later' hidden>Yes.</div>",
    ],
)
def test_an_answer_that_is_folded_away_is_read_below_its_question(folded: str) -> None:
    found = lines(f"<main><h1>Paying</h1><p>By card or by bill.</p>{folded}</main>")
    assert "May I pay later?" in found[2:]
    assert found[-1] == "Yes."


PROSE = "<p>" + "Whoever bought shoes may send them back within sixty days. " * 10 + "</p>"


@pytest.mark.parametrize(
    "hidden",
    [
        "<div style='display:none'><h3>noise</h3><p>noise</p></div>",
        "<div style='color:red; DISPLAY : none !important'>noise</div>",
        "<p style='visibility:hidden'>noise</p>",
        "<p class='d-none'>noise</p>",
        "<div class='box hidden'>noise</div>",
        "<div class='w-condition-invisible'>noise</div>",
        "<h2>–</h2><div class='alert' style='display:none'>noise</div>",
        "<button aria-expanded='false'>Menu</button><ul hidden><li><a href='/'>noise</a></li></ul>",
        "<button data-bs-target='#m'>Log in</button><div class='modal' id='m' hidden>noise</div>",
        "<h2>Sizes <span aria-hidden='true'>noise</span></h2>",
        "<h2>Sizes <button>noise</button></h2>",
        "<h2>Sizes <button class='d-none' aria-expanded='false'>A lot of noise</button></h2>",
        "<p>–</p><p><span class='hidden'>noise</span></p>",
    ],
)
def test_what_nobody_can_unfold_is_not_read(hidden: str) -> None:
    assert "noise" not in "".join(lines(f"<h1>Returns</h1>{PROSE}{hidden}{PROSE}"))


@pytest.mark.parametrize(
    "shown",
    [
        "<p class='d-none d-md-block'>Nine.</p>",
        "<p class='hidden md:flex'>Nine.</p>",
        "<p class='hidden-print'>Nine.</p>",
        "<p style='display:block'>Nine.</p>",
        "<p class='wow' style='visibility: hidden; animation-name: none'>Nine.</p>",
    ],
)
def test_what_is_shown_at_times_is_read(shown: str) -> None:
    assert lines(f"<h1>Hours</h1>{PROSE}{shown}")[-1] == "Nine."


def test_a_price_that_is_spoken_in_other_words_is_read_once() -> None:
    page = """<p>Price: <span class="visually-hidden">Nineteen dollars 99</span>
      <span aria-hidden="true"><span>$</span><span>19</span>.99</span></p>
      <a href="/2"><span aria-hidden="true">»</span><span class="sr-only">Next</span></a>"""
    assert lines(page) == ["Price: $19.99"]


@pytest.mark.parametrize(
    "opening",
    [
        "<div style='visibility:hidden'>",  # until its scripts ran
        "<div id='root' aria-hidden='true'>",  # saved while a dialog was open
        "<div class='layout has sidebar'>",
        "<form action='./'>",
        "<aside>",
        "<div id='cookie-notice-page'>",
    ],
)
def test_what_holds_the_whole_page_is_read_whatever_it_is_called(opening: str) -> None:
    page = f"{ABOVE}{opening}<h1>Returns</h1>{PROSE}</{opening[1:].split()[0].strip('>')}>{BELOW}"
    assert [line[:10] for line in lines(page)] == ["# Returns", "Whoever bo"]


def test_a_page_of_many_forms_is_read_rather_than_none() -> None:
    stall = "<form><h2>Shoes</h2><p>Blue, forty pounds.</p><button>Buy</button></form>"
    assert lines(stall * 5) == ["## Shoes", "Blue, forty pounds."] * 5


NOTES = {
    "Starlight": '<aside aria-label="Caution" class="starlight-aside starlight-aside--caution">'
    '<p class="starlight-aside__title" aria-hidden="true"><svg></svg>Caution</p>'
    '<div class="starlight-aside__content"><p>Never open a hot stove.</p></div></aside>',
    "Sphinx": '<div class="admonition warning"><p class="admonition-title">Warning</p>'
    "<p>Never open a hot stove.</p></div>",
    "docutils": '<aside class="admonition warning"><p class="admonition-title">Warning</p>'
    "<p>Never open a hot stove.</p></aside>",
    "plain": "<aside><p>Never open a hot stove.</p></aside>",
}


@pytest.mark.parametrize("made_by", NOTES)
@pytest.mark.parametrize("tag", ["main", "article", "section role='main'"])
def test_notes_within_the_text_are_read(made_by: str, tag: str) -> None:
    page = f"<{tag}><h1>Stoves</h1>{PROSE}{NOTES[made_by]}{PROSE}</{tag.split()[0]}>"
    assert "Never open a hot stove." in lines(ABOVE + page + BELOW)


@pytest.mark.parametrize(
    "page",
    [
        "<main><article>{prose}</article><aside><p>noise</p></aside></main>",
        "<main>{prose}<aside><a href='/1'>noise</a> <a href='/2'>noise</a></aside></main>",
        "<main>{prose}<aside class='related'><p>noise</p></aside></main>",
        "<article>{prose}<aside class='newsletter-box'><p>noise</p></aside></article>",
        "<div>{prose}</div><aside><h2>noise</h2><p>noise</p></aside>",
    ],
)
def test_what_stands_beside_the_text_is_not_read(page: str) -> None:
    assert lines(page.format(prose=PROSE))[1:] == []


@pytest.mark.parametrize(
    "shell",
    [
        "<a class='skip-link' href='#main'>Skip to content</a><div id='root'></div>",
        "<div id='root'><div class='sr-only'>Loading</div></div>",
        "<div id='cookie-banner'><h2>Cookies</h2><p>We use cookies.</p><p>Do you mind?</p></div>",
        "<nav><a href='/'>Home</a></nav><div id='root' style='display:none'>Loading</div>",
        "<form><label>Name</label><input><button>Log in</button></form>",
    ],
)
def test_a_page_that_only_a_program_can_draw_stays_without_text(shell: str) -> None:
    assert lines(shell) == []


@pytest.mark.parametrize(
    "part",
    [
        "<form><label>a</label></form>",
        "<aside class='note'>a</aside>",
        "<h3><button>a</button></h3><div hidden>b</div>",
        "<div class='sidebar'>",
        "<div hidden>",
        "<article><main><aside>a",
        "<div><span class='sr-only'>a</span><span aria-hidden='true'>",
    ],
)
def test_very_many_parts_are_read_soon(part: str) -> None:
    start = time.process_time()
    lines(f"<main>{PROSE}" + part * 30_000)
    assert time.process_time() - start < 10
