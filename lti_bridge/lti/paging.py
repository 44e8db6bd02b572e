"""Read the lists of an LMS's services: with our token, page after page, within one deadline."""

import time
from collections.abc import Iterator, Sequence

import requests

from ..errors import NotFound, Refused, Unavailable
from ..outbound import Outbound
from .replies import is_throttled, next_page, read_retry_after
from .tokens import AccessTokens
from .values import PlatformValues

MAX_PAGES = 50


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
        """Yield every page of a list; next pages on another origin are not followed.

        Raises Unavailable, Refused or NotFound.
        """
        deadline = time.monotonic() + deadline_seconds
        page: str | None = url
        for _ in range(MAX_PAGES):
            if page is None:
                return
            response = self._get(platform, page, accept, scopes, deadline)
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
    return kind(f"the LMS refused ({status})", status=status)
