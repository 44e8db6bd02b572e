"""Dynamic registrations with one thing wrong: the invite, the address, or what the LMS says."""

from random import Random
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import select

from lti_bridge.core.db import db
from lti_bridge.lti.dynamic_registration import PLATFORM_CONFIGURATION, TOOL_CONFIGURATION
from lti_bridge.platforms.invites import make_invite
from lti_bridge.platforms.models import Platform
from tests.door import Door
from tests.fuzz.fuzzer import Shot
from tests.fuzz.odd import change_claims, change_text, dump, odd_text, odd_value
from tests.fuzz.wire import Request, Response, query_of
from tests.mini_platform import Reply

OTHER_ADDRESSES = ("http://169.254.169.254/", "file:///etc/passwd", "http://[::1]:1/", "//x", "")


class Lms:
    """An LMS that may be registered, any number of times; one invite is always good."""

    def __init__(self, door: Door) -> None:
        self.door, self.url = door, door.platform.url
        self.invite, self.count = "", 0
        self.configuration = self.answer = b""
        door.platform.routes[("GET", "/lms")] = lambda _: Reply(body=self.configuration)
        door.platform.routes[("POST", "/lms/register")] = lambda _: Reply(body=self.answer)

    def prepare(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Make a fresh invite; return what a good LMS would say: of itself, and of us."""
        self.count += 1
        if self.count % 10 == 1:
            self.renew()
        says = {
            "issuer": f"{self.url}/lms-{self.count}",
            "authorization_endpoint": f"{self.url}/auth",
            "token_endpoint": f"{self.url}/token-{self.count}",
            "jwks_uri": f"{self.url}/jwks",
            "registration_endpoint": f"{self.url}/lms/register",
            "authorization_server": f"{self.url}/server",
            PLATFORM_CONFIGURATION: {"product_family_code": "moodle", "version": "5"},
        }
        client = {"client_id": f"made-{self.count}", TOOL_CONFIGURATION: {"deployment_id": "1"}}
        return says, client

    def renew(self) -> None:
        now = self.door.world.services.now()
        self.invite = make_invite("Fuzzed LMS", None, now=now)


def register_shot(random: Random, lms: Lms) -> Shot:
    """Return a registration with one mutation; what the LMS says may be the mutated part."""
    says, client = lms.prepare()
    fields = {
        "invite": lms.invite,
        "openid_configuration": f"{lms.url}/lms",
        "registration_token": "good-token",
    }
    kind, good_invite = random.randrange(5), True
    if kind == 0:
        fields["invite"] = random.choice((change_text(random, lms.invite), odd_text(random)))
        good_invite = False
    elif kind == 1:
        odd = random.choice((odd_text(random), random.choice(OTHER_ADDRESSES)))
        fields["openid_configuration"] = odd
    elif kind == 2:
        fields["registration_token"] = odd_text(random)
    elif kind == 3:
        says = change_claims(random, says)[0]
    else:
        client = change_claims(random, client)[0]
    lms.configuration, lms.answer = dump(says), dump(client)
    if random.random() < 0.1:
        lms.answer = random.choice((b"", b"\xff", b"[]", dump(odd_value(random))))
    if random.random() < 0.15:
        request = Request("GET", "/lti/register", query_of(fields))
        return Shot("register", request, f"look, kind {kind}")
    may_add = {"platform": 1, "deployment": 1} if good_invite else {}
    request = Request("POST", "/lti/register", form=list(fields.items()))

    def passes(_: Response) -> str:
        lms.renew()
        return "" if good_invite and _on_one_host(lms) else "a registration that must not be"

    note = f"kind {kind}: {lms.configuration[:600]!r} {lms.answer[:600]!r}"
    return Shot("register", request, note, may_add=may_add, may_fail=True, passes=passes)


def _on_one_host(lms: Lms) -> bool:
    """Tell whether the newest platform keeps to the host that it was read from."""
    row = db.session.scalars(select(Platform).order_by(Platform.id.desc()).limit(1)).one()
    hosts = {
        urlsplit(url).hostname
        for url in (row.issuer, row.authorization_url, row.token_url, row.jwks_url)
    }
    db.session.commit()
    return hosts == {urlsplit(lms.url).hostname}
