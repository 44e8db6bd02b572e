"""Identities that outlive edits: of a platform, and of a deployment within it."""

import json
import uuid

# Made once for this project; changing it would give every learner a new registration.
NAMESPACE = uuid.UUID("6d1c1bd4-6c1f-5b0e-9d3a-0f5a54f0a1c7")


def join(*facts: str | int) -> str:
    """Join facts so that no two different lists give the same text."""
    return json.dumps(facts, ensure_ascii=True, separators=(",", ":"))


def platform_identity(issuer: str, client_id: str) -> str:
    """Return the identity of a platform (UUIDv5); it is set once, when the platform is added."""
    return str(uuid.uuid5(NAMESPACE, join("platform", issuer, client_id)))


def deployment_identity(platform: str, deployment_id: str) -> str:
    """Return the identity of a deployment within the platform with that identity."""
    return str(uuid.uuid5(uuid.UUID(platform), join("deployment", deployment_id)))
