"""Completion, success and a score of 0 to 100 from a SCO's run-time data."""

import math
import re
from dataclasses import dataclass
from typing import Any

STATUS_12 = {
    "passed": ("COMPLETED", "PASSED"),
    "failed": ("COMPLETED", "FAILED"),
    "completed": ("COMPLETED", "UNKNOWN"),
}
COMPLETION_2004 = {
    "completed": "COMPLETED",
    "incomplete": "INCOMPLETE",
    "not attempted": "INCOMPLETE",
}
SUCCESS_2004 = {"passed": "PASSED", "failed": "FAILED"}
TIME_12 = re.compile(r"(\d{2,4}):(\d{2}):(\d{2}(?:\.\d{1,2})?)")
TIME_2004 = re.compile(
    r"P(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)D)?"
    r"(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d{1,2})?)S)?)?"
)
UNITS_2004 = (365.25 * 86400, 30.4375 * 86400, 86400, 3600, 60, 1)


@dataclass(frozen=True)
class Rollup:
    """Progress of one activity; `scaled` is 0 to 100, None without score."""

    completion: str
    success: str
    scaled: float | None


def roll_up(standard: str, sco: dict[str, Any], cmi: dict[str, str], *, ended: bool) -> Rollup:
    """Return the progress that a SCO's run-time data stand for.

    `standard` is a courseLearningStandard, `cmi` maps element names to the text that the SCO has
    set, and `ended` tells that the attempt has ended: then the standards let the LMS fill in a
    status that the SCO has not set. A status that the SCO has set is never overridden.
    """
    if standard == "SCORM12":
        return _roll_up_12(sco, cmi, ended)
    return _roll_up_2004(sco, cmi, ended)


def lesson_status(sco: dict[str, Any], cmi: dict[str, str], *, ended: bool) -> str:
    """Return the SCORM 1.2 status that the next visit reads.

    RTE 1.2, 3.4.4: a status that was not set becomes completed at LMSFinish, or when the learner
    leaves; then a mastery score makes it passed or failed.
    """
    own = cmi.get("cmi.core.lesson_status")
    if own or not ended:
        return own or "not attempted"
    return _by_mastery(sco, cmi) or "completed"


def write_outcome(
    standard: str, completion: str, success: str, scaled: float | None
) -> dict[str, str]:
    """Return the elements by which a SCO would have reported an outcome: `roll_up` backwards."""
    score = {} if scaled is None else {"raw": f"{scaled:g}", "min": "0", "max": "100"}
    if standard == "SCORM12":
        by_success = {"PASSED": "passed", "FAILED": "failed"}
        status = "completed" if completion == "COMPLETED" else "incomplete"
        status = by_success.get(success, status)
        return {
            "cmi.core.lesson_status": status,
            **{f"cmi.core.score.{key}": value for key, value in score.items()},
        }
    if scaled is not None:
        score["scaled"] = f"{scaled / 100:g}"
    return {
        "cmi.completion_status": completion.lower(),
        "cmi.success_status": success.lower(),
        **{f"cmi.score.{key}": value for key, value in score.items()},
    }


def parse_seconds(text: str | None) -> float | None:
    """Read a time span, `0000:01:30.5` or `PT1M30.5S`, as seconds; None when it is neither."""
    if not text:
        return None
    old = TIME_12.fullmatch(text)
    if old:
        hours, minutes, seconds = old.groups()
        return int(hours) * 3600 + int(minutes) * 60 + float(seconds)
    new = TIME_2004.fullmatch(text)
    if new and any(new.groups()):
        return sum(
            float(part or 0) * unit for part, unit in zip(new.groups(), UNITS_2004, strict=True)
        )
    return None


def write_seconds(standard: str, seconds: float) -> str:
    """Write seconds as the run-time of a standard spells a time span."""
    hundredths = round(seconds * 100)
    whole, fraction = divmod(hundredths, 100)
    hours, minutes = whole // 3600, whole // 60 % 60
    tail = f".{fraction:02d}" if fraction else ""
    if standard == "SCORM12":
        return f"{min(hours, 9999):04d}:{minutes:02d}:{whole % 60:02d}{tail}"
    return f"PT{hours}H{minutes}M{whole % 60}{tail}S"


def read_number(text: str | None) -> float | None:
    """Read a decimal number; None when it is none."""
    try:
        value = float(text or "")
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _by_mastery(sco: dict[str, Any], cmi: dict[str, str]) -> str | None:
    mastery, raw = sco.get("mastery_score"), read_number(cmi.get("cmi.core.score.raw"))
    if mastery is None or raw is None:
        return None
    return "passed" if raw >= mastery else "failed"


def _roll_up_12(sco: dict[str, Any], cmi: dict[str, str], ended: bool) -> Rollup:
    status = lesson_status(sco, cmi, ended=ended)
    if status == "completed" and ended:
        # The SCO's own status stays; the mastery score only decides what it left open.
        status = _by_mastery(sco, cmi) or status
    completion, success = STATUS_12.get(status, ("INCOMPLETE", "UNKNOWN"))
    return Rollup(completion, success, _percent(cmi, "cmi.core.score.", lenient=True))


def _roll_up_2004(sco: dict[str, Any], cmi: dict[str, str], ended: bool) -> Rollup:
    completion = COMPLETION_2004.get(cmi.get("cmi.completion_status", ""), "UNKNOWN")
    threshold, measure = (
        sco.get("completion_threshold"),
        read_number(cmi.get("cmi.progress_measure")),
    )
    if threshold is not None and measure is not None:
        completion = "COMPLETED" if measure >= threshold else "INCOMPLETE"
    success = SUCCESS_2004.get(cmi.get("cmi.success_status", ""), "UNKNOWN")
    passing, scaled = sco.get("scaled_passing_score"), read_number(cmi.get("cmi.score.scaled"))
    if passing is not None:
        # RTE 4.2.22: the manifest's passing score overrides what the SCO says.
        success = "UNKNOWN"
        if scaled is not None:
            success = "PASSED" if scaled >= passing else "FAILED"
    elif ended and not sco.get("objective_set_by_content"):
        # SN UP.4: content that does not set its own status counts as completed and satisfied.
        success = "PASSED" if success == "UNKNOWN" else success
    if ended and not sco.get("completion_set_by_content"):
        completion = "COMPLETED" if completion == "UNKNOWN" else completion
    if scaled is None:
        return Rollup(completion, success, _percent(cmi, "cmi.score.", lenient=False))
    return Rollup(completion, success, round(scaled * 100, 7))


def _percent(cmi: dict[str, str], prefix: str, *, lenient: bool) -> float | None:
    raw = read_number(cmi.get(prefix + "raw"))
    least, most = read_number(cmi.get(prefix + "min")), read_number(cmi.get(prefix + "max"))
    if raw is None:
        return None
    if least is None and lenient:
        least = 0.0
    if most is None and lenient:
        most = 100.0
    if least is None or most is None or most <= least:
        return None
    return round(min(max((raw - least) / (most - least), 0.0), 1.0) * 100, 7)
