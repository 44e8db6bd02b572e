"""Subscribes the audit log to connections of platforms."""

from flask import Flask

from ..services import EXTENSION, Services
from .log import record

REGISTRANT = "an admin of the LMS, by dynamic registration"


def register(app: Flask) -> None:
    """Record each connected platform, in the transaction that stores it."""
    services: Services = app.extensions[EXTENSION]

    def note(name: str, labels: dict[str, str | float]) -> None:
        if name == "platform_connected":
            platform_id, now = int(labels["platform_id"]), services.now()
            said = f"connected {labels['called']}{' anew' if labels['anew'] else ''}"
            subject = f"platform {platform_id}"
            record(REGISTRANT, "connect", subject, said, now=now, platform_id=platform_id)

    services.events.subscribe(note)
