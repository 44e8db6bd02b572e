"""A bridge and a practice LMS on two registrable domains over https, all of it on loopback."""

import datetime
import ssl
import threading
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509.oid import NameOID
from flask import Flask
from sqlalchemy import select
from werkzeug.serving import make_server

from lti_bridge.core.config import Settings
from lti_bridge.core.db import db
from lti_bridge.platforms.accounts import get_account, save_account
from lti_bridge.platforms.connection_values import PlatformFacts
from lti_bridge.platforms.keys import ensure_keys
from lti_bridge.platforms.registry import add_platform
from lti_bridge.registrations.models import Launch
from lti_bridge.services import Services
from lti_sandbox.practice_lms import ToolSpec, create_practice_lms
from lti_sandbox.practice_scorm_cloud import create_practice_scorm_cloud
from lti_sandbox.sample_courses import build_sample
from lti_sandbox.server import QuietHandler, RunningServer, serve
from tests.conftest import close_app, open_app
from tests.mini_platform import rsa_key
from tests.ports import free_port
from tests.story.stage import COURSE, wait_for

SCHOOL, BRIDGE = "school.test", "bridge.test"
ACTIVITY = "Fire safety"


class Https:
    """An app behind https on a loopback port, under a name that only the browser knows."""

    def __init__(self, app: Flask, name: str, folder: Path) -> None:
        self.name = name
        self._server = make_server(
            "127.0.0.1",
            0,
            app,
            threaded=True,
            request_handler=QuietHandler,
            ssl_context=_tls(name, folder),
        )
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True
        )
        self._thread.start()

    @property
    def rule(self) -> str:
        """What Chromium's --host-resolver-rules needs."""
        return f"MAP {self.name}:443 127.0.0.1:{self._server.server_port}"

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(timeout=10)


def _tls(name: str, folder: Path) -> ssl.SSLContext:
    key = rsa_key(name)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    file = folder / f"{name}.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    file.write_bytes(private + certificate.public_bytes(serialization.Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    return context


@dataclass
class Sites:
    """Everything that runs; `lms` is the practice LMS's address for its control.

    `plain` is the bridge where the LMS's server, which knows no names of ours, fetches its keys.
    """

    app: Flask
    plain: RunningServer
    lms: RunningServer
    cloud: RunningServer
    fronts: list[Https]
    activity: str

    @property
    def resolver_rules(self) -> str:
        return ", ".join(front.rule for front in self.fronts)

    def control_platform(self, **values: Any) -> None:
        url = f"{self.lms.url}/control/platform"
        assert requests.put(url, json=values, timeout=10).status_code < 300

    def rungs(self) -> list[str]:
        """Return the rung of every launch that went through."""
        with self.app.app_context():
            found = list(db.session.scalars(select(Launch.cookie_rung).order_by(Launch.id)))
            db.session.rollback()
        return found

    def stop(self) -> None:
        for server in (*self.fronts, self.plain, self.lms, self.cloud):
            server.stop()
        close_app(self.app)


def open_sites(settings: Settings, dialect: str, folder: Path) -> Sites:
    """Start all servers and connect them; `settings` name https://bridge.test as public address."""
    cloud = serve(create_practice_scorm_cloud(import_seconds=0))
    url = f"https://{BRIDGE}"
    port = free_port()
    keys = f"http://127.0.0.1:{port}/lti/jwks.json"
    tool = ToolSpec("Bridge", f"{url}/lti/login", [f"{url}/lti/launch"], keys)
    lms_app = create_practice_lms(dialect=dialect, tools=[tool])
    lms = serve(lms_app)
    app = open_app(settings)
    with app.app_context():
        _connect(app.extensions["lti_bridge"], lms, cloud, tool, dialect)
    entry = {"title": ACTIVITY, "custom": {"scorm_course_id": COURSE}}
    answer = requests.put(f"{lms.url}/control/activities", json=[entry], timeout=10)
    (activity,) = (one["id"] for one in answer.json()["activities"])
    fronts = [Https(app, BRIDGE, folder), Https(lms_app, SCHOOL, folder)]
    return Sites(app, serve(app, port=port), lms, cloud, fronts, activity)


def _connect(
    services: Services, lms: RunningServer, cloud: RunningServer, tool: ToolSpec, dialect: str
) -> None:
    """The browser is sent to the LMS's name; the bridge itself asks at its loopback address."""
    now = services.now()
    ensure_keys(services.signer, now=now)
    save_account("default", f"{cloud.url}/api/v2", "practice", "practice", services.signer, now=now)
    platform = requests.get(f"{lms.url}/control/platform", timeout=10).json()
    facts = PlatformFacts(
        name="Practice",
        issuer=f"https://{SCHOOL}",
        client_id=tool.client_id,
        authorization_url=platform["authorization_url"].replace(lms.url, f"https://{SCHOOL}"),
        token_url=platform["token_url"],
        jwks_url=platform["jwks_url"],
        dialect=dialect,
    )
    add_platform(facts, tool.deployment_id, now=now)
    client = services.scorm_cloud(get_account("default"))
    db.session.commit()
    job = client.upload_course(BytesIO(build_sample("scorm12-quiz")), "quiz.zip", COURSE)
    wait_for(lambda: client.get_import_job(job).status == "COMPLETE", "the import of the course")
