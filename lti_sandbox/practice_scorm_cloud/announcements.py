"""Which listener is told that a registration changed, and when."""

from lti_sandbox.practice_scorm_cloud import settings
from lti_sandbox.practice_scorm_cloud.cloud import Cloud
from lti_sandbox.practice_scorm_cloud.results import FORMATS, Document, registration_json


def postback_target(cloud: Cloud, facts: Document) -> Document | None:
    """Return where and how changes are announced: the registration's own, else its settings."""
    own = facts.get("postBack") or {}
    if own.get("url"):
        return {**own, "authType": _auth_type(own), "resultsFormat": _results_format(own)}
    scopes = [
        settings.APPLICATION,
        settings.course_scope(facts["course_id"]),
        settings.registration_scope(facts["id"]),
    ]
    values = settings.effective(cloud, scopes)
    prefix = "ApiRollupRegistration"
    target = {
        "url": values[prefix + "PostBackUrl"][0],
        "authType": values[prefix + "AuthType"][0],
        "userName": values[prefix + "AuthUser"][0],
        "password": values[prefix + "AuthPassword"][0],
        "resultsFormat": values[prefix + "Format"][0],
    }
    if not target["url"]:
        return None
    return {**target, "authType": _auth_type(target), "resultsFormat": _results_format(target)}


def announce_change(cloud: Cloud, facts: Document, result: Document, lag: float) -> None:
    """Queue the postback of a change that reads will see `lag` seconds from now, if one is due."""
    target = postback_target(cloud, facts)
    if target is None:
        return
    body = registration_json(facts, result, FORMATS[target["resultsFormat"]])
    early = cloud.control.faults.postback_early
    cloud.postbacks.queue(target, body, 0 if early else lag)


def _auth_type(target: Document) -> str:
    return "HTTPBASIC" if str(target.get("authType")).upper() == "HTTPBASIC" else "FORM"


def _results_format(target: Document) -> str:
    wanted = str(target.get("resultsFormat")).upper()
    return wanted if wanted in FORMATS else "COURSE"
