"""What a platform's newest launches say that its admin took away from the tool."""

from .grants import Narrowed, find_narrowed
from .models import Platform


def narrowed_at(row: Platform) -> list[Narrowed]:
    """Return what is lost and how to grant it; empty when nothing is, or before a launch.

    Names count as withheld when no active deployment has shown any.
    """
    told = [d.shares_names for d in row.deployments if d.shares_names is not None]
    return find_narrowed(row.granted_scopes, any(told) if told else None, row.privacy)
