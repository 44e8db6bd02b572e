"""`keys …`: the tool's signing keys."""

import click

from ..audit.log import OPERATOR, record
from ..core.clock import say_time
from ..platforms.keys import list_keys, replace_leaked_key, rotate_keys
from .opening import open_bridge, table


@click.group()
def keys() -> None:
    """The tool's own keys, which every LMS fetches from /lti/jwks.json."""


@keys.command("list")
def list_() -> None:
    """List the keys and their states; private parts are never shown."""
    with open_bridge():
        rows = [
            (row.kid, row.state, say_time(row.created_at), say_time(row.state_changed_at))
            for row in list_keys()
        ]
        if not rows:
            click.echo("No key yet: the first start of the server makes one.")
            return
        table(rows, ("key id", "state", "made", "in this state since"))


@keys.command()
@click.option("--leaked", is_flag=True, help="A key leaked: replace every key at once.")
def rotate(leaked: bool) -> None:
    """Publish a new key; it signs by itself after a day, when LMSs have fetched it.

    With --leaked the new key signs at once, and LMSs that remember the old key set refuse our
    calls until they fetch it again: grades wait meanwhile, launches work.
    """
    with open_bridge() as services:
        turn = replace_leaked_key if leaked else rotate_keys
        said = "replaced every signing key at once" if leaked else "asked for a new signing key"
        now = services.now()
        record(OPERATOR, "keys", "tool keys", said, now=now)
        click.echo(turn(services.signer, now=now))
