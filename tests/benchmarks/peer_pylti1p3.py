"""The peer: PyLTI1p3's own Flask integration, as its documentation shows it, and nothing more.

In-memory cache, key set caching on, no database, no SCORM Cloud. Served by gunicorn:

    gunicorn 'tests.benchmarks.peer_pylti1p3:create_peer("http://127.0.0.1:9000")'
"""

import threading
from typing import Any

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from flask import Flask
from pylti1p3.contrib.flask import (
    FlaskCacheDataStorage,
    FlaskMessageLaunch,
    FlaskOIDCLogin,
    FlaskRequest,
)
from pylti1p3.tool_config import ToolConfDict


class MemoryCache:
    """The smallest cache that PyLTI1p3's storage accepts."""

    def __init__(self) -> None:
        self._values: dict[str, Any] = {}
        self._lock = threading.Lock()

    def get(self, key: str) -> Any:
        return self._values.get(key)

    def set(self, key: str, value: Any, exp: int | None = None) -> None:
        with self._lock:
            self._values[key] = value


def create_peer(stub_url: str) -> Flask:
    """Return a tool that verifies launches of the stub platform."""
    app = Flask("peer")
    app.secret_key = "peer"
    conf = ToolConfDict(
        {
            "https://platform.bench": {
                "client_id": "bench",
                "auth_login_url": f"{stub_url}/auth",
                "auth_token_url": f"{stub_url}/token",
                "key_set_url": f"{stub_url}/jwks",
                "deployment_ids": ["1"],
            }
        }
    )
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    conf.set_private_key("https://platform.bench", pem)
    storage = FlaskCacheDataStorage(MemoryCache())

    @app.route("/lti/login", methods=["GET", "POST"])
    def login() -> Any:
        flow = FlaskOIDCLogin(FlaskRequest(), conf, launch_data_storage=storage)
        return flow.redirect(FlaskRequest().get_param("target_link_uri"))

    @app.post("/lti/launch")
    def launch() -> Any:
        message = FlaskMessageLaunch(FlaskRequest(), conf, launch_data_storage=storage)
        message.set_public_key_caching(storage, cache_lifetime=7200)
        return {"sub": message.get_launch_data()["sub"]}

    return app
