"""Subscribes the notes of outages and refused launches to the events."""

from flask import Flask

from ..services import EXTENSION, Services
from .find_problems import COUNTS, ProblemCounts
from .outages import NOTES, OutageNotes
from .refused_launches import COUNTER, RefusalCounter


def register(app: Flask) -> None:
    """Subscribe to the events of other packages."""
    services: Services = app.extensions[EXTENSION]
    counter, notes = RefusalCounter(), OutageNotes()
    services.events.subscribe(counter.note)
    services.events.subscribe(notes.note)
    app.extensions[COUNTER], app.extensions[NOTES] = counter, notes
    app.extensions[COUNTS] = ProblemCounts()
