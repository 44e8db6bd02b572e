"""Outages of the LMS: services and launches answer HTML, and the course page still works.

Measured on Moodle 4.5.6: maintenance mode is 503 with `Retry-After: 300`, a missing database 500.
The course page works so that a user can end the outage there.
"""

from flask import Response, request

from lti_sandbox.practice_lms.current import current_lms

SERVICES = {"oidc", "tokens", "ags", "nrps", "registration"}
LAUNCHES = {"pages.launch", "pages.review_launch", "deep_linking.launch", "deep_linking.come_back"}
RETRY_SECONDS = "300"
MAINTENANCE = "<!DOCTYPE html><html><head><title>Maintenance</title></head><body>{}</body></html>"
UNDER_WAY = "This site is undergoing maintenance and is currently not available."
NO_DATABASE = "<!DOCTYPE html><html><body><h1>Error: Database connection failed</h1></body></html>"


def answer_outage() -> Response | None:
    """Answer for an LMS that is down; None lets the request through."""
    state = current_lms()
    if not state.outage:
        return None
    if request.blueprint not in SERVICES and request.endpoint not in LAUNCHES:
        return None
    if state.outage == "database":
        return Response(NO_DATABASE, 500)
    headers = {"Retry-After": RETRY_SECONDS} if state.dialect == "moodle" else {}
    return Response(MAINTENANCE.format(UNDER_WAY), 503, headers)
