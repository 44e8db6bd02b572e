"""How a browser proves itself: the rung is chosen before the LMS is called."""

from dataclasses import replace

import pytest

from lti_bridge.lti.browser_binding import (
    Arriving,
    BrowserBinding,
    LoginDetour,
    decide_binding,
    several_loopback_names,
)

NEW = Arriving(
    framed=False, has_cookie=False, bounced=False, in_window=False, storage_offered=False
)
FRAMED = replace(NEW, framed=True)
BACK = replace(FRAMED, bounced=True)
WINDOW = replace(NEW, in_window=True)


@pytest.mark.parametrize(
    ("arriving", "rung"),
    [
        (NEW, BrowserBinding.COOKIE),
        (replace(NEW, storage_offered=True), BrowserBinding.COOKIE),
        (FRAMED, LoginDetour.BOUNCE),
        (replace(FRAMED, storage_offered=True), LoginDetour.BOUNCE),
        (replace(FRAMED, has_cookie=True), BrowserBinding.COOKIE),
        (replace(BACK, has_cookie=True, storage_offered=True), BrowserBinding.COOKIE),
        (replace(BACK, storage_offered=True), BrowserBinding.STORAGE),
        (BACK, LoginDetour.ASK_WINDOW),
        (WINDOW, LoginDetour.BOUNCE),
        (replace(WINDOW, has_cookie=True), BrowserBinding.WINDOW),
        (replace(WINDOW, bounced=True, has_cookie=True), BrowserBinding.WINDOW),
        (replace(WINDOW, framed=True, has_cookie=True), BrowserBinding.COOKIE),
        (replace(WINDOW, bounced=True), LoginDetour.GIVE_UP),
        (replace(WINDOW, framed=True, bounced=True, storage_offered=True), LoginDetour.GIVE_UP),
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
        "the window opened in the frame, with a cookie",
        "not even there",
        "a frame that calls itself our window",
    ],
)
def test_decides_the_rung(arriving: Arriving, rung: BrowserBinding | LoginDetour) -> None:
    assert decide_binding(arriving) == rung


@pytest.mark.parametrize(
    ("addresses", "several"),
    [
        (["http://127.0.0.1:8000", "http://localhost:8088/mod/lti/auth.php"], True),
        (["http://localhost:8000", "http://127.0.0.1:8088"], True),
        (["http://[::1]:8000", "http://localhost:8088"], True),
        (["http://127.0.0.1:8000", "http://127.0.0.2:8000"], True),
        (["http://localhost:8000", "http://LOCALHOST:8088"], False),
        (["http://127.0.0.1:8000", "http://127.0.0.1:8088"], False),
        (["https://127.0.0.1:8000", "http://localhost:8088"], False),
        (["http://bridge.example", "http://localhost:8088"], False),
        (["http://bridge.example", "http://lms.example"], False),
    ],
    ids=lambda value: " and ".join(value) if isinstance(value, list) else str(value),
)
def test_recognises_names_of_one_machine(addresses: list[str], several: bool) -> None:
    assert several_loopback_names(addresses) is several
