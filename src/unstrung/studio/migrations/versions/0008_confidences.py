"""Items that people are asked to keep confidential; appeals of applicants; their phrases in lotteries."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "confidences",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "feature",
                "model-version",
                "clip",
                "document",
                name="confidencekind",
                native_enum=False,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column(
            "covers",
            sa.Text(),
            nullable=False,
            comment="exactly what is confidential; read before answering, so it gives nothing away",
        ),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column(
            "content",
            sa.Text(),
            nullable=True,
            comment="the item, or where it is: for those who accepted, and for all once it is over",
        ),
        sa.Column(
            "carve_outs",
            postgresql.JSONB(),
            nullable=False,
            comment="what it never covers: name to the words that held when it was asked",
        ),
        sa.Column(
            "cohort_ids", postgresql.JSONB(), nullable=False, comment="whose members are asked"
        ),
        sa.Column(
            "renews_id",
            sa.String(length=64),
            nullable=True,
            comment="the item that this one goes on from",
        ),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "asked_by",
            sa.String(length=64),
            nullable=True,
            comment="person, or None for the command line",
        ),
        sa.Column("begins_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "ends_at",
            sa.DateTime(timezone=True),
            nullable=False,
            comment="when it lapses by itself",
        ),
        sa.Column(
            "ended_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="when it was ended or found lapsed",
        ),
        sa.Column(
            "ended_by",
            sa.String(length=64),
            nullable=True,
            comment="person; None for the command line, or if it lapsed",
        ),
        sa.Column("end_reason", sa.Text(), nullable=True),
        sa.Column(
            "asked_entry_id", sa.String(length=64), nullable=False, comment="entry of the log"
        ),
        sa.Column("ended_entry_id", sa.String(length=64), nullable=True),
        sa.CheckConstraint("ends_at > begins_at", name=op.f("ck_confidences_ends_at")),
        sa.CheckConstraint(
            "ends_at <= begins_at + interval '180 days'", name=op.f("ck_confidences_longest")
        ),
        sa.CheckConstraint(
            "carve_outs ?& array['criticism', 'work', 'law', 'safety', 'own-works']",
            name=op.f("ck_confidences_carve_outs"),
        ),
        sa.ForeignKeyConstraint(
            ["renews_id"], ["confidences.id"], name=op.f("fk_confidences_renews_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_confidences")),
    )
    op.create_index(
        "ix_confidences_open",
        "confidences",
        ["ends_at"],
        unique=False,
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_table(
        "confidence_answers",
        sa.Column("confidence_id", sa.String(length=64), nullable=False),
        sa.Column("person_id", sa.String(length=64), nullable=False),
        sa.Column(
            "answer",
            sa.Enum("accepted", "declined", name="answer", native_enum=False, length=32),
            nullable=False,
        ),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "entry_id", sa.String(length=64), nullable=False, comment="of the log: the receipt"
        ),
        sa.ForeignKeyConstraint(
            ["confidence_id"],
            ["confidences.id"],
            name=op.f("fk_confidence_answers_confidence_id"),
        ),
        sa.ForeignKeyConstraint(
            ["person_id"],
            ["persons.id"],
            name=op.f("fk_confidence_answers_person_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint(
            "confidence_id", "person_id", "answer", name=op.f("pk_confidence_answers")
        ),
    )
    op.create_index(
        "ix_confidence_answers_person_id", "confidence_answers", ["person_id"], unique=False
    )
    _add_references("pauses", "the item, for a breach of confidence")
    _add_references("statements", "the item that was broken, if that is the matter")
    _let_applicants_appeal()
    _mix_in_phrases()


def downgrade() -> None:
    """Refuse: what people did would be lost."""
    raise NotImplementedError("Restore a backup instead.")


def _add_references(table: str, comment: str) -> None:
    column = sa.Column("confidence_id", sa.String(length=64), nullable=True, comment=comment)
    op.add_column(table, column)
    op.create_foreign_key(
        op.f(f"fk_{table}_confidence_id"), table, "confidences", ["confidence_id"], ["id"]
    )


def _let_applicants_appeal() -> None:
    op.add_column(
        "applications",
        sa.Column(
            "contested_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="since when an appeal against its refusal is open; such a one takes part in lotteries",
        ),
    )
    op.add_column(
        "appeals",
        sa.Column(
            "application_id",
            sa.String(length=64),
            nullable=True,
            comment="whose refusal it is about, for an applicant, who has no account",
        ),
    )
    op.create_foreign_key(
        op.f("fk_appeals_application_id"),
        "appeals",
        "applications",
        ["application_id"],
        ["id"],
        ondelete="SET NULL",
    )
    op.create_index("ix_appeals_application_id", "appeals", ["application_id"])
    op.create_index(
        "uq_appeals_application_stage",
        "appeals",
        ["statement_id", "stage"],
        unique=True,
        postgresql_where=sa.text("application_id IS NOT NULL"),
    )


def _mix_in_phrases() -> None:
    op.alter_column(
        "lotteries",
        "seed",
        new_column_name="secret",
        existing_comment="32 bytes; told with the draw only",
        comment="32 bytes of the operator's; told with the draw only",
    )
    op.alter_column(
        "lotteries",
        "seed_hash",
        new_column_name="secret_hash",
        existing_comment="SHA-256 of the seed, hexadecimal",
        comment="SHA-256 of it, hexadecimal",
    )
    text, whole = sa.String(length=64), postgresql.JSONB()
    for name, kind, comment in (
        ("drand_chain", text, "whose round is mixed in; None for none"),
        ("drand_round", sa.BigInteger(), None),
        ("drand_randomness", text, "of the round, hexadecimal; given with the draw"),
        (
            "contributions",
            whole,
            "ticket, seal and is_sealed of each phrase, sorted; fixed when it is closed",
        ),
        ("contributions_hash", text, None),
        ("shares", whole, "ticket to share, of phrases that are open; told with the draw only"),
        ("seed", sa.LargeBinary(), "that the order follows from"),
    ):
        op.add_column("lotteries", sa.Column(name, kind, nullable=True, comment=comment))
    op.add_column(
        "lotteries",
        sa.Column(
            "open_for_hours",
            sa.Float(),
            nullable=False,
            server_default="24",
            comment="time for opening sealed phrases, from closing on",
        ),
    )
    op.alter_column("lotteries", "open_for_hours", server_default=None)
    op.create_table(
        "lottery_contributions",
        sa.Column("lottery_id", text, nullable=False),
        sa.Column("application_id", text, nullable=False),
        sa.Column("seal", text, nullable=False, comment="SHA-256 of the share, hexadecimal"),
        sa.Column(
            "share",
            text,
            nullable=True,
            comment="SHA-256 of the phrase, hexadecimal; None while it is sealed",
        ),
        sa.Column(
            "is_sealed",
            sa.Boolean(),
            nullable=False,
            comment="whether it came without its phrase",
        ),
        sa.Column("contributed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["lottery_id"], ["lotteries.id"], name=op.f("fk_lottery_contributions_lottery_id")
        ),
        sa.ForeignKeyConstraint(
            ["application_id"],
            ["applications.id"],
            name=op.f("fk_lottery_contributions_application_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint(
            "lottery_id", "application_id", name=op.f("pk_lottery_contributions")
        ),
    )
