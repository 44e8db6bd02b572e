"""Positions and sizes of a bar chart's bars, in SVG units."""

from collections.abc import Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 280.0, 80.0
GAP = 4.0


@dataclass(frozen=True)
class Bar:
    """One bar of a chart, for `value`; `x` and `y` are its top left corner."""

    x: float
    y: float
    width: float
    height: float
    value: int


def draw_bars(values: Sequence[int]) -> list[Bar]:
    """Return a bar for each value, scaled so that the highest fills the drawing."""
    highest, step = max([*values, 1]), WIDTH / max(1, len(values))
    bars = []
    for number, value in enumerate(values):
        height = round(HEIGHT * value / highest, 2)
        x = round(number * step, 2)
        bars.append(Bar(x, round(HEIGHT - height, 2), round(step - GAP, 2), height, value))
    return bars
