"""Run axe-core on a page, and say in words what is wrong with it."""

from pathlib import Path
from typing import Any

import axe_playwright_python

AXE = Path(axe_playwright_python.__file__).parent / "axe.min.js"
# Wide, as Moodle's frame, as a phone, and 1280 pixels at 400 % zoom.
SIZES = {"wide": (1280, 860), "frame": (770, 578), "phone": (360, 740), "zoomed": (320, 256)}
# A page has two shapes, wide and narrow; darkness changes nothing but their colours.
DARK_SIZES = ("wide", "phone")
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
ALL = {"type": "tag", "values": RULES}
CONTRAST = {"type": "rule", "values": ["color-contrast"]}
MOST_BYTES = 100_000
WEIGHT = """() => performance.getEntries()
    .filter(entry => ["navigation", "resource"].includes(entry.entryType))
    .reduce((sum, entry) => sum + entry.encodedBodySize, 0)"""
SIDEWAYS = "document.documentElement.scrollWidth - window.innerWidth"
SHIFT = """() => new Promise(done => {
    const total = list => list.getEntries().reduce((sum, one) => sum + one.value, 0);
    new PerformanceObserver(list => done(total(list)))
        .observe({type: "layout-shift", buffered: true});
    setTimeout(() => done(0), 50);
})"""


def violations(page: Any, rules: dict[str, Any]) -> list[str]:
    """Return each violation of the page as a line: rule, what it asks for, where."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE.read_text("utf-8"))
    found = page.evaluate("rules => axe.run(document, {runOnly: rules})", rules)
    return [
        f"{one['id']}: {one['help']}: {node['html'][:160]}"
        for one in found["violations"]
        for node in one["nodes"]
    ]


def check(page: Any, name: str, *, used: bool = False, frame: Any = None) -> None:
    """Fail with what axe finds at every size, light and dark, and where a page scrolls sideways.

    The page must be light, in bytes, and nothing may have moved while it was drawn; unless it
    was `used` since: then it may have made room for an answer. With `frame` its page is checked,
    as large as the page around makes it.
    """
    before, wrong = page.viewport_size, []
    shown = frame or page
    if (weight := shown.evaluate(WEIGHT)) > MOST_BYTES:
        wrong.append(f"weighs {weight} bytes")
    if (shift := shown.evaluate(SHIFT)) > 0 and not used:
        wrong.append(f"moves while it is drawn: {shift}")
    for scheme, rules, sizes in (("light", ALL, SIZES), ("dark", CONTRAST, DARK_SIZES)):
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        for size in sizes:
            width, height = SIZES[size]
            page.set_viewport_size({"width": width, "height": height})
            wrong += [f"{scheme}, {size}: {line}" for line in violations(shown, rules)]
            if (wider := shown.evaluate(SIDEWAYS)) > 0:
                wrong.append(f"{scheme}, {size}: scrolls sideways by {wider} pixels")
    page.emulate_media(color_scheme="light")
    page.set_viewport_size(before)
    assert not wrong, "\n".join([name, *wrong])
