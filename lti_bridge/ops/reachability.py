"""A test postback from SCORM Cloud to this bridge, where its public address allows one."""

from urllib.parse import urlsplit

from ..core.errors import Refused
from ..core.http.address_guard import PrivateAddress, public_addresses
from ..platforms.models import ScormAccount
from ..registrations.return_urls import postback_address
from ..scorm_cloud.client import PostBack, ScormCloudClient
from ..services import Services

# A registration id that does not exist: a postback for it changes nothing.
NO_REGISTRATION = "test"


def may_test(services: Services, account: ScormAccount) -> bool:
    """Tell whether a postback can be expected to arrive.

    SCORM Cloud cannot reach a private address; a practice SCORM Cloud in the same network can.
    """
    return is_public(services.settings.public_url) or not is_public(account.base_url)


def is_public(url: str) -> bool:
    """Tell whether a URL's host resolves to public addresses only; an unknown name does not."""
    parts = urlsplit(url)
    try:
        port = parts.port or (443 if parts.scheme == "https" else 80)
        return bool(list(public_addresses(parts.hostname or "", port)))
    except (PrivateAddress, OSError, ValueError):
        return False


def try_postback(services: Services, client: ScormCloudClient, *, deadline_seconds: float) -> str:
    """Let SCORM Cloud send a test postback. Raises Refused or Unavailable."""
    address = postback_address(services, NO_REGISTRATION)
    target = PostBack(address.url, address.user_name, address.password)
    try:
        client.test_postback(target, deadline_seconds=deadline_seconds)
    except Refused as error:
        raise Refused("SCORM Cloud's test message did not arrive") from error
    return "a test message arrived"
