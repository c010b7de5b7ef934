"""Who is behind a Release"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    op.add_column("releases", sa.Column("person", sa.String(length=255), server_default="", nullable=False))
