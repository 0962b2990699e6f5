"""Notes on moments of clips."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_KINDS = ("bug", "idea", "praise", "question")
_STATUSES = ("new", "seen", "planned", "done", "declined")


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "feedback",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("person_id", sa.String(length=64), nullable=False, comment="who wrote it"),
        sa.Column(
            "video_id",
            sa.String(length=64),
            nullable=True,
            comment="None once the clip is deleted",
        ),
        sa.Column("model", sa.String(length=100), nullable=False, comment="that made the clip"),
        sa.Column("seed", sa.BigInteger(), nullable=True, comment="of the clip"),
        sa.Column("starts_s", sa.Float(), nullable=False, comment="from where in the clip [s]"),
        sa.Column("ends_s", sa.Float(), nullable=False, comment="until where [s]"),
        sa.Column("kind", _word(_KINDS, "feedbackkind"), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column(
            "is_credited",
            sa.Boolean(),
            nullable=False,
            comment="whether the person wants to be named with it; no, unless they said so",
        ),
        sa.Column("status", _word(_STATUSES, "feedbackstatus"), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True, comment="of the status, for who wrote it"),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "answered_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="when the status was last set",
        ),
        sa.Column("answered_by", sa.String(length=64), nullable=True, comment="steward"),
        sa.CheckConstraint(
            "starts_s >= 0 AND ends_s >= starts_s", name=op.f("ck_feedback_stretch")
        ),
        _reference("person_id", "persons", "CASCADE"),
        _reference("video_id", "videos", "SET NULL"),
        _reference("answered_by", "persons", "SET NULL"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_feedback")),
    )
    for name, columns in (
        ("person_id", ["person_id", "id"]),
        ("status", ["status", "id"]),
        ("video_id", ["video_id"]),
    ):
        op.create_index(f"ix_feedback_{name}", "feedback", columns, unique=False)


def _word(words: tuple[str, ...], name: str) -> sa.Enum:
    return sa.Enum(*words, name=name, native_enum=False, length=32)


def _reference(column: str, table: str, on_delete: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        [column], [f"{table}.id"], name=op.f(f"fk_feedback_{column}"), ondelete=on_delete
    )


def downgrade() -> None:
    """Refuse: what people did would be lost."""
    raise NotImplementedError("Restore a backup instead.")
