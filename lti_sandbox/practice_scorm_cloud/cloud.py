"""One practice SCORM Cloud: the state shared by its views and background threads."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from flask import Flask, current_app

from lti_sandbox.control import Control
from lti_sandbox.practice_scorm_cloud.content import Content
from lti_sandbox.practice_scorm_cloud.postbacks import Postbacks
from lti_sandbox.practice_scorm_cloud.store import Store
from lti_sandbox.practice_scorm_cloud.times import now

EXTENSION = "practice_scorm_cloud"


@dataclass(frozen=True)
class Cloud:
    """The store, the content files, the control and the settings of one practice SCORM Cloud."""

    store: Store
    content: Content
    control: Control
    postbacks: Postbacks
    app_id: str
    secret_key: str
    page_size: int
    import_seconds: float
    allow_delete: bool
    now: Callable[[], datetime] = now
    listed: dict[str, str] = field(default_factory=dict)  # what a stale list still shows
    imports: list[threading.Thread] = field(default_factory=list)

    def stop(self) -> None:
        """Stop the background threads, then close the store."""
        self.postbacks.stop()
        for worker in self.imports:
            worker.join(timeout=2)
        self.store.close()
        self.content.close()


def install(app: Flask, cloud: Cloud) -> None:
    """Attach a cloud to an app."""
    app.extensions[EXTENSION] = cloud


def current_cloud() -> Cloud:
    """Return the cloud of the app that answers this request."""
    cloud: Cloud = current_app.extensions[EXTENSION]
    return cloud
