"""Create the Flask app from Settings and wire all packages together."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from flask import Flask
from sqlalchemy import Engine
from werkzeug.middleware.proxy_fix import ProxyFix

from .audit import wiring as audit
from .console import wiring as console
from .core.clock import DatabaseClock
from .core.config import Settings
from .core.db import connect_arguments, db, is_sqlite, prepare_engine, sqlalchemy_url
from .core.events import Events
from .core.http.session import Outbound
from .core.paths import PACKAGE, shipped
from .core.signing import Signer
from .deep_linking import wiring as deep_linking
from .instructor import wiring as instructor
from .launches import wiring as launches
from .lti.gradebook import Gradebook
from .lti.keysets import KeySets
from .lti.library import check_library
from .lti.memberships import Memberships
from .lti.tokens import AccessTokens
from .ops import wiring as ops
from .passback import wiring as passback
from .platforms import keys
from .platforms import wiring as platforms
from .platforms.accounts import clients
from .problems import wiring as problems
from .queue.engine import build_queue
from .scorm_cloud.concurrency import CallSlots
from .services import EXTENSION, Services
from .web import wiring as web

# `ops` comes first: it gives requests correlation ids, and counts and logs all events.
CHAPTERS = (
    *(ops, problems, audit, web, platforms, launches),
    *(deep_linking, passback, instructor, console),
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

    `now` replaces the database's time in tests. At most `waiting_threads` of the process wait for
    SCORM Cloud at once (None: no limit); `spare_threads` never do.
    """
    check_library()
    app = Flask(
        "lti_bridge",
        template_folder=str(shipped("templates")),
        static_folder=str(PACKAGE / "static"),
    )
    # No redirects to canonical paths: they would repeat the request's Host header.
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
    slots = CallSlots(waiting_threads, spare=spare_threads)
    services = _build_services(settings, engine, now, slots)
    app.extensions[EXTENSION] = services
    for chapter in CHAPTERS:
        chapter.register(app)
    if settings.launch.trusted_proxies:
        _trust_proxies(app, settings.launch.trusted_proxies)
    return app


def _trust_proxies(app: Flask, hops: int) -> None:
    # Flask documents this attribute as replaceable.
    vars(app)["wsgi_app"] = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops)


def _session_cookie(settings: Settings) -> dict[str, Any]:
    """Return Flask's options for the console's session cookie and CSRF tokens."""
    return {
        "SECRET_KEY_FALLBACKS": list(settings.secret_keys_previous),
        "SESSION_COOKIE_NAME": "lti_bridge_console",
        "SESSION_COOKIE_PATH": "/console",
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "SESSION_COOKIE_SECURE": settings.public_url.startswith("https://"),
        "WTF_CSRF_TIME_LIMIT": None,  # valid as long as the session
    }


def _engine_options(settings: Settings) -> dict[str, Any]:
    # Otherwise database errors would show statement values, such as names and addresses.
    common = {
        "hide_parameters": True,
        "connect_args": connect_arguments(settings.database_url),
    }
    if is_sqlite(settings.database_url):
        # Unbounded: a writer holding the lock may open a second connection to read the clock; a
        # bounded pool would deadlock when waiting writers hold all others.
        return common | {"pool_size": 20, "max_overflow": -1}
    return common | {"pool_pre_ping": True, "pool_size": 10, "max_overflow": 20, "pool_timeout": 5}


def _build_services(
    settings: Settings, engine: Engine, now: Callable[[], datetime] | None, slots: CallSlots
) -> Services:
    time = now or DatabaseClock(lambda: engine)
    outbound = Outbound(allow_private_networks=settings.launch.allow_private_networks)
    signer = Signer(settings.secret_key, settings.secret_keys_previous)
    events = Events()
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
        scorm_cloud=clients(outbound, signer, settings, slots, events),
        call_slots=slots,
        events=events,
    )
