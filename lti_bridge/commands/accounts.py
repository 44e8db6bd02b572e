"""`account …`: the SCORM Cloud accounts with the courses."""

from pathlib import Path

import click

from ..audit.log import OPERATOR, record
from ..core.clock import say_time
from ..core.errors import ConfigurationError
from ..platforms.accounts import DEFAULT, list_accounts, save_account
from .opening import open_bridge, table


@click.group()
def account() -> None:
    """SCORM Cloud accounts; the one in the settings is called default."""


@account.command()
@click.option("--name", required=True, help="What `platform add --account` calls it.")
@click.option("--base-url", required=True, help="Address of its API, with /api/v2.")
@click.option("--app-id", required=True, help="The application's id.")
@click.option(
    "--secret-key-file",
    required=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="File with the application's secret key, so that no shell remembers it.",
)
def add(name: str, base_url: str, app_id: str, secret_key_file: Path) -> None:
    """Add an account, or give it a new address or secret."""
    if name == DEFAULT:
        raise ConfigurationError(
            "the account default is the one in the settings: set scorm_cloud.app_id and secret_key"
        )
    secret_key = secret_key_file.read_text(encoding="utf-8").strip()
    if not secret_key:
        raise ConfigurationError(f"{secret_key_file} is empty")
    with open_bridge() as services:
        said = "added the account, or gave it a new address or secret"
        # In the transaction of the account, which `save_account` commits.
        record(OPERATOR, "account", f"account {name}", said, now=services.now())
        row = save_account(
            name, base_url, app_id.strip(), secret_key, services.signer, now=services.now()
        )
        click.echo(f"Account {row.name} is ready: lti-bridge course list --account {row.name}")


@account.command("list")
def list_() -> None:
    """List the accounts; secrets are not shown."""
    with open_bridge():
        rows = [
            (row.name, row.app_id, row.base_url, say_time(row.created_at))
            for row in list_accounts()
        ]
        if not rows:
            click.echo("No account yet: set scorm_cloud.app_id and secret_key in the settings.")
            return
        table(rows, ("name", "app id", "address", "added"))
