"""How a browser will prove at the launch that it is the one that logged in.

Decided at login, before the LMS is called: the LMS's launch hint works once, so a way that fails
later cannot be replaced by another.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import ip_address
from urllib.parse import urlsplit


class BrowserBinding(StrEnum):
    """A way to prove it; the one used is kept with the launch."""

    COOKIE = "cookie"  # ours, in the LMS's frame or in a window
    STORAGE = "storage"  # the LMS keeps our secret (LTI platform storage)
    WINDOW = "window"  # a cookie in a window of its own, because the frame has none


class LoginDetour(StrEnum):
    """What comes before the LMS is called."""

    BOUNCE = "bounce"  # once through our own address, to see whether a cookie sticks
    ASK_WINDOW = "ask for a window"
    GIVE_UP = "give up"


@dataclass(frozen=True)
class Arriving:
    """What a login request shows of its browser.

    `framed`: it says that it loads a frame (Sec-Fetch-Dest); `has_cookie`: it sent any cookie of
    ours; `bounced`: it comes back from our own address; `in_window`: it comes from our button that
    opens a window; `storage_offered`: the LMS named a storage target.
    """

    framed: bool
    has_cookie: bool
    bounced: bool
    in_window: bool
    storage_offered: bool


def decide_binding(arriving: Arriving) -> BrowserBinding | LoginDetour:
    """Return the rung to log in with, or what must come before.

    A login in a window of the LMS's own is answered at once: there a first cookie sticks, and an
    old browser does not say where it loads the page. An app that opens the window of our button in
    the frame itself, and has a cookie there by now, proves itself as a frame does.
    """
    if arriving.has_cookie:
        in_window = arriving.in_window and not arriving.framed
        return BrowserBinding.WINDOW if in_window else BrowserBinding.COOKIE
    if not arriving.framed and not arriving.in_window:
        return BrowserBinding.COOKIE
    if not arriving.bounced:
        return LoginDetour.BOUNCE
    if arriving.in_window:
        return LoginDetour.GIVE_UP
    return BrowserBinding.STORAGE if arriving.storage_offered else LoginDetour.ASK_WINDOW


def several_loopback_names(addresses: Iterable[str]) -> bool:
    """Tell whether http addresses call one machine by several names: localhost and 127.0.0.1.

    To a browser each name is a site of its own, and a SameSite cookie of one, the only kind that
    http has, is not sent from the other.
    """
    parts = [urlsplit(address) for address in addresses]
    names = {part.hostname or "" for part in parts}
    return (
        len(names) > 1
        and all(part.scheme == "http" for part in parts)
        and all(_is_loopback(name) for name in names)
    )


def _is_loopback(name: str) -> bool:
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return name == "localhost"
