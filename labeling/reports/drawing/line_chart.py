"""Lines of accuracy against budget as one SVG file that stands for itself: colours, dashes and a legend."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from math import ceil, floor

from labeling.reports.drawing.scales import Scale

WIDTH, HEIGHT = 920, 480
LEFT, RIGHT, TOP, BOTTOM = 64, 600, 48, 400
COLOURS = ("#1b5e9b", "#c2410c", "#15803d", "#7e22ce", "#b91c1c", "#0f766e", "#a16207", "#4b5563")
DASHES = ("", "7 4", "2 3")
ROW = 22


@dataclass(frozen=True, slots=True)
class Line:
    """One line: its name, and accuracy (share) by budget (fraction of asking about everything)."""

    name: str
    budget: Sequence[float]
    accuracy: Sequence[float]


def svg(title: str, lines: Sequence[Line], note: str = "") -> str:
    """The drawing as text. `note`: a sentence below it. A line that lies on an earlier one is only named."""
    first = {_spots(line): line.name for line in reversed(lines)}
    y = _scale([accuracy for line in lines for accuracy in line.accuracy])
    most = max((budget for line in lines for budget in line.budget), default=0.0) or 1.0
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'aria-label="{escape(title)}" font-family="system-ui, sans-serif" font-size="13" fill="#1f2937">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>',
        f'<text x="{LEFT}" y="26" font-size="15" font-weight="600">{escape(title)}</text>',
        *_grid(y, most),
        *(part for place, line in enumerate(lines) for part in _line(place, line, first[_spots(line)], y, most)),
        f'<text x="{LEFT}" y="{HEIGHT - 12}" fill="#4b5563">{escape(note)}</text>',
    ]
    return "\n".join([*parts, "</svg>", ""])


def _scale(values: Sequence[float]) -> Scale:
    """From round percents to round percents, in about six steps."""
    low, high = min(values, default=0.0), max(values, default=1.0)
    step = next((step for step in (0.01, 0.02, 0.05, 0.1) if high - low <= 6 * step), 0.2)
    lower = floor(low / step + 1e-9) * step
    return Scale(lower, max(ceil(high / step - 1e-9) * step, lower + step), step)


def _grid(y: Scale, most: float) -> list[str]:
    across = [
        f'<line x1="{LEFT}" x2="{RIGHT}" y1="{_down(y, tick.value)}" y2="{_down(y, tick.value)}" stroke="#e5e7eb"/>'
        f'<text x="{LEFT - 8}" y="{_down(y, tick.value)}" dy="4" text-anchor="end">{escape(tick.text)}</text>'
        for tick in y.ticks
    ]
    along = [
        f'<text x="{_along(most * part / 5, most)}" y="{BOTTOM + 20}" text-anchor="middle">{most * part / 5:.0%}</text>'
        for part in range(6)
    ]
    axis = f'<text x="{(LEFT + RIGHT) / 2}" y="{BOTTOM + 40}" text-anchor="middle">budget</text>'
    return [*across, *along, axis]


def _spots(line: Line) -> tuple[tuple[float, float], ...]:
    return tuple(zip(line.budget, line.accuracy, strict=True))


def _line(place: int, line: Line, first: str, y: Scale, most: float) -> list[str]:
    """One line and its row of the legend; of lines with the same spots only the `first` is drawn."""
    colour, dash = COLOURS[place % len(COLOURS)], DASHES[place % len(DASHES)]
    look = f'fill="none" stroke="{colour}" stroke-width="2"' + (f' stroke-dasharray="{dash}"' if dash else "")
    spots = [(_along(b, most), _down(y, a)) for b, a in _spots(line)]
    points = " ".join(f"{across},{down}" for across, down in spots)
    dots = "".join(f'<circle cx="{across}" cy="{down}" r="2.5" fill="{colour}"/>' for across, down in spots)
    row = TOP + 10 + ROW * place
    name = line.name if first == line.name else f"{line.name} (= {first})"
    told = f'<text x="{RIGHT + 68}" y="{row}" dy="4">{escape(name)}</text>'
    if first != line.name:
        return [told]
    legend = f'<line x1="{RIGHT + 24}" x2="{RIGHT + 60}" y1="{row}" y2="{row}" {look}/>'
    return [f'<polyline points="{points}" {look}/>{dots}', legend + told]


def _along(budget: float, most: float) -> float:
    return round(LEFT + (RIGHT - LEFT) * budget / most, 1)


def _down(y: Scale, value: float) -> float:
    return round(BOTTOM - (BOTTOM - TOP) * y.at(value), 1)
