"""Calls to an LMS's services with an access token, and its lists page after page."""

import hashlib
import time
from collections.abc import Iterator, Mapping, Sequence
from urllib.parse import urldefrag

import requests

from ..core.errors import NotFound, NotReadWhole, Refused, Unavailable
from ..core.http.session import Outbound
from .replies import is_throttled, next_page, origin, read_retry_after
from .tokens import AccessTokens
from .values import PlatformValues

MAX_PAGES = 50
EXCERPT_CHARACTERS = 500
# The service refused, and not the token endpoint before it.
ANSWERED = "answered"
# Several pages of a filtered list may be empty; a page with entries never comes twice.
EMPTY = b"[]"


class ServiceReader:
    """Sends GET and POST requests to an LMS's services, with an access token."""

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

        Raises Unavailable, Refused or NotFound, and NotReadWhole when the pages do not lead to an
        end: the pages yielded so far are not the whole list.
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

    def get(
        self,
        platform: PlatformValues,
        url: str,
        accept: str,
        *,
        scopes: Sequence[str],
        deadline_seconds: float,
    ) -> requests.Response:
        """GET one object. Raises Unavailable, Refused or NotFound."""
        return self._get(platform, url, accept, scopes, time.monotonic() + deadline_seconds)

    def post(
        self,
        platform: PlatformValues,
        url: str,
        body: bytes,
        media_type: str,
        *,
        scopes: Sequence[str],
        deadline_seconds: float,
    ) -> requests.Response:
        """POST a new object and return the successful response.

        Repeated only after a 401, with a new token. Raises Unavailable (`effect_unknown` tells
        whether it may have been created all the same), Refused or NotFound.
        """
        deadline = time.monotonic() + deadline_seconds
        headers = {"Accept": media_type, "Content-Type": media_type}
        response = self._ask("POST", platform, url, headers, scopes, deadline, body)
        if response.status_code not in (200, 201):
            raise _failure(response, effect_unknown=response.status_code >= 500)
        return response

    def _get(
        self,
        platform: PlatformValues,
        url: str,
        accept: str,
        scopes: Sequence[str],
        deadline: float,
    ) -> requests.Response:
        response = self._ask("GET", platform, url, {"Accept": accept}, scopes, deadline)
        if response.status_code != 200:
            raise _failure(response)
        return response

    def _ask(
        self,
        method: str,
        platform: PlatformValues,
        url: str,
        headers: Mapping[str, str],
        scopes: Sequence[str],
        deadline: float,
        body: bytes | None = None,
    ) -> requests.Response:
        """Make one call, repeated once with a new token after a 401; return any response."""
        for last in (False, True):
            asked = self._tokens.for_service(platform, url)
            token = self._token(asked, scopes, deadline)
            response = self._outbound.send(
                method,
                url,
                deadline_seconds=seconds_left(deadline),
                data=body,
                headers={"Authorization": f"Bearer {token}", **headers},
            )
            self._tokens.note_date(platform, response)
            if response.status_code != 401 or last:
                break
            self._tokens.learn_host(platform, url, response)
            self._tokens.drop(asked, scopes)
        return response

    def _token(self, platform: PlatformValues, scopes: Sequence[str], deadline: float) -> str:
        try:
            return self._tokens.get(platform, scopes, deadline_seconds=seconds_left(deadline))
        except Unavailable as error:
            error.effect_unknown = False  # the service itself was not called
            raise


class _Trail:
    """The pages of one list that were read; raises NotReadWhole for a loop or a foreign host."""

    def __init__(self, url: str) -> None:
        self._origin = origin(url)
        self._pages: set[str] = set()
        self._contents: set[bytes] = set()

    def enter(self, page: str) -> None:
        """Note that `page` is read next; raises NotReadWhole when it must not be."""
        if origin(page) != self._origin:  # it would receive our token
            raise NotReadWhole("the LMS continues a list on another server, which gets no token")
        address = urldefrag(page).url
        if address in self._pages:
            raise NotReadWhole("the pages of a list of the LMS lead in a ring")
        if len(self._pages) >= MAX_PAGES:
            raise NotReadWhole(f"a list of the LMS has more than {MAX_PAGES} pages")
        self._pages.add(address)

    def see(self, content: bytes) -> None:
        """Note the content of a page; raises NotReadWhole when it came before."""
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


def _failure(response: requests.Response, *, effect_unknown: bool = False) -> Refused | Unavailable:
    status = response.status_code
    if status >= 500 or is_throttled(response):
        text, wait = f"the LMS answered {status}", read_retry_after(response)
        throttled = is_throttled(response)
        return Unavailable(
            text, retry_after=wait, effect_unknown=effect_unknown, throttled=throttled
        )
    kind = NotFound if status == 404 else Refused
    said = response.content.decode("utf-8", "replace").replace("\0", "")
    return kind(
        f"the LMS refused ({status})",
        status=status,
        code=ANSWERED,
        excerpt=said[:EXCERPT_CHARACTERS],
    )
