"""Deep linking 2.0: read what the platform accepts, and sign the response with our courses."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ..core.errors import LaunchRejected, Reason
from .claims import CLAIM
from .library import LINK_TYPE, encode_jwt
from .replies import origin
from .values import PlatformValues, SigningKey

DL_CLAIM = "https://purl.imsglobal.org/spec/lti-dl/claim/"
# Values of `accept_presentation_document_targets`; Moodle adds "frame".
IFRAME, WINDOW = "iframe", "window"
RESPONSE_SECONDS = 300
# Moodle allows no clock skew: it refuses a response dated one second ahead of its clock.
BACK_DATE_SECONDS = 5
# Moodle's form refuses a maximum above 100 or with decimals.
SCORE_MAXIMUM = 100
LONGEST_TITLE = 255
TAG = "scorm"


@dataclass(frozen=True)
class DeepLinkingSettings:
    """What the platform accepts, and where the response goes.

    `data` is the platform's own value, returned unchanged; None when there was none.
    """

    return_url: str
    accepts_links: bool
    accept_multiple: bool = False
    targets: tuple[str, ...] = ()
    data: Any = None


@dataclass(frozen=True)
class CourseItem:
    """One chosen course; `target` None leaves the presentation to the platform."""

    course_id: str
    title: str
    target: str | None = None
    width: int | None = None
    height: int | None = None


@dataclass(frozen=True)
class Answer:
    """What goes back to the platform: courses, or none and a reason.

    `message` and `error` are shown to the user; `error_log` is for the platform's log.
    """

    items: Sequence[CourseItem] = ()
    message: str = ""
    error: str = ""
    error_log: str = ""


def parse_settings(claim: Mapping[str, Any] | None) -> DeepLinkingSettings:
    """Read the deep_linking_settings of a verified launch.

    Raises LaunchRejected "bad_message" without an http(s) return URL, to which our page posts the
    response.
    """
    claim = claim or {}
    return_url = claim.get("deep_link_return_url")
    # An unpaired surrogate cannot be encoded, so no page could contain it.
    if not isinstance(return_url, str) or not return_url.isprintable():
        raise LaunchRejected(Reason.BAD_MESSAGE, "deep_link_return_url is not text")
    if origin(return_url) is None:
        raise LaunchRejected(Reason.BAD_MESSAGE, "deep_link_return_url is not an http(s) address")
    targets = _texts(claim.get("accept_presentation_document_targets"))
    return DeepLinkingSettings(
        return_url=return_url,
        accepts_links=LINK_TYPE in _texts(claim.get("accept_types")),
        accept_multiple=claim.get("accept_multiple") is True,
        targets=tuple(target for target in (IFRAME, WINDOW) if target in targets),
        data=claim.get("data"),
    )


def sign_response(
    platform: PlatformValues,
    deployment_id: str,
    answer: Answer,
    *,
    data: Any,
    launch_url: str,
    key: SigningKey,
    now: datetime,
) -> str:
    """Return the JWT of an LtiDeepLinkingResponse; `data` is the platform's value or None."""
    issued = int(now.timestamp()) - BACK_DATE_SECONDS
    claims: dict[str, Any] = {
        "iss": platform.client_id,
        "aud": platform.issuer,
        "iat": issued,
        "exp": issued + RESPONSE_SECONDS,
        "nonce": secrets.token_urlsafe(24),
        f"{CLAIM}deployment_id": deployment_id,
        f"{CLAIM}message_type": "LtiDeepLinkingResponse",
        f"{CLAIM}version": "1.3.0",
        f"{DL_CLAIM}content_items": [content_item(item, launch_url) for item in answer.items],
    }
    texts = {"msg": answer.message, "errormsg": answer.error, "errorlog": answer.error_log}
    claims |= {f"{DL_CLAIM}{name}": text for name, text in texts.items() if text}
    if data is not None:
        claims[f"{DL_CLAIM}data"] = data
    return encode_jwt(platform, claims, key)


def content_item(item: CourseItem, launch_url: str) -> dict[str, Any]:
    """Return one course as a content item.

    The course id is in `custom`, which survives the copy of an LMS course; the resource link id
    does not.
    """
    title = item.title[:LONGEST_TITLE]
    content: dict[str, Any] = {
        "type": LINK_TYPE,
        "title": title,
        "url": launch_url,
        "custom": {"scorm_course_id": item.course_id},
        "lineItem": {
            "scoreMaximum": SCORE_MAXIMUM,
            "label": title,
            "resourceId": item.course_id,
            "tag": TAG,
        },
    }
    sizes = {"width": item.width, "height": item.height}
    size = {name: value for name, value in sizes.items() if value}
    if item.target == IFRAME:
        content[IFRAME] = size
    elif item.target == WINDOW:
        content[WINDOW] = {"targetName": "_blank", **size}
    return content


def _texts(value: Any) -> tuple[str, ...]:
    return tuple(v for v in value if isinstance(v, str)) if isinstance(value, list) else ()
