"""Results of a launch: the player, one of our pages, or a request to platform storage."""

from dataclasses import dataclass


@dataclass(frozen=True)
class OpenPlayer:
    """Redirect the learner to SCORM Cloud."""

    url: str


@dataclass(frozen=True)
class AskStorage:
    """Ask the LMS's platform storage for the secret stored under `key`, and post the launch again.

    `target` is the name of the frame to ask, `origin` the only origin asked and trusted.
    """

    key: str
    origin: str
    target: str


@dataclass(frozen=True)
class OpenPage:
    """Redirect (GET) to one of our pages; `token` is its signed page token.

    `secret` becomes a cookie when the page is bound to this browser.
    """

    endpoint: str
    token: str
    secret: str | None = None


Shown = OpenPlayer | OpenPage
Outcome = Shown | AskStorage
