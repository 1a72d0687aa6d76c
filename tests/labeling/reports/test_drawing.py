"""What drawings in tables hold: scales, tables of pairs, amounts of money."""

from __future__ import annotations

import re

import pytest
from django.conf import settings
from django.template.loader import render_to_string

from labeling.models import Annotator
from labeling.reports.batch.prevalence import Line, Prevalence
from labeling.reports.drawing.curves import Curve, Spot
from labeling.reports.drawing.heat import lower_triangle
from labeling.reports.drawing.scales import POINTS, Scale, Tick
from labeling.reports.drawing.thinning import CHARACTER, WIDTHS, thinned
from labeling.reports.estimates import Measured
from labeling.web.templatetags.drawing import usd_signed


def test_a_scale_of_how_common_labels_are_holds_the_shares_as_labeled() -> None:
    nothing = Measured(None, estimable=False, reason="13 of 30 checked")
    groups = (Line("Lower town", nothing, 0.176, nothing, 119, 13), Line("Upper town", nothing, 0.205, nothing, 88, 13))
    scale = Prevalence((), groups, None).group_scale
    assert all(0.0 < scale.at(line.labeled) < 1.0 for line in groups)


def test_a_table_of_pairs_has_no_column_without_a_pair() -> None:
    models = [Annotator(kind="model", name=name) for name in ("a", "b", "c")]
    heat = lower_triangle(models, lambda row, column: Measured(0.1 * row + 0.01 * column, 0.0, 1.0))
    assert [name for _, name in heat.heads] == ["a", "b"] and [len(row.cells) for row in heat.rows] == [2, 2, 2]
    assert [cell.text for cell in heat.rows[2].cells] == [".20", ".21"] and heat.rows[0].cells[0].same


def test_movements_of_money_have_cents_at_least_and_no_digit_less() -> None:
    told = [usd_signed(n) for n in (25_000_000, -1_250_000, 700, 0, 1_234_567_890)]
    assert told == ["+$25.00", "−$1.25", "+$0.0007", "", "+$1,234.56789"]


def gaps(ticks: list[Tick], width: float) -> list[float]:
    """Pixels between the words shown on an axis of this width, from the characters that they have."""
    shown = [tick for tick in ticks if tick.width <= width]
    long = [CHARACTER * len(tick.text) for tick in shown]
    start = {"start": 0.0, "middle": 0.5, "end": 1.0}
    left = [tick.at * width - start[tick.anchor] * one for tick, one in zip(shown, long, strict=True)]
    return [after - before - one for before, after, one in zip(left, left[1:], long, strict=False)]


@pytest.mark.parametrize("most", [0.000003, 0.004, 0.5, 0.55, 1, 2.4, 9.99, 123, 4_000, 8_765_432, 3e9])
@pytest.mark.parametrize("width", [60, 119, 120, 200, 236, 300, 480, 1100])
def test_amounts_along_an_axis_never_touch_at_any_width(most: float, width: int) -> None:
    ticks = Curve((Spot(most, 0.9),), ()).ticks
    assert ticks[0].text.strip("$0.") == "" and ticks[0].width == 0
    assert all(gap > 4 for gap in gaps(ticks, width))
    assert len([tick for tick in ticks if tick.width <= width]) > 1 or width < 240


@pytest.mark.parametrize("scale", [Scale(0.5, 1.0, 0.1), Scale(0, 1, 0.2), Scale(-1.0, 0.5, 0.5, POINTS)])
@pytest.mark.parametrize("width", [40, 80, 120, 165, 240, 500])
def test_the_end_of_a_scale_that_bears_its_unit_is_shown_at_any_width(scale: Scale, width: int) -> None:
    ticks = thinned(scale.ticks, keep_last=True)
    assert ticks[-1].width == 0 and all(gap > 4 for gap in gaps(ticks, width))


def test_the_style_sheet_has_a_rule_for_each_width() -> None:
    style = (settings.BASE_DIR / "static" / "css" / "concord.css").read_text()
    assert tuple(int(found) for found in re.findall(r"\.from(\d+) ", style)) == WIDTHS


@pytest.mark.parametrize(("voters", "classes"), [(9, "heat"), (11, "heat dense"), (20, "heat dense many")])
def test_a_table_of_many_voters_is_dense_and_of_more_takes_the_whole_width(voters: int, classes: str) -> None:
    models = [Annotator(kind="model", name=f"model {n}") for n in range(voters)]
    table = lower_triangle(models, lambda row, column: Measured(0.5, 0.4, 0.6))
    page = render_to_string("includes/_heat.html", {"heat": table, "label": "Pairs"})
    assert f'class="{classes}"' in page and page.count("<abbr") == voters - 1


def test_right_labels_are_counted_in_round_steps() -> None:
    spots = (Spot(0.0, 0.7, 0.65, 0.8), Spot(10.0, 0.9, 0.7, 1.0))
    counted = Curve(spots, (), tasks=240).sides
    assert [text for _, text in counted] == ["160", "180", "200", "220", "240"]
    assert counted[-1][0] == 1.0 and counted[0][0] == pytest.approx((160 / 240 - 0.6) / 0.4)
    assert Curve(spots, ()).sides[-1] == (1.0, "100%")
