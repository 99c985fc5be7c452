"""Words of a question that say nothing about its topic."""

from __future__ import annotations

_ENGLISH = """
a about after again all also am an and any anybody anyone anything are as ask at be because been
before being but by can cannot could did do does doing don done down each either else ever every
few for from further get give go goes going gonna got had has have having he hello help her here
hers hey hi him his how i if im in into is it its itself just kindly know let like ll long look
looking many may maybe me mean might mine more most much must my myself need needed no nor not
now of off on once one only or other our ours out over own per please possible question re
really s said same say see shall she should so some somebody someone something such sure t take
tell than thank thanks that the their theirs them then there these they thing things this those
through to too under until up us use used using ve very want wanted wants was way we well were
what whats when where which while who whom whose why will wish with within without wonder
wondering would yes yet you your yours u ur pls plz does doesnt dont isnt happen happens work
works make makes made really able exactly actually
"""
ENGLISH = frozenset(_ENGLISH.split())
BY_LANGUAGE = {"english": ENGLISH}


def stopwords(language: str) -> frozenset[str]:
    return BY_LANGUAGE.get(language, frozenset())
