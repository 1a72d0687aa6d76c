"""What drawings in tables hold: scales, tables of pairs, amounts of money."""

from __future__ import annotations

from labeling.models import Annotator
from labeling.reports.batch.prevalence import Line, Prevalence
from labeling.reports.drawing.heat import lower_triangle
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
