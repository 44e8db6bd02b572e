"""The failures that travel between chapters.

BridgeError
├── LaunchRejected      the launch is refused; `reason` names an entry of web/rejections.py
│   └── PageRefused     another page of ours is refused, by the same list of reasons
├── Unavailable         try again later, maybe after `retry_after` seconds
│   ├── Busy            not even asked: too many threads of this process wait for the remote
│   └── NotReadWhole    a list whose pages do not lead to its end; a part is not the list
├── Refused             trying again will not help until somebody changes something
│   └── NotFound        the remote says that the thing does not exist
└── ConfigurationError  a setting, file or argument is wrong; the message says how to mend it

Doors translate every outside failure into one of these at the border. Callers branch on the
kind, never on a status code or on the text of a message.
"""


class BridgeError(Exception):
    """Base of all failures that the bridge raises on purpose."""


class LaunchRejected(BridgeError):
    """A login or launch that must not go on.

    `reason` is a key of the closed list in `web/rejections.py`; `detail` is for the log,
    free of tokens and personal data.
    """

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason = reason
        self.detail = detail


class PageRefused(LaunchRejected):
    """A page, form or address of ours that its reader may not have, or has no more."""


class Unavailable(BridgeError):
    """The remote did not answer, or asked us to come back later.

    `retry_after` is in seconds, None when the remote named no time. `effect_unknown` is True when
    the request may have been carried out although no answer came; `throttled` whether it was one
    of too many.
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
    """So many threads of this process wait for the remote that the rest are kept for others."""


class NotReadWhole(Unavailable):
    """A list could be read in part only: whoever is missing may be on the pages not read."""


class Refused(BridgeError):
    """The remote understood and said no.

    `status` is the HTTP status for the record, never to branch on; `code` is the meaning that
    the door recognised (for example "already_exists"), empty when it recognised none.
    `explanation` is the remote's own sentence, for a person who asks; never logged or parsed.
    `excerpt` is how its answer begins, for the rules that know this remote; never logged.
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
    """The remote says that there is no such thing."""


class ConfigurationError(BridgeError):
    """Something that an operator wrote is wrong; the message says what and how to mend it."""
