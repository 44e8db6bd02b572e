"""Put the pieces together: one Flask app from Settings; nothing else does."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from flask import Flask
from sqlalchemy import Engine
from werkzeug.exceptions import HTTPException
from werkzeug.middleware.proxy_fix import ProxyFix

from .audit import models as audit_models
from .console import models as console_models
from .console.accounts import views as account_views
from .console.audit import views as audit_views
from .console.checks import views as check_views
from .console.courses import views as course_views
from .console.guide import views as guide_views
from .console.keys import views as key_views
from .console.learners import reset_views
from .console.learners import views as privacy_views
from .console.overview import views as dashboard_views
from .console.people import views as people_views
from .console.platforms import views as console_platform_views
from .console.sign_in import views as sign_in_views
from .core.clock import DatabaseClock
from .core.config import Settings
from .core.db import connect_arguments, db, is_sqlite, prepare_engine, sqlalchemy_url
from .core.events import Events
from .core.http.session import Outbound
from .core.paths import PACKAGE, shipped
from .core.signing import Signer
from .deep_linking import package_views, picker_views
from .instructor import activity_views as console_link_views
from .instructor import views as console_views
from .launches import login_views
from .launches import views as launch_views
from .lti import models as lti_models
from .lti.gradebook import Gradebook
from .lti.keysets import KeySets
from .lti.library import check_library
from .lti.memberships import Memberships
from .lti.tokens import AccessTokens
from .ops import views as ops_views
from .ops.logs import log_events, name_requests
from .ops.metrics import count_events
from .passback import models as passback_models
from .passback import tasks as passback_tasks
from .passback import views as passback_views
from .people import models as people_models
from .platforms import keys
from .platforms import models as platform_models
from .platforms import views as platform_views
from .platforms.accounts import clients
from .privacy import models as privacy_models
from .queue.engine import build_queue
from .registrations import models as registration_models
from .scorm_cloud.concurrency import Places
from .services import EXTENSION, Services
from .web.pages import forbid_guessing
from .web.refusals import answer_http_error

# A models module that nobody imports leaves its tables out of the schema without a word.
ROW_MODULES = (
    audit_models,
    people_models,
    platform_models,
    lti_models,
    registration_models,
    passback_models,
    console_models,
    privacy_models,
)
MODULES_WITH_VIEWS = (
    privacy_views,
    reset_views,
    console_views,
    console_link_views,
    sign_in_views,
    dashboard_views,
    people_views,
    audit_views,
    console_platform_views,
    account_views,
    course_views,
    key_views,
    guide_views,
    check_views,
    login_views,
    launch_views,
    platform_views,
    package_views,
    picker_views,
    passback_views,
    ops_views,
)
MAX_FORM_BYTES = 1024 * 1024


def create_app(
    settings: Settings,
    *,
    now: Callable[[], datetime] | None = None,
    waiting_threads: int | None = None,
    spare_threads: int = 0,
) -> Flask:
    """Return the bridge as a WSGI app.

    `now` replaces the database's time in tests; at most `waiting_threads` of the process wait
    for SCORM Cloud at once, None: any number; `spare_threads` do other things.
    """
    check_library()
    app = Flask(
        "lti_bridge",
        template_folder=str(shipped("templates")),
        static_folder=str(PACKAGE / "static"),
    )
    # An address is right or wrong: a redirect to a better one would repeat whatever Host it got.
    app.url_map.merge_slashes = False
    app.config.update(
        SECRET_KEY=settings.secret_key,
        SQLALCHEMY_DATABASE_URI=sqlalchemy_url(settings.database_url),
        SQLALCHEMY_ENGINE_OPTIONS=_engine_options(settings),
        MAX_CONTENT_LENGTH=MAX_FORM_BYTES,
        **_session_cookie(settings),
    )
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    db.init_app(app)
    with app.app_context():
        engine = db.engine
    prepare_engine(engine)
    places = Places(waiting_threads, spare=spare_threads)
    services = _build_services(settings, engine, now, places)
    app.extensions[EXTENSION] = services
    name_requests(app)
    count_events(app, services)
    log_events(services.events)
    passback_tasks.register(app, services)
    for module in MODULES_WITH_VIEWS:
        app.register_blueprint(module.blueprint)
    app.register_error_handler(HTTPException, answer_http_error)
    app.after_request(forbid_guessing)
    if settings.launch.trusted_proxies:
        hops = settings.launch.trusted_proxies
        # Flask means this attribute to be replaced on the instance.
        vars(app)["wsgi_app"] = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops)
    return app


def _session_cookie(settings: Settings) -> dict[str, Any]:
    """Return how Flask keeps the console's session cookie, and the token of its forms in it."""
    return {
        "SECRET_KEY_FALLBACKS": list(settings.secret_keys_previous),
        "SESSION_COOKIE_NAME": "lti_bridge_console",
        "SESSION_COOKIE_PATH": "/console",
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "SESSION_COOKIE_SECURE": settings.public_url.startswith("https://"),
        "WTF_CSRF_TIME_LIMIT": None,  # as long as the session
    }


def _engine_options(settings: Settings) -> dict[str, Any]:
    # An error of the database would else show the values of its statement: names, addresses.
    common = {
        "hide_parameters": True,
        "connect_args": connect_arguments(settings.database_url),
    }
    if is_sqlite(settings.database_url):
        # Never short of connections: whoever has the turn to write may need a second one, for the
        # time, and all others would be with threads that wait for the turn.
        return common | {"pool_size": 20, "max_overflow": -1}
    return common | {"pool_pre_ping": True, "pool_size": 10, "max_overflow": 20, "pool_timeout": 5}


def _build_services(
    settings: Settings, engine: Engine, now: Callable[[], datetime] | None, places: Places
) -> Services:
    time = now or DatabaseClock(lambda: engine)
    outbound = Outbound(allow_private_networks=settings.launch.allow_private_networks)
    signer = Signer(settings.secret_key, settings.secret_keys_previous)
    tokens = AccessTokens(outbound, time, lambda: keys.signing_key(signer, now=time()))
    return Services(
        settings=settings,
        now=time,
        outbound=outbound,
        signer=signer,
        queue=build_queue(settings.queue_url),
        keysets=KeySets(outbound, time, cache_seconds=settings.launch.jwks_cache_seconds),
        tokens=tokens,
        gradebook=Gradebook(outbound, tokens),
        memberships=Memberships(outbound, tokens),
        scorm_cloud=clients(outbound, signer, settings, places),
        places=places,
        events=Events(),
    )
