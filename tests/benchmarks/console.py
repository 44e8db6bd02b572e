"""Every page of the console with 100,000 registrations, as ratios to the same with hardly any.

The pages come from the URL map, so that a new one is measured by itself. A number in an address
names the newest row; the activity that is opened has a thousand learners at the end.
"""

import statistics
import time
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any

from flask import current_app
from flask.testing import FlaskClient
from sqlalchemy import select

from lti_bridge.audit.actor import Actor, Role, Scope
from lti_bridge.console.access import RULE, Rule
from lti_bridge.console.overview.activities import sign_link_page
from lti_bridge.core.db import db
from lti_bridge.platforms.models import Platform, ScormAccount
from lti_bridge.registrations.models import Grade, Learner, Registration, ResourceLink
from lti_bridge.services import Services
from tests.console.visitors import sign_in_owner

from . import servers
from .backlog import add_finished, add_link
from .databases import databases
from .passback import bridge_app
from .stub import platform_key

REGISTRATIONS, IN_A_LINK = 100_000, 1000
ROUNDS = 9
AT_MOST = 5.0
NAMES = {
    "learner_id": Learner.id,
    "grade_id": Grade.id,
    "registration": Registration.id,
    "platform_id": Platform.id,
    "account_id": ScormAccount.id,
}
# It asks for what the platform will be, and this LMS has not moved.
UNASKED = {"platform_pages.ask_succeed"}
SEARCHES = ("/console/learners?search=zoe", "/console/activities?search=zoe")


def measure_console(directory: Path) -> tuple[list[dict[str, Any]], bool]:
    """Return what each page took, and whether one grew beyond `AT_MOST` times."""
    key, found = directory / "platform.pem", list[dict[str, Any]]()
    platform_key(key)
    with ExitStack() as held:
        stub = held.enter_context(servers.stub(key, directory / "stub.log"))
        for database, url in databases(held, directory):
            place = directory / f"{database}-home"
            place.mkdir()
            variables = servers.settings_of("http://127.0.0.1:8000", stub, url, place)
            servers.prepare(variables, stub)
            with bridge_app(variables) as services:
                found += _measure(services, database, stub)
    return found, any(row["ratio"] > AT_MOST or row["status"] >= 400 for row in found)


def _measure(services: Services, database: str, stub: str) -> list[dict[str, Any]]:
    owner = sign_in_owner(current_app.test_client(), services)
    _fill(services, stub, 1, 1)
    before = _time_pages(services, owner)
    _fill(services, stub, REGISTRATIONS, IN_A_LINK)
    after = _time_pages(services, owner)
    rows = []
    for name, (took, status) in after.items():
        ratio = took / before[name][0]
        rows.append(
            {"database": database, "page": name, "ms": took, "ratio": ratio, "status": status}
        )
        print(f"{database}: {name} {took:.1f} ms ({ratio:.2f} x), {status}", flush=True)
    return rows


def _fill(services: Services, stub: str, count: int, in_a_link: int) -> None:
    """Add registrations of the last year, delivered; a day's share of them is of today."""
    now = services.now()
    for start in range(0, count, in_a_link):
        at = now - timedelta(days=365) * (1 - (start + in_a_link) / count) - timedelta(hours=1)
        link = add_link(f"Class {count}-{start}", f"{stub}/items/{count}-{start}", at)
        add_finished(link, in_a_link, at, due=False)
    with db.engine.connect() as connection:
        connection.exec_driver_sql("ANALYZE")
        connection.commit()
    db.session.remove()
    db.engine.dispose()  # SQLite reads the new statistics when a connection is opened


def _time_pages(services: Services, owner: FlaskClient) -> dict[str, tuple[float, int]]:
    found = {}
    for name, path in _pages(services).items():
        took, status = [], 0
        for _ in range(ROUNDS):
            began = time.perf_counter()
            status = owner.get(path).status_code
            took.append((time.perf_counter() - began) * 1000)
        found[name] = (statistics.median(took), status)
    return found


def _pages(services: Services) -> dict[str, str]:
    """Return the address of every page of a signed-in owner, and of one activity."""
    numbers = {}
    for name, column in NAMES.items():
        newest = select(column).order_by(column.desc()).limit(1)
        numbers[name] = str(db.session.scalar(newest))
    found = {path: path for path in SEARCHES}
    for one in current_app.url_map.iter_rules():
        view = current_app.view_functions[one.endpoint]
        rule = getattr(view, RULE, None)
        wanted = rule in (Rule.SIGNED_IN, Rule.OWNER) and one.endpoint not in UNASKED
        if "GET" in (one.methods or ()) and wanted:
            if one.arguments <= numbers.keys():
                path = one.rule
                for name in one.arguments:
                    path = path.replace(f"<int:{name}>", numbers[name])
                found[one.rule] = path
    link = db.session.scalars(select(ResourceLink).order_by(ResourceLink.id.desc())).first()
    assert link is not None
    actor = Actor(Role.OWNER, "bench", 0, Scope())
    token = sign_link_page(services, actor, link)
    found["an activity"] = f"/console/link?page={token}"
    db.session.rollback()
    return found
