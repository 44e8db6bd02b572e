"""What an LMS must know about this tool, the same for every way to connect."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from .base import Lms

AGS = "https://purl.imsglobal.org/spec/lti-ags/scope/"
SCOPES = (
    f"{AGS}lineitem.readonly",
    f"{AGS}result.readonly",
    f"{AGS}score",
    "https://purl.imsglobal.org/spec/lti-nrps/scope/contextmembership.readonly",
)
CLAIMS = ("iss", "sub", "name", "given_name", "family_name", "email")
TITLE = "LTI Bridge"
DESCRIPTION = "SCORM courses from SCORM Cloud, with grades that arrive by themselves."
TOOL_CONFIGURATION = "https://purl.imsglobal.org/spec/lti-tool-configuration"


def short_scope(scope: str) -> str:
    """Return the last part of a scope, as people know it: `score`."""
    return scope.rpartition("/")[2]


@dataclass(frozen=True)
class ToolDefinition:
    """The tool's URLs and settings, derived from its public address."""

    public_url: str

    @property
    def login_url(self) -> str:
        """The OIDC initiation URL."""
        return f"{self.public_url}/lti/login"

    @property
    def launch_url(self) -> str:
        """The target link URI, and the only redirect URI."""
        return f"{self.public_url}/lti/launch"

    @property
    def jwks_url(self) -> str:
        """The public key set URL."""
        return f"{self.public_url}/lti/jwks.json"

    @property
    def domain(self) -> str:
        """Host and port of the public address."""
        return urlsplit(self.public_url).netloc

    def manual_values(self) -> list[tuple[str, str]]:
        """Return (name, value) of each field that an admin enters in the LMS by hand."""
        return [
            ("Tool URL or target link URI", self.launch_url),
            ("Initiate login URL", self.login_url),
            ("Redirection URI", self.launch_url),
            ("Content selection (deep linking) URL", self.launch_url),
            ("Public key type", "Keyset URL"),
            ("Public keyset URL", self.jwks_url),
            ("LTI version", "LTI 1.3"),
            ("Services", "Assignment and Grade Services; Names and Role Provisioning"),
            ("Privacy", "Share the launcher's name and email, and accept grades"),
        ]

    def registration(self, lms: Lms) -> dict[str, Any]:
        """Return the client metadata of dynamic registration (LTI DR 1.0 section 3.5)."""
        configuration: dict[str, Any] = {
            "domain": self.domain,
            "description": DESCRIPTION,
            "target_link_uri": self.launch_url,
            "claims": list(CLAIMS),
            **lms.registration_extras,
        }
        picker = {"type": "LtiDeepLinkingRequest", "target_link_uri": self.launch_url}
        configuration["messages"] = [
            {**picker, "label": TITLE, "placements": list(lms.placements)},
            {"type": "LtiResourceLinkRequest", "target_link_uri": self.launch_url},
        ]
        return {
            "application_type": "web",
            "response_types": ["id_token"],
            "grant_types": ["implicit", "client_credentials"],
            "initiate_login_uri": self.login_url,
            "redirect_uris": [self.launch_url],
            "client_name": TITLE,
            "jwks_uri": self.jwks_url,
            "token_endpoint_auth_method": "private_key_jwt",
            "scope": " ".join(SCOPES),
            TOOL_CONFIGURATION: configuration,
        }
