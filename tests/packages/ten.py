"""Packages of every kind that authoring tools make, each as small as it can be.

Their pages report by themselves when they are opened, so a player needs to go through the
activities only; `right` is what a standard-conforming player then says.
"""

import io
import wave
from collections.abc import Callable
from dataclasses import dataclass

from tests.packages.build import AT_ONCE, Item, Standard, manifest, page, zipped

COMPLETED_12 = {"cmi.core.lesson_status": "completed"}
COMPLETED_2004 = {"cmi.completion_status": "completed"}


@dataclass(frozen=True)
class Right:
    """The result of a package that was played to its end."""

    completion: str
    success: str
    score: float | None


@dataclass(frozen=True)
class Made:
    """How a package is built, and its right result; `several` SCOs need a menu."""

    build: Callable[[], bytes]
    right: Right
    several: bool = False


def _scored(standard: Standard, score: int, success: str) -> dict[str, str]:
    if standard == "1.2":
        return {"cmi.core.score.raw": str(score), "cmi.core.lesson_status": success}
    return {
        "cmi.score.scaled": str(score / 100),
        "cmi.success_status": success,
        "cmi.completion_status": "completed",
    }


def _measured(weight: int, *, minimum: str = "", maps: str = "", rules: str = "") -> str:
    """Return the sequencing of an item: its weight, passing score, maps and rules."""
    measure = f"<imsss:minNormalizedMeasure>{minimum}</imsss:minNormalizedMeasure>"
    satisfied = ' satisfiedByMeasure="true"' if minimum else ""
    # What has no weight has no say in whether the course is passed either.
    counts = "true" if weight else "false"
    return (
        f'<imsss:sequencing>{rules}<imsss:rollupRules objectiveMeasureWeight="{weight}"'
        f' rollupObjectiveSatisfied="{counts}"/>'
        f'<imsss:objectives><imsss:primaryObjective objectiveID="main"{satisfied}>'
        f"{measure if minimum else ''}{maps}</imsss:primaryObjective></imsss:objectives>"
        f'<imsss:deliveryControls completionSetByContent="true" objectiveSetByContent="true"/>'
        "</imsss:sequencing>"
    )


FLOW = '<imsss:sequencing><imsss:controlMode choice="true" flow="true"/></imsss:sequencing>'


def _several(standard: Standard) -> bytes:
    done = COMPLETED_12 if standard == "1.2" else COMPLETED_2004
    inside = ("", "") if standard == "1.2" else (_measured(0), _measured(1, minimum="0.7"))
    items = (
        Item("Tees", "tees.html", inside=inside[0]),
        Item("Greens", "greens.html", inside=inside[0]),
        Item("Quiz", "quiz.html", inside=inside[1]),
    )
    sequencing = "" if standard == "1.2" else FLOW
    return zipped(
        {
            "imsmanifest.xml": manifest(standard, "Golf in three", items, sequencing=sequencing),
            "tees.html": page(standard, "Tees", done),
            "greens.html": page(standard, "Greens", done),
            "quiz.html": page(standard, "Quiz", _scored(standard, 80, "passed")),
        }
    )


def _asset_first() -> bytes:
    items = (Item("Welcome", "welcome.html", kind="asset"), Item("Quiz", "quiz.html"))
    return zipped(
        {
            "imsmanifest.xml": manifest("1.2", "Asset first", items),
            "welcome.html": "<!doctype html><title>Welcome</title><h1>Welcome</h1>",
            "quiz.html": page("1.2", "Quiz", _scored("1.2", 75, "passed")),
        }
    )


def _mapped(direction: str) -> str:
    return (
        f'<imsss:mapInfo targetObjectiveID="shared" {direction}SatisfiedStatus="true"'
        f' {direction}NormalizedMeasure="true"/>'
    )


def _objectives() -> bytes:
    items = (
        Item("Quiz", "quiz.html", inside=_measured(1, maps=_mapped("write"))),
        Item("Result", "result.html", inside=_measured(1, maps=_mapped("read"))),
    )
    return zipped(
        {
            "imsmanifest.xml": manifest("2004", "Shared objective", items, sequencing=FLOW),
            "quiz.html": page("2004", "Quiz", _scored("2004", 60, "passed")),
            "result.html": page("2004", "Result", COMPLETED_2004),
        }
    )


def _pre_conditions() -> bytes:
    rule = (
        "<imsss:sequencingRules><imsss:preConditionRule><imsss:ruleConditions>"
        '<imsss:ruleCondition referencedObjective="before" operator="not" condition="satisfied"/>'
        '</imsss:ruleConditions><imsss:ruleAction action="disabled"/>'
        "</imsss:preConditionRule></imsss:sequencingRules>"
    )
    first = _measured(0, maps=_mapped("write"))
    last = _measured(1, rules=rule).replace(
        "</imsss:objectives>",
        f'<imsss:objective objectiveID="before">{_mapped("read")}</imsss:objective>'
        "</imsss:objectives>",
    )
    items = (Item("Rules", "rules.html", inside=first), Item("Quiz", "quiz.html", inside=last))
    satisfied = {**COMPLETED_2004, "cmi.success_status": "passed"}
    return zipped(
        {
            "imsmanifest.xml": manifest("2004", "Rules first", items, sequencing=FLOW),
            "rules.html": page("2004", "Rules", satisfied),
            "quiz.html": page("2004", "Quiz", _scored("2004", 90, "passed")),
        }
    )


def _single(
    standard: Standard, title: str, files: dict[str, bytes | str], inside: str = ""
) -> bytes:
    items = [Item(title, "index.html", inside=inside)]
    return zipped({"imsmanifest.xml": manifest(standard, title, items), **files})


def _latin() -> bytes:
    """The page gets 90 only where the browser reads its letters as they were written."""
    read_rightly = """
    if (document.querySelector("h1").textContent === "G\\u00f6lf") {
      values["cmi.core.score.raw"] = "90";
    }
    """
    values = _scored("1.2", 10, "passed")
    html = page("1.2", "Gölf", values, body=read_rightly + AT_ONCE, charset="iso-8859-1")
    return _single("1.2", "Latin letters", {"index.html": html})


def _tone() -> bytes:
    packed = io.BytesIO()
    with wave.open(packed, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(1)
        file.setframerate(8000)
        file.writeframes(bytes(range(256)) * 320)
    return packed.getvalue()


def _audio() -> bytes:
    """The page gets 88 only where its sound can be moved to a place that was not loaded yet."""
    ask = """
    fetch("tone.wav", { headers: { Range: "bytes=100-199" } }).then(function (answer) {
      return answer.arrayBuffer().then(function (body) {
        var part = answer.status === 206 && body.byteLength === 100;
        var sound = new Audio("tone.wav");
        sound.addEventListener("loadedmetadata", function () { sound.currentTime = 8; });
        sound.addEventListener("seeked", function () {
          if (part && sound.currentTime === 8) { values["cmi.core.score.raw"] = "88"; }
          AT_ONCE
        });
      });
    });
    """.replace("AT_ONCE", AT_ONCE)
    html = page("1.2", "Sound", _scored("1.2", 10, "passed"), body=ask)
    return _single("1.2", "Sound", {"index.html": html, "tone.wav": _tone()})


def _no_status() -> bytes:
    return _single(
        "1.2", "No status", {"index.html": page("1.2", "No status", {"cmi.core.score.raw": "85"})}
    )


def _mastery() -> bytes:
    html = page("1.2", "Mastery", {"cmi.core.score.raw": "60"})
    return _single(
        "1.2",
        "Mastery",
        {"index.html": html},
        "<adlcp:masteryscore>70</adlcp:masteryscore>",
    )


def _popup() -> bytes:
    button = (
        "<!doctype html><title>Popup</title><button type=button"
        " onclick=\"window.open('sco.html', 'sco', 'width=500,height=400')\">Start</button>"
    )
    sco = page("1.2", "In a window", _scored("1.2", 95, "passed"))
    return _single("1.2", "Popup", {"index.html": button, "sco.html": sco})


def _many_files() -> bytes:
    """The page gets 100 only where its last file is there."""
    ask = """
    fetch("parts/2999.txt").then(function (answer) { return answer.text(); }).then(function (text) {
      if (text === "part 2999") { values["cmi.core.score.raw"] = "100"; }
      AT_ONCE
    });
    """.replace("AT_ONCE", AT_ONCE)
    files: dict[str, bytes | str] = {f"parts/{n}.txt": f"part {n}" for n in range(3000)}
    files["index.html"] = page("1.2", "Many", _scored("1.2", 10, "passed"), body=ask)
    return _single("1.2", "Many files", files)


MADE = {
    "multi-sco-1.2": Made(lambda: _several("1.2"), Right("COMPLETED", "PASSED", 80), True),
    "multi-sco-2004": Made(lambda: _several("2004"), Right("COMPLETED", "PASSED", 80), True),
    "asset-first": Made(_asset_first, Right("COMPLETED", "PASSED", 75), True),
    "objectives-with-a-global-map": Made(_objectives, Right("COMPLETED", "PASSED", 60), True),
    "pre-conditions": Made(_pre_conditions, Right("COMPLETED", "PASSED", 90), True),
    "iso-8859-1-page": Made(_latin, Right("COMPLETED", "PASSED", 90)),
    "audio-with-range": Made(_audio, Right("COMPLETED", "PASSED", 88)),
    "no-status": Made(_no_status, Right("COMPLETED", "UNKNOWN", 85)),
    "mastery": Made(_mastery, Right("COMPLETED", "FAILED", 60)),
    "popup-sco": Made(_popup, Right("COMPLETED", "PASSED", 95)),
    "3000-files": Made(_many_files, Right("COMPLETED", "PASSED", 100)),
}
