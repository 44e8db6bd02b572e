"""The claims of a verified launch as one value; LTI 1.3 core section 5, AGS and NRPS claims."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..core.errors import LaunchRejected, Reason
from ..core.plain_text import one_line

CLAIM = "https://purl.imsglobal.org/spec/lti/claim/"
AGS_CLAIM = "https://purl.imsglobal.org/spec/lti-ags/claim/endpoint"
NRPS_CLAIM = "https://purl.imsglobal.org/spec/lti-nrps/claim/namesroleservice"
DEEP_LINKING_CLAIM = "https://purl.imsglobal.org/spec/lti-dl/claim/deep_linking_settings"
RESOURCE_LINK, DEEP_LINKING = "LtiResourceLinkRequest", "LtiDeepLinkingRequest"
SUBMISSION_REVIEW = "LtiSubmissionReviewRequest"
LONGEST_ID = 255


@dataclass(frozen=True)
class LaunchClaims:
    """The claims of one launch: user, context, resource link, services; empty texts are None."""

    message_type: str
    deployment_id: str
    sub: str
    roles: tuple[str, ...]
    target_link_uri: str
    resource_link_id: str | None = None
    resource_link_title: str | None = None
    context_id: str | None = None
    context_title: str | None = None
    custom: Mapping[str, str] = field(default_factory=dict)
    given_name: str | None = None
    family_name: str | None = None
    name: str | None = None
    email: str | None = None
    locale: str | None = None
    return_url: str | None = None
    line_item_url: str | None = None
    line_items_url: str | None = None
    # None without an AGS claim: the granted scopes are unknown.
    scopes: tuple[str, ...] | None = None
    memberships_url: str | None = None
    deep_linking: Mapping[str, Any] | None = None
    for_user_id: str | None = None

    @property
    def first_name(self) -> str | None:
        """The given name; without one, the full name except its last word."""
        return self.given_name or self._split_name()[0]

    @property
    def last_name(self) -> str | None:
        """The family name; without one, the last word of a full name that has several."""
        return self.family_name or self._split_name()[1]

    def _split_name(self) -> tuple[str | None, str | None]:
        """Return (first, last) as far as the full name can complete the parts that were sent."""
        words = (self.name or "").split()
        if self.given_name or not words:
            return None, None
        if self.family_name:
            rest = " ".join(words).removesuffix(self.family_name).strip()
            return rest or None, None
        if len(words) == 1:
            return words[0], None
        return " ".join(words[:-1]), words[-1]


def parse_claims(payload: Mapping[str, Any]) -> LaunchClaims:
    """Read a verified id_token's payload; raises LaunchRejected "bad_claims" or "bad_roles"."""
    link = _section(payload, CLAIM + "resource_link")
    context = _section(payload, CLAIM + "context")
    presentation = _section(payload, CLAIM + "launch_presentation")
    services = _section(payload, AGS_CLAIM)
    deep_linking = payload.get(DEEP_LINKING_CLAIM)
    return LaunchClaims(
        message_type=_required(payload, CLAIM + "message_type"),
        deployment_id=_identifier("deployment_id", _required(payload, CLAIM + "deployment_id")),
        sub=_identifier("sub", _required(payload, "sub")),
        roles=_roles(payload),
        target_link_uri=_required(payload, CLAIM + "target_link_uri"),
        resource_link_id=_identifier("resource_link", _text(_as_text(link.get("id")))),
        resource_link_title=_short(link.get("title"), 500),
        context_id=_short(context.get("id"), LONGEST_ID),
        context_title=_short(context.get("title") or context.get("label"), 500),
        custom=_custom(_section(payload, CLAIM + "custom")),
        given_name=_short(payload.get("given_name"), 255),
        family_name=_short(payload.get("family_name"), 255),
        name=_short(payload.get("name"), 255),
        email=_short(payload.get("email"), 320),
        locale=_short(presentation.get("locale"), 35),
        return_url=_address(presentation.get("return_url"), 2000),
        # Moodle sends "" when the tool created the only line item.
        line_item_url=_address(services.get("lineitem")),
        line_items_url=_address(services.get("lineitems")),
        scopes=_scopes(services),
        memberships_url=_address(_section(payload, NRPS_CLAIM).get("context_memberships_url")),
        deep_linking=deep_linking if isinstance(deep_linking, Mapping) else None,
        for_user_id=_identifier(
            "for_user", _text(_as_text(_section(payload, CLAIM + "for_user").get("user_id")))
        ),
    )


def _scopes(services: Mapping[str, Any]) -> tuple[str, ...] | None:
    if not services:
        return None
    return tuple(s for s in _list(services.get("scope")) if isinstance(s, str))


def _last(name: str) -> str:
    return name.rpartition("/")[2]


def _section(payload: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = payload.get(name)
    if value is None or value == []:  # PHP writes an empty object as []
        return {}
    if not isinstance(value, Mapping):
        raise LaunchRejected(Reason.BAD_CLAIMS, f"{_last(name)} is not an object")
    return value


def _required(payload: Mapping[str, Any], name: str) -> str:
    value = payload.get(name)
    if not isinstance(value, str) or not value.strip():
        raise LaunchRejected(Reason.BAD_CLAIMS, f"{_last(name)} is missing or not text")
    return value


def _identifier(claim: str, value: str | None) -> Any:
    """Return an opaque id unchanged; one that is too long is refused, never cut."""
    if value is not None and (len(value) > LONGEST_ID or "\0" in value):
        raise LaunchRejected(Reason.BAD_CLAIMS, f"the id in {claim} is too long")
    return value


def _roles(payload: Mapping[str, Any]) -> tuple[str, ...]:
    roles = payload.get(CLAIM + "roles")
    if not isinstance(roles, list):
        raise LaunchRejected(Reason.BAD_ROLES, "roles is not a list")
    return tuple(role for role in roles if isinstance(role, str))


def _custom(values: Mapping[str, Any]) -> dict[str, str]:
    """Keep the parameters that the LMS filled in; an unknown substitution comes back as `$...`."""
    texts = {key: _text(_as_text(value)) for key, value in values.items()}
    return {
        key: text.replace("\0", "").strip()
        for key, text in texts.items()
        if text and not text.strip().startswith("$")
    }


def _as_text(value: Any) -> Any:
    """Return a number as text (some LMSs send numeric resource link ids); else `value`."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value.strip() else None


def _short(value: Any, longest: int) -> str | None:
    text = _text(value)
    return one_line(text)[:longest] or None if text else None


def _address(value: Any, longest: int = 1000) -> str | None:
    text = _text(value)
    if text is None or len(text) > longest or "\0" in text:
        return None
    return text if text.startswith(("http://", "https://")) else None


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
