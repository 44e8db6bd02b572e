"""Events that chapters publish; `ops` counts them, and `audit` notes some: nobody imports `ops`."""

import logging
from collections.abc import Callable

Subscriber = Callable[[str, dict[str, str | float]], None]
logger = logging.getLogger(__name__)


class Events:
    """A list of subscribers; a failing one never disturbs the story."""

    def __init__(self) -> None:
        self._subscribers: list[Subscriber] = []

    def subscribe(self, subscriber: Subscriber) -> None:
        """Call `subscriber(name, labels)` at every later event."""
        self._subscribers.append(subscriber)

    def publish(self, name: str, **labels: str | float) -> None:
        """Tell every subscriber; labels hold no personal data."""
        for subscriber in self._subscribers:
            try:
                subscriber(name, labels)
            except Exception:
                logger.exception("a subscriber of %s failed", name)
