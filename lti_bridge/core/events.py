"""In-process events between packages: `ops` counts them, and `audit` records some."""

import logging
from collections.abc import Callable

Subscriber = Callable[[str, dict[str, str | float]], None]
logger = logging.getLogger(__name__)


class Events:
    """A list of subscribers; an exception in one never reaches the publisher."""

    def __init__(self) -> None:
        self._subscribers: list[Subscriber] = []

    def subscribe(self, subscriber: Subscriber) -> None:
        """Call `subscriber(name, labels)` for every later event."""
        self._subscribers.append(subscriber)

    def publish(self, name: str, **labels: str | float) -> None:
        """Call every subscriber; labels contain no personal data."""
        for subscriber in self._subscribers:
            try:
                subscriber(name, labels)
            except Exception:
                logger.exception("a subscriber of %s failed", name)
