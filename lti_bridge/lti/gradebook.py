"""Assignment and Grade Services: send a score, read results, find or create a line item."""

import json
import math
import time
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode, urlsplit, urlunsplit

import requests

from ..core.errors import NotReadWhole, Refused, Unavailable
from ..core.http.session import Outbound
from .paging import EXCERPT_CHARACTERS, ServiceReader, seconds_left
from .replies import origin, read_json, read_rate_limit_remaining, read_retry_after
from .score_body import SCORE_MAXIMUM, score_body
from .tokens import AccessTokens
from .values import (
    TO_CREATE_LINE_ITEMS,
    TO_FIND_LINE_ITEMS,
    TO_READ_RESULTS,
    TO_SEND_SCORES,
    Granted,
    LmsReply,
    LmsResult,
    PlatformValues,
)

__all__ = ["Gradebook", "LmsReply", "LmsResult", "score_body"]

SCORE_TYPE = "application/vnd.ims.lis.v1.score+json"
RESULTS_TYPE = "application/vnd.ims.lis.v2.resultcontainer+json"
LINE_ITEM_TYPE = "application/vnd.ims.lis.v2.lineitem+json"
LINE_ITEMS_TYPE = "application/vnd.ims.lis.v2.lineitemcontainer+json"
LONGEST_LABEL = 255
LONGEST_URL = 1000

NOT_GRANTED = "not_granted"
INVALID_SCOPE = "invalid_scope"


class Gradebook:
    """Client of an LMS's AGS endpoints; works from stored URLs, without a launch or session.

    `granted` are the scopes of the resource link's newest launch. A token is requested for the
    needed scope only: an LMS may refuse the whole request for one scope that it did not grant.
    Without the needed scope a call raises Refused "not_granted" and sends nothing.
    """

    def __init__(self, outbound: Outbound, tokens: AccessTokens) -> None:
        self._outbound = outbound
        self._tokens = tokens
        self._reader = ServiceReader(outbound, tokens)

    def send_score(
        self,
        platform: PlatformValues,
        line_item_url: str,
        body: bytes,
        *,
        granted: Granted = None,
        deadline_seconds: float,
    ) -> LmsReply:
        """Post one score, once, and return the LMS's reply, whatever its status.

        Raises Unavailable when no answer came (`effect_unknown` tells whether the score may have
        arrived), and Unavailable or Refused when no access token can be obtained.
        """
        started = time.monotonic()
        (scope, *_others) = choose_scopes(TO_SEND_SCORES, granted)
        asked = self._tokens.for_service(platform, line_item_url)
        token = self._tokens.get(asked, [scope], deadline_seconds=deadline_seconds)
        response = self._outbound.send(
            "POST",
            with_path(line_item_url, "/scores"),
            deadline_seconds=seconds_left(started + deadline_seconds),
            data=body,
            headers={"Authorization": f"Bearer {token}", "Content-Type": SCORE_TYPE},
        )
        self._tokens.learn_host(platform, line_item_url, response)
        return LmsReply(
            status=response.status_code,
            excerpt=_text(response)[:EXCERPT_CHARACTERS],
            retry_after=read_retry_after(response),
            rate_limit_remaining=read_rate_limit_remaining(response),
            duration_ms=round((time.monotonic() - started) * 1000),
            reason=_reason(response)[:EXCERPT_CHARACTERS],
        )

    def read_results_of(
        self,
        platform: PlatformValues,
        line_item_url: str,
        sub: str,
        deadline_seconds: float,
        *,
        granted: Granted = None,
    ) -> list[LmsResult]:
        """Return the gradebook's results for user `sub`.

        Usually one or none; also those of other users where the LMS ignores the filter. Raises
        Unavailable, Refused, or NotFound when the line item is gone.
        """
        # Older Canvas compares `user_id` with its internal ids, and `userId` with the `sub`.
        url = with_query(with_path(line_item_url, "/results"), user_id=sub, userId=sub)
        scopes = choose_scopes(TO_READ_RESULTS, granted)
        entries = self._read_list(platform, url, RESULTS_TYPE, scopes, deadline_seconds)
        return [_result(entry) for entry in entries]

    def read_results(
        self,
        platform: PlatformValues,
        line_item_url: str,
        deadline_seconds: float,
        *,
        granted: Granted = None,
        page_size: int | None = None,
    ) -> dict[str, LmsResult]:
        """Return all results of one line item by user id.

        `page_size` is sent as `limit` (AGS 2.0 section 3.3.4) where the LMS's default is small.
        Raises Unavailable, Refused, or NotFound when the line item is gone.
        """
        url = with_path(line_item_url, "/results")
        if page_size is not None:
            url = with_query(url, limit=str(page_size))
        scopes = choose_scopes(TO_READ_RESULTS, granted)
        entries = self._read_list(platform, url, RESULTS_TYPE, scopes, deadline_seconds)
        return {str(entry["userId"]): _result(entry) for entry in entries if "userId" in entry}

    def read_maximum(
        self,
        platform: PlatformValues,
        line_item_url: str,
        deadline_seconds: float,
        *,
        granted: Granted = None,
    ) -> float | None:
        """Return a line item's current scoreMaximum (AGS 2.0 section 3.2), None without one.

        Raises Unavailable, Refused, or NotFound when the line item is gone.
        """
        response = self._reader.get(
            platform,
            line_item_url,
            LINE_ITEM_TYPE,
            scopes=choose_scopes(TO_FIND_LINE_ITEMS, granted)[:1],
            deadline_seconds=deadline_seconds,
        )
        try:
            body = read_json(response)
        except ValueError:
            return None
        return _number(body.get("scoreMaximum")) if isinstance(body, dict) else None

    def find_line_items(
        self,
        platform: PlatformValues,
        line_items_url: str,
        resource_link_id: str,
        deadline_seconds: float,
        *,
        granted: Granted = None,
    ) -> list[str]:
        """Return the URLs of the line items of one resource link; there may be none or several.

        The link is compared here too: a platform may ignore the filter, and a line item without a
        link may belong to any activity. Raises Unavailable, Refused or NotFound.
        """
        url = with_query(line_items_url, resource_link_id=resource_link_id)
        scopes = choose_scopes(TO_FIND_LINE_ITEMS, granted)
        entries = self._read_list(platform, url, LINE_ITEMS_TYPE, scopes, deadline_seconds)
        return [
            str(entry["id"])
            for entry in entries
            if str(entry.get("resourceLinkId")) == resource_link_id and entry.get("id")
        ]

    def create_line_item(
        self,
        platform: PlatformValues,
        line_items_url: str,
        resource_link_id: str,
        label: str | None,
        deadline_seconds: float,
        *,
        granted: Granted = None,
    ) -> str:
        """Create a line item for a resource link and return its URL.

        Not idempotent. Raises Unavailable (with `effect_unknown` it may exist: look it up before a
        retry), Refused or NotFound.
        """
        title = (label or "").strip()[:LONGEST_LABEL] or "Score"
        facts = {"label": title, "scoreMaximum": SCORE_MAXIMUM, "resourceLinkId": resource_link_id}
        response = self._reader.post(
            platform,
            line_items_url,
            json.dumps(facts, separators=(",", ":")).encode(),
            LINE_ITEM_TYPE,
            scopes=choose_scopes(TO_CREATE_LINE_ITEMS, granted),
            deadline_seconds=deadline_seconds,
        )
        return _read_id(response)

    def forget_token(self, platform: PlatformValues, line_item_url: str) -> None:
        """Drop the cached access token for scores of a line item (after a 401)."""
        self._tokens.drop(self._tokens.for_service(platform, line_item_url), TO_SEND_SCORES)

    def _read_list(
        self,
        platform: PlatformValues,
        url: str,
        accept: str,
        scopes: Sequence[str],
        deadline_seconds: float,
    ) -> list[dict[str, Any]]:
        """Read every page of a list with the first of `scopes` that the LMS accepts."""
        deadline = time.monotonic() + deadline_seconds
        (scope, *others) = scopes
        try:
            pages = self._reader.pages(
                platform, url, accept, scopes=[scope], deadline_seconds=seconds_left(deadline)
            )
            return [entry for response in pages for entry in _read_entries(response)]
        except Refused as error:
            if not others or error.code != INVALID_SCOPE:
                raise
        return self._read_list(platform, url, accept, others, seconds_left(deadline))


def choose_scopes(needed: Sequence[str], granted: Granted) -> Sequence[str]:
    """Return the scopes to try, one after the other, until the LMS accepts one.

    The first of `needed` that was granted; all of them where the granted scopes are unknown. Raises
    Refused "not_granted".
    """
    if granted is None:
        return needed
    found = [scope for scope in needed if scope in granted]
    if not found:
        missing = needed[0].rpartition("/")[2]
        raise Refused(f"the LMS has not granted the scope {missing} here", code=NOT_GRANTED)
    return found[:1]


def with_path(url: str, ending: str) -> str:
    """Append to the path and keep the query (Moodle's line item URLs end in `?type_id=1`)."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(path=parts.path.rstrip("/") + ending, fragment=""))


def with_query(url: str, **parameters: str) -> str:
    """Append query parameters to those that `url` has."""
    parts = urlsplit(url)
    query = "&".join(part for part in (parts.query, urlencode(parameters)) if part)
    return urlunsplit(parts._replace(query=query, fragment=""))


def _read_entries(response: requests.Response) -> list[dict[str, Any]]:
    try:
        body = read_json(response)
    except ValueError as error:
        raise NotReadWhole("the LMS answered something that is not JSON") from error
    if not isinstance(body, list):
        raise NotReadWhole("the LMS answered something that is not a list")
    return [entry for entry in body if isinstance(entry, dict)]


def _read_id(response: requests.Response) -> str:
    """Return the URL of the created line item from the reply."""
    try:
        body = read_json(response)
    except ValueError:
        body = None
    url = body.get("id") if isinstance(body, dict) else None
    if not isinstance(url, str) or len(url) > LONGEST_URL or "\0" in url or origin(url) is None:
        raise Unavailable("the LMS does not name the line item that it made", effect_unknown=True)
    return url


def _result(entry: dict[str, Any]) -> LmsResult:
    score = _number(entry.get("resultScore"))
    return LmsResult(
        score=score,
        maximum=_number(entry.get("resultMaximum")),
        timestamp=_optional_text(entry.get("timestamp")),
        user_id=str(entry.get("userId", "")),
        garbled="resultScore" in entry and score is None,
        fields=frozenset(entry),
    )


def _text(response: requests.Response) -> str:
    # PostgreSQL stores no NUL character.
    return response.content.decode("utf-8", "replace").replace("\0", "")


def _reason(response: requests.Response) -> str:
    return str(response.reason or "").replace("\0", "")


def _optional_text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    number = float(value)
    return number if math.isfinite(number) else None
