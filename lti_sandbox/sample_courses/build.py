"""Build a sample package: a manifest, one page, one script, one style sheet."""

import io
import json
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

from lti_sandbox.sample_courses.texts import DATA_PROTECTION, FIRE_SAFETY, FIRE_SAFETY_STEPS

HERE = Path(__file__).parent / "content"
# The pages before the quiz have no success and no weight: the quiz alone decides.
ITEM = """      <item identifier="item_{number}" identifierref="resource_1"
        parameters="?part={part}">
        <title>{title}</title>
        <imsss:sequencing>
          {rules}
        </imsss:sequencing>
      </item>"""
READING = '<imsss:rollupRules rollupObjectiveSatisfied="false" objectiveMeasureWeight="0"/>'
QUIZ = """<imsss:objectives>
            <imsss:primaryObjective objectiveID="passing" satisfiedByMeasure="true">
              <imsss:minNormalizedMeasure>0.8</imsss:minNormalizedMeasure>
            </imsss:primaryObjective>
          </imsss:objectives>"""
SET_BY_CONTENT = (
    '<imsss:deliveryControls completionSetByContent="true" objectiveSetByContent="true"/>'
)
# A fixed time, so that the zip of a kind is always the same.
ZIP_DATE = (2026, 1, 1, 0, 0, 0)


@dataclass(frozen=True)
class Kind:
    """What one kind of sample teaches and how it reports."""

    standard: str
    course_id: str
    course: dict[str, Any]
    reports: str = "quiz"


KINDS: dict[str, Kind] = {
    "scorm12-quiz": Kind("1.2", "practice-fire-safety", FIRE_SAFETY),
    "scorm2004-quiz": Kind("2004", "practice-data-protection", DATA_PROTECTION),
    "scorm2004-several": Kind("2004", "practice-fire-steps", FIRE_SAFETY_STEPS, "several"),
    "scorm12-no-quiz": Kind("1.2", "practice-reading-only", FIRE_SAFETY, "reading"),
    "scorm12-early-completed": Kind("1.2", "practice-early-completed", FIRE_SAFETY, "early"),
    "scorm2004-success-only": Kind("2004", "practice-success-only", DATA_PROTECTION, "success"),
    "scorm12-score-only": Kind("1.2", "practice-score-only", FIRE_SAFETY, "score"),
}
SUFFIXES = {
    "quiz": "",
    "several": "",
    "reading": " (reading only)",
    "early": " (completed early)",
    "success": " (success only)",
    "score": " (score only)",
}


def course_id(kind: str) -> str:
    """Return the course id under which a kind of sample is imported; KeyError if unknown."""
    return KINDS[kind].course_id


def title(kind: str) -> str:
    """Return the title of a kind of sample; KeyError if unknown."""
    return str(KINDS[kind].course["title"]) + SUFFIXES[KINDS[kind].reports]


def build_sample(kind: str) -> bytes:
    """Return the zip of a kind of sample, always the same bytes; KeyError if unknown."""
    page = (HERE / "index.html").read_text("utf-8").replace("{{title}}", escape(title(kind)))
    files = {
        "imsmanifest.xml": _manifest(kind),
        "index.html": page,
        "course.css": (HERE / "course.css").read_text("utf-8"),
        "course.js": (HERE / "course.js").read_text("utf-8"),
        "reporting.js": (HERE / "reporting.js").read_text("utf-8"),
        "content.js": _content(kind),
    }
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(zipfile.ZipInfo(name, ZIP_DATE), text.encode())
    return packed.getvalue()


def _content(kind: str) -> str:
    settings = KINDS[kind]
    course = {**settings.course, "title": title(kind), "reports": settings.reports}
    course["standard"] = settings.standard
    if "parts" not in course:
        return f"var COURSE = {_json(course)};\n"
    parts = [
        {**part, "standard": "2004", "reports": "quiz" if "questions" in part else "reading"}
        for part in course["parts"]
    ]
    chosen = 'Number(new URLSearchParams(window.location.search).get("part"))'
    return f"var PARTS = {_json(parts)};\nvar COURSE = PARTS[{chosen}];\n"


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, indent=1)


def _manifest(kind: str) -> str:
    settings = KINDS[kind]
    template = "manifest12.xml" if settings.standard == "1.2" else "manifest2004.xml"
    parts = settings.course.get("parts", [])
    if parts:
        template = "manifest-several.xml"
    items = "\n".join(_item(number, part) for number, part in enumerate(parts))
    # A passing score would let the LMS set the status; the other kinds leave it to the course.
    mastery = "<adlcp:masteryscore>80</adlcp:masteryscore>" if settings.reports == "quiz" else ""
    rules = QUIZ if settings.reports == "quiz" else SET_BY_CONTENT
    text = (HERE / template).read_text("utf-8").replace("{{items}}", items)
    text = text.replace("{{rules}}", rules)
    text = text.replace("{{id}}", settings.course_id).replace("{{title}}", escape(title(kind)))
    return text.replace("{{mastery}}", mastery)


def _item(number: int, part: dict[str, Any]) -> str:
    rules = QUIZ if "questions" in part else READING
    return ITEM.format(number=number + 1, part=number, title=escape(part["title"]), rules=rules)
