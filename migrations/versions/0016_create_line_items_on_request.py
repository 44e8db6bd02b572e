"""Let a platform or a link say that the tool makes missing gradebook columns; off by default."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    op.add_column("platform", sa.Column("creates_line_items", sa.Boolean(), nullable=True))
    op.add_column("resource_link", sa.Column("creates_line_item", sa.Boolean(), nullable=True))
    op.add_column(
        "resource_link",
        sa.Column("line_item_lease_until", sa.DateTime(timezone=True), nullable=True),
    )
