"""The chart that a Release was asked to be planned with, and the one that it was rendered by"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    with op.batch_alter_table("releases", schema=None) as batch_op:
        batch_op.add_column(sa.Column("chart_version", sa.String(length=63), nullable=True))
        batch_op.add_column(sa.Column("chart", sa.String(length=255), nullable=True))
