"""Adds the signed-in console to the app."""

from flask import Flask

from .accounts import views as accounts
from .alerts import views as alerts
from .audit import views as audit
from .checks import views as checks
from .courses import views as courses
from .guide import views as guide
from .keys import views as keys
from .learners import reset_views
from .learners import views as learners
from .overview import views as overview
from .people import views as people
from .platforms import views as platforms
from .problems import views as problems
from .sign_in import views as sign_in

PAGES = (
    accounts,
    alerts,
    audit,
    checks,
    courses,
    guide,
    keys,
    learners,
    overview,
    people,
    platforms,
    problems,
    sign_in,
    reset_views,
)


def register(app: Flask) -> None:
    """Register the console's views."""
    for page in PAGES:
        app.register_blueprint(page.blueprint)
