"""What a tool may do with the services, as scopes name it."""

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


def scopes_of(tool: ToolSpec) -> list[str]:
    """Return the scopes that an admin lets a tool have."""
    return tool.scopes or ALL_SCOPES
