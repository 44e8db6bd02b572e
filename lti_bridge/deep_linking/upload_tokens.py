"""Uploads from the picker: permission to upload, and the token of the import's page."""

from datetime import datetime

from ..core.errors import PageRefused, Reason
from ..courses.import_package import Import, Package, look_at_import, send_package
from ..services import Services
from ..web.page_tokens import PageToken, read_page, sign_page
from .picker import Picker, read_picker, with_data

# The kind of token that permits an upload.
UPLOAD = "upload"


def sign_upload(services: Services, picker: Picker) -> str:
    """Return the short token for the upload's URL.

    It is checked before the file is read, so that only permitted users can use disk space; the
    page's token comes in the form.
    """
    page = picker.page
    data = {"kind": UPLOAD, "account": picker.account.id}
    ticket = PageToken(page.platform_id, page.deployment_id, page.sub, page.visitor, data=data)
    return sign_page(services, ticket)


def read_upload(services: Services, ticket: str) -> PageToken:
    """Return the user of an upload URL; raises PageRefused."""
    page = read_page(services, ticket)
    if page.data.get("kind") != UPLOAD:
        raise PageRefused(Reason.PAGE_EXPIRED)
    return page


def read_upload_picker(
    services: Services, token: str, ticket: PageToken, began: datetime
) -> Picker:
    """Return the picker of an upload form; raises PageRefused when the tokens do not match.

    The token's age is judged at `began`, the start of the upload, which can take an hour.
    """
    picker = read_picker(services, token, at=began)
    page = picker.page
    mine = (page.platform_id, page.deployment_id, page.sub, picker.account.id)
    theirs = (ticket.platform_id, ticket.deployment_id, ticket.sub, ticket.data.get("account"))
    if mine != theirs:
        raise PageRefused(Reason.PAGE_EXPIRED)
    return _uploading(picker)


def get_uploader(services: Services, token: str) -> Picker:
    """Return the picker of a user who may upload; raises PageRefused."""
    return _uploading(read_picker(services, token))


def _uploading(picker: Picker) -> Picker:
    if not picker.may_upload:
        raise PageRefused(Reason.UPLOADING_NOT_ALLOWED)
    return picker


def send(services: Services, picker: Picker, package: Package) -> str:
    """Send a package and return the token of its import's page.

    Raises as `send_package`. Commits.
    """
    job_id, course_id = send_package(services, picker.account, package)
    return with_data(services, picker, job=job_id, importing=course_id)


def read_import(services: Services, picker: Picker) -> Import:
    """Return the state of the import in a page token.

    Raises PageRefused when it names none, Unavailable or Refused.
    """
    job_id, course_id = picker.page.data.get("job"), picker.page.data.get("importing")
    if not job_id or not course_id:
        raise PageRefused(Reason.PAGE_EXPIRED)
    return look_at_import(services, picker.account, str(job_id), str(course_id))
