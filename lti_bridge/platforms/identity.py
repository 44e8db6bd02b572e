"""Stable identities of platforms and deployments: editing a row does not change them."""

import json
import uuid

# Never change it: every learner would get a new registration.
NAMESPACE = uuid.UUID("6d1c1bd4-6c1f-5b0e-9d3a-0f5a54f0a1c7")


def join(*facts: str | int) -> str:
    """Join values unambiguously: different lists never give the same text."""
    return json.dumps(facts, ensure_ascii=True, separators=(",", ":"))


def platform_identity(issuer: str, client_id: str) -> str:
    """Return the identity (UUIDv5) of a new platform; it is set once, when it is added."""
    return str(uuid.uuid5(NAMESPACE, join("platform", issuer, client_id)))


def deployment_identity(platform: str, deployment_id: str) -> str:
    """Return the identity of a deployment in the platform with the identity `platform`."""
    return str(uuid.uuid5(uuid.UUID(platform), join("deployment", deployment_id)))
