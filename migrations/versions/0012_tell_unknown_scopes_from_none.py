"""Tell an activity of which no scopes are known from one that was granted none.

Before, an empty list stood for "not known"; now JSON's null does. The scope of the roster stands
among them from now on.
"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"

ROSTER = "https://purl.imsglobal.org/spec/lti-nrps/scope/contextmembership.readonly"
LINK = sa.table(
    "resource_link",
    sa.column("id", sa.Integer),
    sa.column("service_scopes", sa.JSON),
    sa.column("memberships_url", sa.String),
)


def upgrade() -> None:
    connection = op.get_bind()
    columns = LINK.c.id, LINK.c.service_scopes, LINK.c.memberships_url
    for row in connection.execute(sa.select(*columns)).all():
        known = row.service_scopes or None
        if known is not None and row.memberships_url:
            known = sorted({*known, ROSTER})
        if known != row.service_scopes:
            values = {"service_scopes": known}
            connection.execute(sa.update(LINK).where(LINK.c.id == row.id).values(values))
