"""The scopes of services that a tool may use."""

from lti_sandbox.practice_lms.state import ToolSpec

AGS = "https://purl.imsglobal.org/spec/lti-ags/"
NRPS = "https://purl.imsglobal.org/spec/lti-nrps/"
ALL_SCOPES = [
    f"{AGS}scope/lineitem",
    f"{AGS}scope/lineitem.readonly",
    f"{AGS}scope/result.readonly",
    f"{AGS}scope/score",
    f"{NRPS}scope/contextmembership.readonly",
]


NOTHING = ["none"]


class UnknownScope(ValueError):
    """A scope that no service has; the message names it."""


def narrow(tool: ToolSpec, scopes: list[str]) -> None:
    """Set a tool's scopes, by full or last name; none when empty."""
    known = {scope.rpartition("/")[2]: scope for scope in ALL_SCOPES}
    last = [str(scope).rpartition("/")[2] for scope in scopes]
    unknown = [name for name in last if name not in known]
    if unknown:
        raise UnknownScope(f"There is no scope {unknown[0]!r}; known are: {', '.join(known)}.")
    tool.scopes = [known[name] for name in last] or list(NOTHING)


def scopes_of(tool: ToolSpec) -> list[str]:
    """Return the scopes that an admin lets a tool have."""
    return tool.scopes or ALL_SCOPES
