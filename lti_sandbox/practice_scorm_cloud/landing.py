"""The first page of the practice SCORM Cloud: its courses and registrations."""

from flask import Blueprint, render_template

from lti_sandbox.practice_scorm_cloud import courses, registrations
from lti_sandbox.practice_scorm_cloud.cloud import current_cloud
from lti_sandbox.practice_scorm_cloud.registrations import registration_of

views = Blueprint(
    "scorm_cloud_landing",
    __name__,
    template_folder="templates",
    static_folder="static",
    static_url_path="/practice-scorm-cloud",
)
SHOWN = 50


@views.get("/")
def landing() -> str:
    """Show every course and the newest registrations."""
    cloud = current_cloud()
    registrations.show_pending(cloud)
    rows = cloud.store.all("SELECT * FROM registration ORDER BY number DESC LIMIT ?", SHOWN)
    return render_template(
        "practice_scorm_cloud/landing.html",
        courses=courses.newest_courses(cloud),
        registrations=[registration_of(row) for row in rows],
        total=cloud.store.count("SELECT COUNT(*) FROM registration"),
        app_id=cloud.app_id,
    )
