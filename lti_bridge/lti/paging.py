"""Read the lists of an LMS's services: with our token, page after page, within one deadline."""

import hashlib
import time
from collections.abc import Iterator, Sequence
from urllib.parse import urldefrag

import requests

from ..core.errors import NotFound, NotReadWhole, Refused, Unavailable
from ..core.http.session import Outbound
from .replies import is_throttled, next_page, origin, read_retry_after
from .tokens import AccessTokens
from .values import PlatformValues

MAX_PAGES = 50
EXCERPT_CHARACTERS = 500
# The service itself refused, and not the token endpoint before it.
ANSWERED = "answered"
# Several pages of a filtered list may hold nothing; a page that holds something comes once.
EMPTY = b"[]"


class ServiceReader:
    """GETs what an LMS offers to tools."""

    def __init__(self, outbound: Outbound, tokens: AccessTokens) -> None:
        self._outbound = outbound
        self._tokens = tokens

    def pages(
        self,
        platform: PlatformValues,
        url: str,
        accept: str,
        *,
        scopes: Sequence[str],
        deadline_seconds: float,
    ) -> Iterator[requests.Response]:
        """Yield every page of a list.

        Raises Unavailable, Refused or NotFound, and NotReadWhole when the pages do not lead to
        an end: nobody may take those that were yielded for the list.
        """
        deadline = time.monotonic() + deadline_seconds
        trail = _Trail(url)
        page: str | None = url
        while page is not None:
            trail.enter(page)
            response = self._get(platform, page, accept, scopes, deadline)
            trail.see(response.content)
            yield response
            page = next_page(response, page)

    def _get(
        self,
        platform: PlatformValues,
        url: str,
        accept: str,
        scopes: Sequence[str],
        deadline: float,
    ) -> requests.Response:
        for last in (False, True):
            token = self._tokens.get(platform, scopes, deadline_seconds=seconds_left(deadline))
            response = self._outbound.send(
                "GET",
                url,
                deadline_seconds=seconds_left(deadline),
                headers={"Authorization": f"Bearer {token}", "Accept": accept},
            )
            if response.status_code != 401 or last:
                break
            self._tokens.drop(platform, scopes)
        if response.status_code != 200:
            raise _failure(response)
        return response


class _Trail:
    """The pages of one list that were read; raises NotReadWhole where they lead nowhere."""

    def __init__(self, url: str) -> None:
        self._origin = origin(url)
        self._pages: set[str] = set()
        self._contents: set[bytes] = set()

    def enter(self, page: str) -> None:
        """Note that `page` is read next."""
        if origin(page) != self._origin:  # it would be given our token
            raise NotReadWhole("the LMS continues a list on another server, which gets no token")
        address = urldefrag(page).url
        if address in self._pages:
            raise NotReadWhole("the pages of a list of the LMS lead in a ring")
        if len(self._pages) >= MAX_PAGES:
            raise NotReadWhole(f"a list of the LMS has more than {MAX_PAGES} pages")
        self._pages.add(address)

    def see(self, content: bytes) -> None:
        """Note what a page holds."""
        if content.strip() == EMPTY:
            return
        digest = hashlib.sha256(content).digest()
        if digest in self._contents:
            raise NotReadWhole("the LMS sends the same page of a list again and again")
        self._contents.add(digest)


def seconds_left(deadline: float) -> float:
    """Return the seconds until a moment of `time.monotonic()`; raises Unavailable when past."""
    left = deadline - time.monotonic()
    if left <= 0:
        raise Unavailable("the LMS took too long")
    return left


def _failure(response: requests.Response) -> Refused | Unavailable:
    status = response.status_code
    if status >= 500 or is_throttled(response):
        return Unavailable(f"the LMS answered {status}", retry_after=read_retry_after(response))
    kind = NotFound if status == 404 else Refused
    said = response.content.decode("utf-8", "replace").replace("\0", "")
    return kind(
        f"the LMS refused ({status})",
        status=status,
        code=ANSWERED,
        excerpt=said[:EXCERPT_CHARACTERS],
    )
