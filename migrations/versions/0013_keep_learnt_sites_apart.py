"""Keep the sites that launches came from apart from those that an admin named.

Besides, let an owner say whose packages may replace courses of a shared account.
"""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    op.add_column("platform", sa.Column("learnt_origins", sa.JSON(), nullable=True))
    op.add_column("platform", sa.Column("replaces_courses", sa.Boolean(), nullable=True))
