"""A whole run: so many requests by one seed, within a time, and its figures."""

import time
from dataclasses import dataclass
from pathlib import Path
from random import Random

from lti_bridge.core.db import db
from lti_bridge.registrations.models import Registration
from tests.door import Door, open_door
from tests.fuzz import others
from tests.fuzz.fuzzer import Fuzzer, Shot
from tests.fuzz.launches import Logins, launch_shot, login_shot
from tests.fuzz.registrations import Lms, register_shot

SECONDS_PER_REQUEST = 0.05  # how fast the bridge's clock runs meanwhile
RENEW_EVERY = 10_000
WEIGHTS = {
    "launch": 58,
    "login": 9,
    "register": 3,
    "exit": 7,
    "postback": 8,
    "page": 6,
    "upload": 1,
    "resume": 1,
    "garbage": 7,
}
TOKEN_SHOTS = {
    "exit": others.exit_shot,
    "postback": others.postback_shot,
    "page": others.page_shot,
    "upload": others.upload_shot,
    "resume": others.resume_shot,
    "garbage": others.garbage_shot,
}


@dataclass(frozen=True)
class Figures:
    """What a run did; `near` were one mutation away from a correctly signed launch."""

    seed: str
    requests: int
    near: int
    passed: int
    seconds: float
    sent: dict[str, int]
    statuses: dict[int, int]
    codes: dict[str, int]

    def __str__(self) -> str:
        lines = [
            f"seed {self.seed}: {self.requests} requests in {self.seconds:.0f} s, no 5xx, no row "
            "that a valid launch would not make",
            f"{self.near} of them one mutation away from a correctly signed launch "
            f"({self.near / max(1, self.requests):.0%}); {self.passed} of these were still valid",
        ]
        for title, counts in (("sent", self.sent), ("status", self.statuses), ("code", self.codes)):
            parts = sorted(counts.items(), key=lambda one: -one[1])
            lines.append(f"{title}: " + ", ".join(f"{name} {count}" for name, count in parts))
        return "\n".join(lines)


def run_fuzz(
    folder: Path,
    seed: str,
    requests: int,
    seconds: float,
    start: int = 0,
    database_url: str = "",
) -> Figures:
    """Send requests until there were so many or the time is over. Raises Broken."""
    url = database_url or f"sqlite:///{folder / 'bridge.sqlite3'}"
    with open_door(url, folder) as door:
        fuzzer = Fuzzer(door, seed)
        try:
            return _run(fuzzer, door, start, requests, seconds)
        finally:
            fuzzer.close()


def _run(fuzzer: Fuzzer, door: Door, start: int, requests: int, seconds: float) -> Figures:
    began = time.monotonic()
    logins, tokens, lms = Logins(door), others.Tokens(door), Lms(door)
    number = start
    while number < start + requests and time.monotonic() - began < seconds:
        if (number - start) % RENEW_EVERY == 0:
            tokens.renew()
        door.clock.advance(SECONDS_PER_REQUEST)
        fuzzer.fire(_shot(fuzzer.random(number), logins, tokens, lms), number)
        number += 1
    _check_cloud(door)
    spent = time.monotonic() - began
    counts = (dict(fuzzer.sent), dict(fuzzer.statuses), dict(fuzzer.codes))
    return Figures(fuzzer.seed, number - start, fuzzer.near, fuzzer.passed, spent, *counts)


def _shot(random: Random, logins: Logins, tokens: others.Tokens, lms: Lms) -> Shot:
    kind = random.choices(list(WEIGHTS), weights=list(WEIGHTS.values()))[0]
    if kind == "launch":
        return launch_shot(random, logins)
    if kind == "login":
        return login_shot(random, logins)
    if kind == "register":
        return register_shot(random, lms)
    return TOKEN_SHOTS[kind](random, tokens)


def _check_cloud(door: Door) -> None:
    """SCORM Cloud has no registration that our rows do not know."""
    rows = {row.registration_id for row in db.session.query(Registration)}
    db.session.commit()
    unknown = set(door.cloud.posts()) - rows
    assert not unknown, f"registrations without a launch: {unknown}"
