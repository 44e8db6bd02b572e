"""`console …`: who may use the console."""

import click

from ..console.people.accounts import OWNER, PASSWORD, get_account, make_invite, welcome_address
from ..console.people.lms_admins import grant, list_grants, revoke
from ..core.clock import say_time
from ..people.models import ConsoleGrant
from .opening import open_bridge, table


@click.group()
def console() -> None:
    """Who may use the console: owners by name and password, LMS admins who asked for it there."""


@console.command()
@click.option("--password", "name", help="For a new password of this account, not for a new one.")
def owner(name: str | None) -> None:
    """Print a one-time link with which an owner makes an account at the console."""
    with open_bridge() as services:
        account = get_account(name) if name else None
        kind = OWNER if account is None else PASSWORD
        token = make_invite(kind, now=services.now(), account=account)
        click.echo(welcome_address(services, token))
        click.echo("It is good for a day and for one use: whoever has it can sign in.", err=True)


@console.command("list")
def list_() -> None:
    """List who has asked and who was let in."""
    with open_bridge():
        rows = [(str(row.id), row.platform.name, row.sub, _state(row)) for row in list_grants()]
        if not rows:
            click.echo("No admin of an LMS has asked for the console yet.")
            return
        table(rows, ("number", "platform", "user id in the LMS", "state"))


def _state(row: ConsoleGrant) -> str:
    if row.granted_at is None:
        return f"asked {say_time(row.asked_at)}"
    return f"granted {say_time(row.granted_at)}"


@console.command("grant")
@click.argument("number", type=int)
@click.option("--one-deployment", is_flag=True, help="Only the deployment that they asked from.")
def grant_(number: int, one_deployment: bool) -> None:
    """Let the admin with this NUMBER into the console of their platform."""
    with open_bridge() as services:
        row = grant(number, now=services.now(), whole_platform=not one_deployment)
        click.echo(f"User {row.sub} of {row.platform.name} may use the console.")


@console.command("revoke")
@click.argument("number", type=int)
def revoke_(number: int) -> None:
    """Take a grant back, or refuse a wish; it holds at once."""
    with open_bridge() as services:
        row = revoke(number, now=services.now())
        click.echo(f"User {row.sub} may not use the console.")
