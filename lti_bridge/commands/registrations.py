"""`registration …`: the history of one registration."""

import click
from sqlalchemy import select

from ..core.db import db
from ..core.errors import ConfigurationError
from ..passback.actions.history import tell
from ..registrations.models import Registration
from .opening import open_bridge


@click.group()
def registration() -> None:
    """Registrations: one learner's registration in one course."""


@registration.command()
@click.argument("registration_id")
def show(registration_id: str) -> None:
    """Tell the whole story of REGISTRATION_ID: launches, progress, decisions, tries."""
    with open_bridge() as services:
        query = select(Registration).where(Registration.registration_id == registration_id.strip())
        row = db.session.scalars(query).one_or_none()
        if row is None:
            raise ConfigurationError(
                f"there is no registration {registration_id}: "
                "its id is the one that SCORM Cloud shows"
            )
        click.echo(tell(row, services.now()))
