"""Plots as plain SVG, drawn on the server: no library, no script, readable as a table too."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 720, 200
LEFT, BOTTOM, TOP = 34, 178, 8
MOST_LABELS = 6


@dataclass(frozen=True, slots=True)
class Column:
    """One place on the x axis: its two stacked values, and what it says when pointed at."""

    label: str
    title: str
    first: int
    second: int = 0


@dataclass(frozen=True, slots=True)
class Bar:
    x: float
    y: float
    height: float
    second_y: float
    second_height: float
    title: str


@dataclass(frozen=True, slots=True)
class Mark:
    """A line or word of an axis."""

    at: float
    text: str


@dataclass(frozen=True, slots=True)
class Plot:
    """Stacked bars in a box of WIDTH by HEIGHT; all numbers in its units."""

    bars: Sequence[Bar]
    bar_width: float
    lines: Sequence[Mark]
    labels: Sequence[Mark]
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT
    bottom: int = BOTTOM


def plot(columns: Sequence[Column]) -> Plot:
    """Bars of `first` with `second` stacked upon them."""
    top = _round_up(max((one.first + one.second for one in columns), default=0))
    step = (WIDTH - LEFT) / max(len(columns), 1)
    scale = (BOTTOM - TOP) / top
    every = -(-len(columns) // MOST_LABELS) or 1
    return Plot(
        bars=[_bar(one, LEFT + number * step, scale) for number, one in enumerate(columns)],
        bar_width=round(step * 0.8, 1),
        lines=[_line(top * part // 3, scale) for part in range(4)],
        labels=[
            Mark(round(LEFT + number * step, 1), one.label)
            for number, one in enumerate(columns)
            if number % every == 0
        ],
    )


def _bar(column: Column, x: float, scale: float) -> Bar:
    height, second = column.first * scale, column.second * scale
    return Bar(
        x=round(x, 1),
        y=round(BOTTOM - height, 1),
        height=round(height, 1),
        second_y=round(BOTTOM - height - second, 1),
        second_height=round(second, 1),
        title=column.title,
    )


def _line(value: int, scale: float) -> Mark:
    text = f"{value // 1000}k" if value >= 10_000 else str(value)
    return Mark(round(BOTTOM - value * scale, 1), text)


def _round_up(value: int) -> int:
    """The next number that three equal steps reach: 3, 6, 15, 30, 60, 150…"""
    size = 1
    while True:
        for step in (1, 2, 5):
            if 3 * step * size >= value:
                return 3 * step * size
        size *= 10
