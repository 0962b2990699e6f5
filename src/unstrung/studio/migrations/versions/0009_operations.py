"""Loops, recuts, connections, blends and storyboards; extending backwards; the strength of edits."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    for column in (
        sa.Column(
            "second_file",
            sa.Text(),
            nullable=True,
            comment="key of the clip to connect with or to turn into",
        ),
        sa.Column(
            "second_video_id",
            sa.String(length=64),
            nullable=True,
            comment="other video that this one came from",
        ),
        sa.Column(
            "is_backward",
            sa.Boolean(),
            nullable=False,
            server_default=sa.false(),
            comment="whether an extension leads to the clip",
        ),
        sa.Column(
            "strength",
            sa.String(length=16),
            nullable=True,
            comment="how far an edit goes: a word, or a number above 0 and at most 1",
        ),
        sa.Column(
            "keep",
            postgresql.JSONB(),
            nullable=True,
            comment="beginning and end of the stretch that a recut keeps [s]",
        ),
        sa.Column(
            "shots",
            postgresql.JSONB(),
            nullable=True,
            comment="of a storyboard: beginning [s] and prompt of each",
        ),
    ):
        op.add_column("videos", column)
    op.alter_column("videos", "is_backward", server_default=None)
    op.alter_column(
        "videos",
        "source_file",
        existing_type=sa.Text(),
        comment="key of the clip that something is done to",
        existing_comment="key of the clip to edit or extend",
    )


def downgrade() -> None:
    """Refuse: what people did would be lost."""
    raise NotImplementedError("Restore a backup instead.")
