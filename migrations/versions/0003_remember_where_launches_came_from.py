"""Remember where a launch came from, and where the player opens."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.add_column("used_nonce", sa.Column("return_url", sa.String(), nullable=True))
    op.add_column("platform", sa.Column("player_window", sa.Boolean(), nullable=True))
    op.add_column("resource_link", sa.Column("player_window", sa.Boolean(), nullable=True))
