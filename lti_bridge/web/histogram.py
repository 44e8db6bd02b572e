"""Where the bars of a chart stand, in units of its drawing."""

from collections.abc import Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 280.0, 80.0
GAP = 4.0


@dataclass(frozen=True)
class Bar:
    """One bar: its left edge, its top, how wide and how high; `value` is what it stands for."""

    x: float
    y: float
    width: float
    height: float
    value: int


def draw_bars(values: Sequence[int]) -> list[Bar]:
    """Return a bar for each value, the highest as high as the drawing; no value has no height."""
    highest, step = max([*values, 1]), WIDTH / max(1, len(values))
    bars = []
    for number, value in enumerate(values):
        height = round(HEIGHT * value / highest, 2)
        x = round(number * step, 2)
        bars.append(Bar(x, round(HEIGHT - height, 2), round(step - GAP, 2), height, value))
    return bars
