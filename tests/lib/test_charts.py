"""Plots: what is drawn where."""

from __future__ import annotations

import pytest

from chatbot_saas.lib.charts import BOTTOM, HEIGHT, LEFT, TOP, WIDTH, Column, plot


def test_bars_stand_on_the_ground_and_stay_inside() -> None:
    drawn = plot([Column(str(n), "", n, n % 3) for n in range(30)])
    for bar in drawn.bars:
        assert bar.y + bar.height == pytest.approx(BOTTOM, abs=0.2)
        assert bar.second_y + bar.second_height == pytest.approx(bar.y, abs=0.2)
        assert bar.second_y >= TOP - 0.2
        assert LEFT <= bar.x <= WIDTH - drawn.bar_width


def test_the_highest_bar_is_below_the_highest_line() -> None:
    drawn = plot([Column("", "", 58), Column("", "", 12)])
    assert [line.text for line in drawn.lines] == ["0", "20", "40", "60"]
    assert drawn.lines[3].at == TOP


@pytest.mark.parametrize("values", [[], [0], [0, 0, 0], [1], [10**9]])
def test_any_figures_can_be_drawn(values: list[int]) -> None:
    drawn = plot([Column("x", "", value) for value in values])
    assert all(0 <= bar.y <= HEIGHT for bar in drawn.bars)


def test_few_labels_stand_under_many_bars() -> None:
    assert len(plot([Column(str(n), "", 1) for n in range(90)]).labels) == 6
