"""One login that waits for its launch, good or bad, at the door of a whole bridge."""

from typing import Any

from werkzeug.test import TestResponse

from tests.door import HOSTILE, NAME, Door, assert_refused
from tests.world import World


class Bench:
    """A browser that has logged in; each launch it brings carries hostile text and a name."""

    def __init__(self, door: Door, **login: str) -> None:
        self.door, self.platform = door, door.platform
        self.world: World = door.visitor()
        hostile = {"login_hint": f"4{HOSTILE}", "lti_message_hint": f"hint{HOSTILE}"}
        self.sent = self.world.login(**{**hostile, **login})

    @property
    def now(self) -> int:
        """Return the bridge's time in seconds since 1970."""
        return int(self.door.clock().timestamp())

    def claims(self, **changes: Any) -> dict[str, Any]:
        hostile = {
            "given_name": NAME + HOSTILE,
            "family_name": NAME,
            "email": f"{NAME}@example.org",
            "launch_presentation": {"return_url": f"{self.platform.url}/back?{HOSTILE}"},
        }
        return self.platform.claims(self.door.clock(), self.sent["nonce"], **{**hostile, **changes})

    def token(self, **changes: Any) -> str:
        return self.platform.sign(self.claims(**changes))

    def post(self, token: str, **fields: str) -> TestResponse:
        form = {"state": self.sent["state"], "id_token": token, **fields}
        return self.world.browser.post("/lti/launch", data=form)

    def launch(self, **changes: Any) -> TestResponse:
        return self.post(self.token(**changes))

    def enter(self, **changes: Any) -> TestResponse:
        """Launch, and get the page of ours that the answer leads to."""
        return self.world.follow(self.launch(**changes))

    def refused(
        self, token: str, reason: str, ignore: tuple[str, ...] = (), **fields: str
    ) -> TestResponse:
        """Bring a token that must be refused for `reason`; checks the whole refusal.

        A refusal deletes the login's cookie; the browser gets it back.
        """
        cookies = self.world.browser._cookies.copy()
        response = assert_refused(
            self.door, lambda: self.post(token, **fields), reason, ignore=ignore
        )
        self.world.browser._cookies.update(cookies)
        return response
