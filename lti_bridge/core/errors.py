"""The exceptions that cross package borders.

BridgeError
├── LaunchRejected      the launch is refused; `reason` says why, for its page and the log
│   └── PageRefused     another page of ours is refused, for a reason of the same list
├── Unavailable         try again later, maybe after `retry_after` seconds
│   ├── Busy            not sent: too many threads of this process wait for the remote
│   └── NotReadWhole    a list whose last page was not reached; a part is not the list
├── Refused             trying again will not help until something is changed
│   └── NotFound        the remote says that the object does not exist
└── ConfigurationError  a setting, file or argument is wrong; the message says how to correct it

Clients of remote services translate every failure into one of these. Callers branch on the class,
never on a status code or a message's text.
"""

from enum import StrEnum


class Reason(StrEnum):
    """Why a launch, or a page of ours, is refused; `web/rejections.py` has the words for each."""

    REQUEST_TOO_LARGE = "request_too_large"
    PAGE_UNKNOWN = "page_unknown"
    WRONG_METHOD = "wrong_method"
    REQUEST_UNREADABLE = "request_unreadable"
    DATABASE_AWAY = "database_away"
    OUR_MISTAKE = "our_mistake"
    LOGIN_INCOMPLETE = "login_incomplete"
    LTI_1_1 = "lti_1_1"
    NOT_FROM_LMS = "not_from_lms"
    UNKNOWN_PLATFORM = "unknown_platform"
    AMBIGUOUS_PLATFORM = "ambiguous_platform"
    PLATFORM_DISABLED = "platform_disabled"
    LMS_LOGIN_REQUIRED = "lms_login_required"
    LMS_LAUNCH_USED = "lms_launch_used"
    LMS_ACCESS_DENIED = "lms_access_denied"
    LMS_REFUSED = "lms_refused"
    STATE_MISSING = "state_missing"
    STATE_INVALID = "state_invalid"
    STATE_EXPIRED = "state_expired"
    BROWSER_UNPROVEN = "browser_unproven"
    RELOADED = "reloaded"
    TWO_HOST_NAMES = "two_host_names"
    NO_COOKIES = "no_cookies"
    TOKEN_MISSING = "token_missing"
    TOKEN_MALFORMED = "token_malformed"
    WRONG_ALGORITHM = "wrong_algorithm"
    KEY_UNNAMED = "key_unnamed"
    UNKNOWN_KEY = "unknown_key"
    BAD_SIGNATURE = "bad_signature"
    KEYS_UNAVAILABLE = "keys_unavailable"
    CLAIMS_MISSING = "claims_missing"
    ANONYMOUS_LAUNCH = "anonymous_launch"
    BAD_CLAIMS = "bad_claims"
    BAD_ROLES = "bad_roles"
    WRONG_ISSUER = "wrong_issuer"
    WRONG_AUDIENCE = "wrong_audience"
    WRONG_NONCE = "wrong_nonce"
    WRONG_TARGET = "wrong_target"
    BAD_MESSAGE = "bad_message"
    TOKEN_EXPIRED = "token_expired"
    TOKEN_FROM_FUTURE = "token_from_future"
    TOKEN_TOO_OLD = "token_too_old"
    REPLAYED = "replayed"
    UNKNOWN_MESSAGE = "unknown_message"
    UNKNOWN_DEPLOYMENT = "unknown_deployment"
    NO_COURSE = "no_course"
    COURSE_MISSING = "course_missing"
    CREATE_REFUSED = "create_refused"
    REGISTRATION_GONE = "registration_gone"
    SCORM_CLOUD_REFUSED = "scorm_cloud_refused"
    SCORM_CLOUD_DOWN = "scorm_cloud_down"
    NOT_ENROLLED = "not_enrolled"
    NO_ATTEMPT_LEFT = "no_attempt_left"
    SEAT_BUSY = "seat_busy"
    CLOUD_BUSY = "cloud_busy"
    RESUME_INVALID = "resume_invalid"
    NOT_FOR_YOU = "not_for_you"
    PAGE_NOT_YOURS = "page_not_yours"
    CONSOLE_DOOR_CLOSED = "console_door_closed"
    PAGE_EXPIRED = "page_expired"
    NOT_SET_UP = "not_set_up"
    PICKING_NOT_ALLOWED = "picking_not_allowed"
    UPLOADING_NOT_ALLOWED = "uploading_not_allowed"
    PACKAGE_TOO_LARGE = "package_too_large"
    NO_ROOM = "no_room"
    LINKS_NOT_ACCEPTED = "links_not_accepted"


class BridgeError(Exception):
    """Base class of all errors that the bridge raises on purpose."""


class LaunchRejected(BridgeError):
    """A login or launch that is refused.

    `detail` is for the log, free of tokens and personal data.
    """

    def __init__(self, reason: Reason, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason = reason
        self.detail = detail


class PageRefused(LaunchRejected):
    """A page, form or URL of the bridge that this user may not open, or not any more."""


class Unavailable(BridgeError):
    """The remote did not answer, or asked to retry later.

    `retry_after` is in seconds, None when the remote named no time. `effect_unknown`: the request
    may have been carried out although no answer came. `throttled`: it hit a rate limit.
    """

    def __init__(
        self,
        message: str,
        *,
        retry_after: float | None = None,
        effect_unknown: bool = False,
        throttled: bool = False,
    ) -> None:
        super().__init__(message)
        self.retry_after = retry_after
        self.effect_unknown = effect_unknown
        self.throttled = throttled


class Busy(Unavailable):
    """Not sent: too many threads of this process wait for the remote already."""


class NotReadWhole(Unavailable):
    """A list was read in part only: missing entries may be on the pages not read."""


class Refused(BridgeError):
    """The remote refused the request; a retry will not help.

    `status` is the HTTP status for the record, never to branch on; `code` is the meaning that the
    client recognised (for example "already_exists"), or "". `explanation` is the remote's error
    text, shown to staff; never logged or parsed. `excerpt` is the start of its reply, for rules
    about this remote; never logged.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int | None = None,
        code: str = "",
        explanation: str = "",
        excerpt: str = "",
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.explanation = explanation
        self.excerpt = excerpt


class NotFound(Refused):
    """The remote says that the object does not exist."""


class ConfigurationError(BridgeError):
    """A setting, file or argument is wrong; the message says how to correct it."""
