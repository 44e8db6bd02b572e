"""What all commands share: settings, the app context, output as tables."""

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Any, TypeVar

import click
from flask import Flask

from ..app import create_app
from ..core.config import Settings, find_retired, load_settings
from ..core.db import db
from ..core.migrate import require_newest_schema
from ..platforms.accounts import ensure_default_account
from ..platforms.keys import ensure_keys
from ..services import EXTENSION, Services

F = TypeVar("F", bound=Callable[..., Any])
CONFIG_FILE = "lti_bridge.config_file"
logger = logging.getLogger(__name__)


def read_settings() -> Settings:
    """Return the settings of this invocation, including the file of `--config`."""
    named: Path | None = click.get_current_context().meta.get(CONFIG_FILE)
    return load_settings(config_file=named)


def warn_of_retired_settings() -> None:
    """Log a warning for each retired setting."""
    named: Path | None = click.get_current_context().meta.get(CONFIG_FILE)
    for sentence in find_retired(config_file=named):
        logger.warning("%s", sentence)


def config_arguments() -> list[str]:
    """Return this invocation's `--config` arguments, for a child process."""
    named: Path | None = click.get_current_context().meta.get(CONFIG_FILE)
    return ["--config", str(named)] if named else []


@contextmanager
def open_bridge() -> Iterator[Services]:
    """Open the bridge for one command, inside its app context."""
    app = create_app(read_settings())
    require_newest_schema(app)
    with app.app_context():
        services: Services = app.extensions[EXTENSION]
        ensure_default_account(services.settings, services.signer, now=services.now())
        try:
            yield services
        finally:
            close_bridge(services)


def close_bridge(services: Services) -> None:
    """Close all connections; call it inside the app context."""
    db.session.remove()
    db.engine.dispose()
    services.queue.close()
    services.outbound.close()


def prepare(app: Flask) -> None:
    """Create what serving requires: the default account and the first key."""
    with app.app_context():
        services: Services = app.extensions[EXTENSION]
        ensure_default_account(services.settings, services.signer, now=services.now())
        ensure_keys(services.signer, now=services.now())
        db.session.remove()


def table(rows: Sequence[tuple[str, ...]], heads: tuple[str, ...]) -> None:
    """Print rows as a table."""
    widths = [max(map(len, column)) for column in zip(heads, *rows, strict=True)]
    for row in (heads, *rows):
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        click.echo("  ".join(cells).rstrip())


def policy_option(name: str, kind: type[StrEnum], help_text: str) -> Callable[[F], F]:
    """Return the command-line option of a part of the grading policy."""
    return click.option(name, type=click.Choice([one.value for one in kind]), help=help_text)
