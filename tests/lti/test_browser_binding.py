"""How a browser proves itself: the rung is chosen before the LMS is called."""

from dataclasses import replace

import pytest

from lti_bridge.lti.browser_binding import Arriving, Detour, Rung, decide_rung

NEW = Arriving(
    framed=False, has_cookie=False, bounced=False, in_window=False, storage_offered=False
)
FRAMED = replace(NEW, framed=True)
BACK = replace(FRAMED, bounced=True)
WINDOW = replace(NEW, in_window=True)


@pytest.mark.parametrize(
    ("arriving", "rung"),
    [
        (NEW, Rung.COOKIE),
        (replace(NEW, storage_offered=True), Rung.COOKIE),
        (FRAMED, Detour.BOUNCE),
        (replace(FRAMED, storage_offered=True), Detour.BOUNCE),
        (replace(FRAMED, has_cookie=True), Rung.COOKIE),
        (replace(BACK, has_cookie=True, storage_offered=True), Rung.COOKIE),
        (replace(BACK, storage_offered=True), Rung.STORAGE),
        (BACK, Detour.ASK_WINDOW),
        (WINDOW, Detour.BOUNCE),
        (replace(WINDOW, has_cookie=True), Rung.WINDOW),
        (replace(WINDOW, bounced=True, has_cookie=True), Rung.WINDOW),
        (replace(WINDOW, bounced=True), Detour.GIVE_UP),
        (replace(WINDOW, framed=True, bounced=True, storage_offered=True), Detour.GIVE_UP),
    ],
    ids=[
        "a window, or an old browser",
        "a window with storage on offer",
        "a frame seen first",
        "a frame seen first, storage on offer",
        "a frame with a cookie",
        "the cookie stuck",
        "it did not, storage on offer",
        "it did not, no storage",
        "our window seen first",
        "our window with a cookie",
        "the cookie stuck in our window",
        "not even there",
        "a frame that calls itself our window",
    ],
)
def test_decides_the_rung(arriving: Arriving, rung: Rung | Detour) -> None:
    assert decide_rung(arriving) == rung
