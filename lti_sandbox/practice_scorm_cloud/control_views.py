"""Control of registrations: show everything about one, or act as its player."""

from flask import Blueprint, Response, jsonify

from lti_sandbox.player.whole_session import whole_session
from lti_sandbox.practice_scorm_cloud import links, registrations
from lti_sandbox.practice_scorm_cloud.announcements import postback_target
from lti_sandbox.practice_scorm_cloud.asking import json_body
from lti_sandbox.practice_scorm_cloud.cloud import Cloud, current_cloud
from lti_sandbox.practice_scorm_cloud.results import (
    FORMATS,
    Document,
    launch_json,
    registration_json,
)

views = Blueprint("scorm_cloud_control", __name__)


@views.get("/control/registrations")
def list_them() -> Response:
    """List the ids of all registrations, and how often each id was POSTed."""
    cloud = current_cloud()
    rows = cloud.store.all("SELECT id FROM registration ORDER BY number")
    posts = {
        row["id"]: {"accepted": row["accepted"], "refused": row["refused"]}
        for row in cloud.store.all("SELECT * FROM post")
    }
    return jsonify(registrations=[row["id"] for row in rows], posts=posts)


@views.get("/control/registrations/<seg:id>")
def show(id: str) -> Response:
    """Show everything about one registration, including changes that the lag hides."""
    return jsonify(_everything(current_cloud(), id))


@views.put("/control/registrations/<seg:id>")
def play(id: str) -> Response:
    """Act as a player's whole session, and show everything."""
    cloud = current_cloud()
    whole_session(cloud, id, json_body())
    return jsonify(_everything(cloud, id))


def _everything(cloud: Cloud, id: str) -> Document:
    registration = registrations.get_registration(cloud, id)
    newest = registration.newest
    link, built = links.newest_of(cloud, id)
    post = cloud.store.one("SELECT accepted, refused FROM post WHERE id = ?", id)
    launches = [
        launch_json(id, one, launch, True)
        for one in registration.results
        for launch in one["launches"]
    ]
    return {
        "id": id,
        "instance": newest["instance"],
        "completion": newest["completion"],
        "success": newest["success"],
        "scaled": newest.get("scaled"),
        "seconds": newest["seconds"],
        "posts": {
            "accepted": post["accepted"] if post else 0,
            "refused": post["refused"] if post else 0,
        },
        "redirect_on_exit_url": link["redirect"] if link else None,
        "postback": postback_target(cloud, registration.facts),
        "launch_links_built": built,
        "launch_history": launches,
        "progress": registration_json(registration.facts, newest, FORMATS["FULL"]),
        "visible": registration_json(registration.facts, registration.seen[-1], FORMATS["FULL"]),
    }
