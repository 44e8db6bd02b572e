"""Where the templates, migrations and default settings lie: in the wheel or in the checkout."""

from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1]


def shipped(folder: str) -> Path:
    """Return the directory `folder` ("templates", "migrations" or "configs").

    A wheel carries them inside the package; a checkout keeps them at its top level.
    """
    inside_wheel = PACKAGE / "_shipped" / folder
    return inside_wheel if inside_wheel.is_dir() else PACKAGE.parent / folder
