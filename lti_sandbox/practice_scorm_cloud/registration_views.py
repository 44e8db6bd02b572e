"""The API's registrations: create, read, launch link, instances, reset, tags, configuration."""

from typing import Any

import requests
from flask import Blueprint, Response, jsonify, request

from lti_sandbox.practice_scorm_cloud import links, lists, registrations, settings
from lti_sandbox.practice_scorm_cloud.asking import detail, flag, json_body, tag_list, whole_number
from lti_sandbox.practice_scorm_cloud.cloud import current_cloud
from lti_sandbox.practice_scorm_cloud.errors import ApiError, no_registration
from lti_sandbox.practice_scorm_cloud.manifest import one_page
from lti_sandbox.practice_scorm_cloud.postbacks import send
from lti_sandbox.practice_scorm_cloud.results import (
    FORMATS,
    Document,
    launch_json,
    new_result,
    registration_json,
)
from lti_sandbox.practice_scorm_cloud.times import stamp

views = Blueprint("scorm_cloud_registrations", __name__)
NOTHING = ("", 204)
ONE = "/registrations/<seg:id>"


@views.post("/registrations")
def create() -> Any:
    """Create a registration."""
    registrations.create(current_cloud(), json_body(), whole_number("courseVersion"))
    return NOTHING


@views.get("/registrations")
def list_them() -> Response:
    """List registrations, a page at a time."""
    page = lists.registration_page(current_cloud(), request.args.get("more"))
    answer = jsonify(page.body)
    if page.total is not None:
        answer.headers["X-Total-Count"] = str(page.total)
    return answer


@views.get(ONE)
def show(id: str) -> Response:
    """Show the newest instance; HEAD says whether the registration exists."""
    registration = registrations.get_registration(current_cloud(), id)
    return jsonify(registration_json(registration.facts, registration.seen[-1], detail()))


@views.delete(ONE)
def delete(id: str) -> Any:
    """Delete a registration with all instances."""
    registrations.delete(current_cloud(), id)
    return NOTHING


@views.post(ONE + "/launchLink")
def launch_link(id: str) -> Response:
    """Build a launch link."""
    registration = registrations.get_registration(current_cloud(), id)
    link = links.build(current_cloud(), json_body(), registration.newest["course"], id)
    return jsonify(launchLink=request.url_root + links.PATH.lstrip("/") + link)


@views.delete(ONE + "/progress")
def reset(id: str) -> Any:
    """Wipe progress and launch history."""
    registrations.reset(current_cloud(), id)
    return NOTHING


@views.delete(ONE + "/globalData")
def forget_global_data(id: str) -> Any:
    """Forget global objectives and shared data."""

    def forget(result: Document, _: str) -> None:
        result.update({"globals": {}, "shared": {}})

    registrations.change_result(current_cloud(), id, forget, announce=False)
    return NOTHING


@views.get(ONE + "/instances")
def instances(id: str) -> Response:
    """List all instances of a registration."""
    registration = registrations.get_registration(current_cloud(), id)
    shown = [registration_json(registration.facts, one, detail()) for one in registration.seen]
    return jsonify(registrations=shown)


@views.post(ONE + "/instances")
def add_instance(id: str) -> Any:
    """Begin a new instance."""
    registrations.add_instance(current_cloud(), id)
    return NOTHING


@views.get(ONE + "/instances/<int:instance>")
def show_instance(id: str, instance: int) -> Response:
    """Show one instance."""
    registration = registrations.get_registration(current_cloud(), id)
    return jsonify(
        registration_json(registration.facts, _instance(registration.seen, id, instance), detail())
    )


@views.delete(ONE + "/instances/<int:instance>")
def delete_instance(id: str, instance: int) -> Any:
    """Delete one instance; the last one takes the registration with it."""
    registration = registrations.get_registration(current_cloud(), id)
    gone = _instance(registration.results, id, instance)
    left = [one for one in registration.results if one is not gone]
    if left:
        registrations.replace_results(current_cloud(), id, left)
    else:
        registrations.delete(current_cloud(), id)
    return NOTHING


@views.get(ONE + "/launchHistory")
def launch_history(id: str) -> Response:
    """Show the launches of the newest instance."""
    registration = registrations.get_registration(current_cloud(), id)
    return _history(id, registration.seen[-1])


@views.get(ONE + "/instances/<int:instance>/launchHistory")
def instance_history(id: str, instance: int) -> Response:
    """Show the launches of one instance."""
    registration = registrations.get_registration(current_cloud(), id)
    return _history(id, _instance(registration.seen, id, instance))


@views.get(ONE + "/tags")
def tags(id: str) -> Response:
    """Show the tags of a registration."""
    return jsonify(tags=registrations.get_registration(current_cloud(), id).facts["tags"])


@views.put(ONE + "/tags")
def set_tags(id: str) -> Any:
    """Replace the tags of a registration."""
    wanted = tag_list(json_body())
    registrations.change_facts(current_cloud(), id, lambda facts: facts.update(tags=wanted))
    return NOTHING


@views.delete(ONE + "/tags")
def remove_tags(id: str) -> Any:
    """Remove some tags of a registration."""
    gone = tag_list(json_body())

    def remove(facts: Document) -> None:
        facts["tags"] = [tag for tag in facts["tags"] if tag not in gone]

    registrations.change_facts(current_cloud(), id, remove)
    return NOTHING


@views.put("/registrations/tags")
def set_tags_of_many() -> Any:
    """Replace the tags of several registrations."""
    body = json_body()
    wanted = tag_list(body)
    for id in body.get("ids") or []:
        registrations.change_facts(current_cloud(), id, lambda facts: facts.update(tags=wanted))
    return NOTHING


@views.get(ONE + "/configuration")
@views.get(ONE + "/instances/<int:instance>/configuration")
def configuration(id: str, instance: int = 0) -> Response:
    """Show the settings of a registration."""
    scopes = _scopes(id)
    shown = settings.settings_json(current_cloud(), scopes, metadata=flag("includeMetadata"))
    return jsonify(shown)


@views.post(ONE + "/configuration")
@views.post(ONE + "/instances/<int:instance>/configuration")
def set_configuration(id: str, instance: int = 0) -> Any:
    """Change settings of a registration."""
    settings.set_settings(current_cloud(), _scopes(id)[-1], json_body())
    return NOTHING


@views.delete(ONE + "/configuration/<seg:setting>")
@views.delete(ONE + "/instances/<int:instance>/configuration/<seg:setting>")
def clear_configuration(id: str, setting: str, instance: int = 0) -> Any:
    """Forget one setting of a registration."""
    settings.clear_setting(current_cloud(), _scopes(id)[-1], setting)
    return NOTHING


@views.post("/registrations/postBackTest")
def postback_test() -> Any:
    """Send dummy data to a listener, once and at once."""
    target = json_body()
    url = target.get("url")
    if not isinstance(url, str) or not url.startswith(("http://", "https://")):
        raise ApiError(400, "url is required and is an absolute address")
    target["authType"] = str(target.get("authType") or "FORM").upper()
    format_name = str(target.get("resultsFormat")).upper()
    with requests.Session() as session:
        body = _dummy(FORMATS.get(format_name, FORMATS["COURSE"]))
        if not send(session, target, body, timeout_seconds=10):
            raise ApiError(400, "The listener did not take the test message.")
    return NOTHING


def _dummy(shown: Any) -> Document:
    course = {
        "id": "practice-course",
        "title": "Practice course",
        "version": 0,
        "activities": one_page("practice-course", "Practice course"),
    }
    facts = {
        "id": "practice-test-registration",
        "xapiRegistrationId": "00000000-0000-4000-8000-000000000000",
        "learner": {"id": "practice-learner", "firstName": "Test", "lastName": "Learner"},
    }
    return registration_json(facts, new_result(0, stamp(current_cloud().now()), course), shown)


def _scopes(id: str) -> list[str]:
    facts = registrations.get_registration(current_cloud(), id).facts
    course = settings.course_scope(facts["course_id"])
    return [settings.APPLICATION, course, settings.registration_scope(id)]


def _instance(results: list[Document], id: str, instance: int) -> Document:
    for result in results:
        if result["instance"] == instance:
            return result
    raise no_registration(f"{id}, instance {instance}")


def _history(id: str, result: Document) -> Response:
    log = flag("includeHistoryLog")
    shown = [launch_json(id, result, launch, log) for launch in result["launches"]]
    return jsonify(launchHistory=shown)
