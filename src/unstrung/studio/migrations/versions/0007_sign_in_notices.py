"""Where sessions were opened, so that a sign-in from elsewhere is noticed."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.add_column(
        "sessions",
        sa.Column(
            "network",
            sa.LargeBinary(),
            nullable=True,
            comment="keyed digest of where it was opened; None if nobody saw",
        ),
    )


def downgrade() -> None:
    """Refuse: what people did would be lost."""
    raise NotImplementedError("Restore a backup instead.")
