"""What a launch leads to: the player, a page of ours, or a question first."""

from dataclasses import dataclass


@dataclass(frozen=True)
class OpenPlayer:
    """Send the learner on to SCORM Cloud."""

    url: str


@dataclass(frozen=True)
class AskStorage:
    """Ask the LMS's page for the secret that it keeps under `key`, and come back with it.

    `target` is the frame to ask, `origin` the only one that is asked and believed.
    """

    key: str
    origin: str
    target: str


@dataclass(frozen=True)
class OpenPage:
    """Go to a page of ours by GET; `token` is what proves who asks.

    `secret` is kept by the browser, where the page is tied to it.
    """

    endpoint: str
    token: str
    secret: str | None = None


Shown = OpenPlayer | OpenPage
Outcome = Shown | AskStorage
