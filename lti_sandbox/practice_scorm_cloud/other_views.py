"""The API's other calls: ping, about, learners, settings of the application."""

from typing import Any

from flask import Blueprint, Response, jsonify, request

from lti_sandbox.practice_scorm_cloud import registrations, settings
from lti_sandbox.practice_scorm_cloud.asking import flag, json_body, tag_list
from lti_sandbox.practice_scorm_cloud.cloud import Cloud, current_cloud
from lti_sandbox.practice_scorm_cloud.errors import ApiError
from lti_sandbox.practice_scorm_cloud.results import Document
from lti_sandbox.practice_scorm_cloud.store import dump, load
from lti_sandbox.practice_scorm_cloud.times import stamp

views = Blueprint("scorm_cloud_other", __name__)
NOTHING = ("", 204)


@views.get("/ping")
def ping() -> Response:
    """Say that credentials and service work."""
    return jsonify(
        apiMessage="API is up (practice SCORM Cloud)", currentTime=stamp(current_cloud().now())
    )


@views.get("/about")
def about() -> Response:
    """Say what this is."""
    return jsonify(version="2.0", distribution="practice")


@views.post("/learner/<seg:id>/updateInfo")
def update_learner(id: str) -> Any:
    """Change a learner's values on all their registrations; an empty string blanks one."""
    cloud = current_cloud()
    body = json_body()
    if not _change_learner(cloud, id, body):
        raise ApiError(404, f"Could not find learner [{id}]")
    return NOTHING


@views.post("/learner/<seg:id>/delete-information")
def delete_learner(id: str) -> Any:
    """Blank a learner's personal values on all their registrations."""
    if not request.args.get("userEmail"):
        raise ApiError(400, "userEmail is required")
    if not _change_learner(current_cloud(), id, {"firstName": "", "lastName": "", "email": ""}):
        raise ApiError(404, f"Could not find learner [{id}]")
    return NOTHING


@views.get("/learner/<seg:id>/tags")
def learner_tags(id: str) -> Response:
    """Show the tags of a learner."""
    return jsonify(tags=_tags(current_cloud(), id))


@views.put("/learner/<seg:id>/tags")
def set_learner_tags(id: str) -> Any:
    """Replace the tags of a learner."""
    _set_tags(current_cloud(), id, tag_list(json_body()))
    return NOTHING


@views.delete("/learner/<seg:id>/tags")
def remove_learner_tags(id: str) -> Any:
    """Remove some tags of a learner."""
    gone = tag_list(json_body())
    cloud = current_cloud()
    _set_tags(cloud, id, [tag for tag in _tags(cloud, id) if tag not in gone])
    return NOTHING


@views.put("/learner/tags")
def set_tags_of_many() -> Any:
    """Replace the tags of several learners."""
    body = json_body()
    for id in body.get("ids") or []:
        _set_tags(current_cloud(), str(id), tag_list(body))
    return NOTHING


@views.get("/appManagement/configuration")
def configuration() -> Response:
    """Show the settings of the application."""
    scopes = [settings.APPLICATION]
    shown = settings.settings_json(current_cloud(), scopes, metadata=flag("includeMetadata"))
    return jsonify(shown)


@views.post("/appManagement/configuration")
def set_configuration() -> Any:
    """Change settings of the application."""
    settings.set_settings(current_cloud(), settings.APPLICATION, json_body())
    return NOTHING


@views.delete("/appManagement/configuration/<seg:setting>")
def clear_configuration(setting: str) -> Any:
    """Forget one setting of the application."""
    settings.clear_setting(current_cloud(), settings.APPLICATION, setting)
    return NOTHING


def _change_learner(cloud: Cloud, learner_id: str, values: Document) -> bool:
    rows = cloud.store.all("SELECT id FROM registration WHERE learner_id = ?", learner_id)

    def change(facts: Document) -> None:
        for key in registrations.LEARNER_KEYS[1:]:
            if key in values:
                facts["learner"][key] = values[key]
        facts["learner"] = {key: value for key, value in facts["learner"].items() if value}

    for row in rows:
        registrations.change_facts(cloud, row["id"], change)
    return bool(rows)


def _tags(cloud: Cloud, learner_id: str) -> list[str]:
    row = cloud.store.one("SELECT tags FROM learner_tag WHERE learner_id = ?", learner_id)
    tags: list[str] = load(row["tags"]) if row else []
    return tags


def _set_tags(cloud: Cloud, learner_id: str, tags: list[str]) -> None:
    cloud.store.run("INSERT OR REPLACE INTO learner_tag VALUES (?, ?)", learner_id, dump(tags))
