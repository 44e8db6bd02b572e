"""Texts of the error pages of dynamic registration: what happened and what to do."""

from dataclasses import dataclass

OPERATOR, LMS_ADMIN, YOU = "The bridge's operator", "An admin of the LMS", "You"


@dataclass(frozen=True)
class ConnectError:
    """One error page: its status, what happened, who can fix it and how."""

    status: int
    title: str
    who: str
    how: str


PROBLEMS = {
    "bad_invite": ConnectError(
        403,
        "This invite does not work",
        OPERATOR,
        "The address may have been cut when it was copied. A new one: "
        "`lti-bridge platform invite`.",
    ),
    "used_invite": ConnectError(
        403,
        "This invite was used already",
        OPERATOR,
        "An invite connects one LMS, once. If yours is connected, nothing is left to do here; "
        "a new one: `lti-bridge platform invite`.",
    ),
    "old_invite": ConnectError(
        403,
        "This invite has expired",
        OPERATOR,
        "An invite works for seven days. A new one: `lti-bridge platform invite`.",
    ),
    "busy_invite": ConnectError(
        409,
        "Somebody is using this invite right now",
        YOU,
        "Wait a minute and look whether the LMS is connected. If it is not, try again.",
    ),
    "not_from_lms": ConnectError(
        400,
        "This address belongs into your LMS",
        YOU,
        "Paste it into the LMS where tools are registered. Moodle: Site administration, Plugins, "
        "External tool, Manage tools. Canvas: Developer keys, LTI registration.",
    ),
    "foreign_host": ConnectError(
        400,
        "The LMS's addresses do not fit together",
        OPERATOR,
        "Every address of its configuration must be on the issuer's host: otherwise anybody could "
        "register under another's name. If that is right for your LMS, connect it by hand with "
        "`lti-bridge platform add`.",
    ),
    "bad_configuration": ConnectError(
        400,
        "The LMS's answer cannot be used",
        OPERATOR,
        "Something that the standard wants is missing or wrong. Connect the LMS by hand with "
        "`lti-bridge platform add`.",
    ),
    "other_platform": ConnectError(
        403,
        "This invite is for another LMS",
        OPERATOR,
        "Open it in the LMS that it was made for, or ask for one of yours: "
        "`lti-bridge platform invite`.",
    ),
    "needs_invite": ConnectError(
        409,
        "This LMS is connected already",
        OPERATOR,
        "To register it anew, ask for an invite for it: "
        "`lti-bridge platform invite --platform NAME`.",
    ),
    "lms_refused": ConnectError(
        502,
        "The LMS refused the registration",
        LMS_ADMIN,
        "Begin again in the LMS: its page works once and for a short time only. "
        "The invite is still good.",
    ),
    "lms_unavailable": ConnectError(
        503,
        "The LMS does not answer the bridge",
        OPERATOR,
        "The bridge's server must be able to reach the LMS. Try again; the invite is still good.",
    ),
    "registration_failed": ConnectError(
        400,
        "The registration did not work",
        OPERATOR,
        "Look at what is said below, and try again; the invite is still good.",
    ),
}


def get_problem(code: str) -> ConnectError:
    """Return the error page for a code; unknown codes get the general page."""
    return PROBLEMS.get(code, PROBLEMS["registration_failed"])
