"""The console's views of the tool's signing keys."""

from flask import Blueprint, Response

from ...audit.actor import Actor
from ...audit.log import record
from ...core.db import reading
from ...platforms import keys
from ...services import current_services
from ..access import Rule, allow
from ..layout import go, show

blueprint = Blueprint("keys", __name__, url_prefix="/console/keys")


@blueprint.get("")
@allow(Rule.OWNER)
def list_all(actor: Actor) -> Response:
    """Every key, newest first, and what its state means."""
    with reading():
        return show("console/keys/keys.html", keys=list(reversed(keys.list_keys())))


@blueprint.post("/rotate")
@allow(Rule.OWNER)
def rotate(actor: Actor) -> Response:
    """Publish a new key, which becomes the signing key a day later."""
    services, now = current_services(), current_services().now()
    record(actor, "keys", "tool keys", "asked for a new signing key", now=now)
    return go("keys.list_all", keys.rotate_keys(services.signer, now=now))


@blueprint.get("/leaked")
@allow(Rule.OWNER)
def ask_leaked(actor: Actor) -> Response:
    """Ask for confirmation to replace every key at once."""
    return show("console/keys/leaked.html")


@blueprint.post("/leaked")
@allow(Rule.OWNER)
def replace_leaked(actor: Actor) -> Response:
    """Retire every key at once and sign with a new one."""
    services, now = current_services(), current_services().now()
    record(actor, "keys", "tool keys", "replaced every signing key at once", now=now)
    return go("keys.list_all", keys.replace_leaked_key(services.signer, now=now), tone="wait")
