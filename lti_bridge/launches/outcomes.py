"""What a launch leads to: the player, a page of ours, or a question first."""

from dataclasses import dataclass

from ..deep_linking.picker import Start
from ..registrations.attempts import Offer
from .preview import Preview


@dataclass(frozen=True)
class OpenPlayer:
    """Send the learner on to SCORM Cloud."""

    url: str


@dataclass(frozen=True)
class ChooseAttempt:
    """Ask the learner: go on, or begin another attempt; `token` is what the form carries.

    `new_window`: the player opens in one.
    """

    offer: Offer
    token: str
    new_window: bool


@dataclass(frozen=True)
class OfferWindow:
    """Show a button that opens the player in a window of its own."""

    token: str
    title: str | None


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
    """Go to a page of ours; `token` is what proves who asks.

    `secret` is kept by the browser, where the page is tied to it.
    """

    endpoint: str
    token: str
    secret: str | None = None


Shown = OpenPlayer | ChooseAttempt | OfferWindow | OpenPage | Preview | Start
Outcome = Shown | AskStorage
