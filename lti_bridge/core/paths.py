"""Paths of the templates, migrations and default settings, in a wheel or a checkout."""

from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1]


def shipped(folder: str) -> Path:
    """Return the directory `folder` ("templates", "migrations" or "configs").

    They are inside the package in a wheel, and at the top level of a checkout.
    """
    inside_wheel = PACKAGE / "_shipped" / folder
    return inside_wheel if inside_wheel.is_dir() else PACKAGE.parent / folder
