"""Decide how the browser proves at the launch that it is the one that started the login.

The decision is made before the redirect to the LMS: `lti_message_hint` works once, so a method that
fails later cannot be replaced by another.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import ip_address
from urllib.parse import urlsplit


class BrowserBinding(StrEnum):
    """Where the browser secret is kept between login and launch; stored with the launch."""

    COOKIE = "cookie"  # our cookie, in the LMS's frame or in a window
    STORAGE = "storage"  # the LMS keeps our secret (LTI platform storage)
    WINDOW = "window"  # a cookie in a window of its own, because the frame has none


class LoginDetour(StrEnum):
    """What happens before, or instead of, the redirect to the LMS."""

    BOUNCE = "bounce"  # redirect once to our own address, to see whether a cookie is kept
    ASK_WINDOW = "ask for a window"
    GIVE_UP = "give up"


@dataclass(frozen=True)
class Arriving:
    """What a login request tells about its browser.

    `framed`: it loads a frame (Sec-Fetch-Dest); `has_cookie`: it sent any cookie of ours;
    `bounced`: it was redirected here by us; `in_window`: it comes from our button that opens a
    window; `storage_offered`: the LMS named a storage target.
    """

    framed: bool
    has_cookie: bool
    bounced: bool
    in_window: bool
    storage_offered: bool


def decide_binding(arriving: Arriving) -> BrowserBinding | LoginDetour:
    """Return the binding to log in with, or what must happen first.

    A login in a window that the LMS opened needs no test: a first cookie is kept there, and old
    browsers send no Sec-Fetch-Dest. An app that opens our window inside the frame, and has a cookie
    by now, is handled like a frame.
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
    """Tell whether http addresses use several names of this machine: localhost and 127.0.0.1.

    Browsers treat each name as a site of its own and do not send a SameSite cookie, the only kind
    that http allows, from one to the other.
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
