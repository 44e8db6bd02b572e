"""A learner's visits to a course, as far as the player's messages go, and packages to visit."""

import io
import zipfile
from typing import Any
from xml.sax.saxutils import escape

from lti_sandbox.practice_scorm_cloud.imports import Wanted, import_now
from tests.lti_sandbox.scorm_cloud.practice import Practice

STATUS, RAW, EXIT = "cmi.core.lesson_status", "cmi.core.score.raw", "cmi.core.exit"
DONE, SUCCESS, SCALED = "cmi.completion_status", "cmi.success_status", "cmi.score.scaled"
NAMESPACES = {
    "1.2": 'xmlns:adlcp="http://www.adlnet.org/xsd/adlcp_rootv1p2"',
    "2004 3rd Edition": 'xmlns="http://www.imsglobal.org/xsd/imscp_v1p1"'
    ' xmlns:adlcp="http://www.adlnet.org/xsd/adlcp_v1p3"'
    ' xmlns:imsss="http://www.imsglobal.org/xsd/imsss"',
}
OLD, NEW = NAMESPACES
FLOW = '<imsss:sequencing><imsss:controlMode choice="true" flow="true"/></imsss:sequencing>'


def item(name: str, inside: str = "", resource: str = "sco") -> str:
    """Return an item with a page; `inside` is what the manifest says of it."""
    reference = f' identifierref="{resource}"' if resource else ""
    return f'<item identifier="{name}"{reference}><title>{escape(name)}</title>{inside}</item>'


def package(standard: str, *items: str, organization: str = "", more: str = "") -> bytes:
    """Return a zip of items that share a page, as SCO (`sco`) or as asset (`asset`)."""
    scormtype = "scormtype" if standard == OLD else "scormType"
    manifest = f"""<manifest identifier="m" {NAMESPACES[standard]}
      xmlns:adlseq="http://www.adlnet.org/xsd/adlseq_v1p3">
      <metadata><schemaversion>{standard}</schemaversion></metadata>
      <organizations default="o"><organization identifier="o"><title>Course</title>
      {"".join(items)}{organization}</organization></organizations>
      <resources>
      <resource identifier="sco" type="webcontent" adlcp:{scormtype}="sco" href="page.html"/>
      <resource identifier="asset" type="webcontent" adlcp:{scormtype}="asset" href="page.html"/>
      </resources>{more}</manifest>"""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("imsmanifest.xml", manifest)
        archive.writestr("page.html", "<p>Page</p>")
    return packed.getvalue()


def add_registration(practice: Practice, body: bytes, registration_id: str = "seat-1") -> str:
    """Import a package, and register Alice for it."""
    outcome = import_now(practice.cloud, Wanted("course"), body)
    assert outcome["status"] == "COMPLETE", outcome
    return practice.register(registration_id, "course")


class Visit:
    """One session of the player, opened by a launch link."""

    def __init__(self, practice: Practice, registration_id: str = "seat-1") -> None:
        opened = practice.session.get(practice.launch_link(registration_id), timeout=20)
        assert opened.status_code == 200, opened.text
        self.practice, self.address = practice, opened.url
        self.registration_id, self.sequence, self.run = registration_id, 0, 0
        self.page = opened.text

    @property
    def start(self) -> dict[str, Any]:
        """What the player of this session would start from now."""
        from lti_sandbox.player import sessions

        session = sessions.find_session(self.practice.cloud, self.address.rpartition("/")[2])
        assert session is not None
        return sessions.start_values(self.practice.cloud, session)

    def send(self, cmi: dict[str, str] | None = None, **message: Any) -> dict[str, Any]:
        """Send what a SCO has set; returns the player's answer."""
        self.sequence += 1
        body = {"sequence": self.sequence, "cmi": cmi or {}, "seconds": 10, "run": self.run}
        answer = self.practice.session.post(
            f"{self.address}/commit", json={**body, **message}, timeout=20
        )
        assert answer.status_code == 200, answer.text
        told: dict[str, Any] = answer.json()
        return told

    def go(self, request: str, cmi: dict[str, str] | None = None) -> dict[str, Any]:
        """End the run-time of this page, and go to another; returns what that starts from."""
        view: dict[str, Any] = self.send(cmi, finished=True, navigation=request)["view"]
        self.run += 1
        return view

    def choose(self, page: str, cmi: dict[str, str] | None = None) -> dict[str, Any]:
        """Choose a page from the menu."""
        return self.go("{target=" + page + "}choice", cmi)

    def leave(self, cmi: dict[str, str] | None = None, **message: Any) -> dict[str, Any]:
        """End the run-time and leave by the exit button; returns where the registration is."""
        self.send(cmi, **{"finished": True, "exit": "exited", **message})
        return self.told()

    def told(self) -> dict[str, Any]:
        """What the practice SCORM Cloud knows of the registration."""
        return self.practice.everything(self.registration_id)


def result(told: dict[str, Any]) -> tuple[str, str, float | None]:
    """Return completion, success and score."""
    return told["completion"], told["success"], told["scaled"]
