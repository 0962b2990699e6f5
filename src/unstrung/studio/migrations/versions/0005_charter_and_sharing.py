"""Charter, consents, sharing, reviews, appeals."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "charter_versions",
        sa.Column("version", sa.String(length=16), nullable=False, comment="such as 1.0"),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "published_by",
            sa.String(length=64),
            nullable=False,
            comment="person, who was a steward then",
        ),
        sa.Column(
            "effective_at",
            sa.DateTime(timezone=True),
            nullable=False,
            comment="from when it is the one in force, until that of a later version",
        ),
        sa.Column("entry_id", sa.String(length=64), nullable=False, comment="of the log"),
        sa.PrimaryKeyConstraint("version", name=op.f("pk_charter_versions")),
    )
    op.create_index(
        "ix_charter_versions_effective_at", "charter_versions", ["effective_at"], unique=False
    )
    op.create_table(
        "charter_acceptances",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("person_id", sa.String(length=64), nullable=False),
        sa.Column("version", sa.String(length=16), nullable=False),
        sa.Column("language", sa.String(length=8), nullable=False, comment="in which it was read"),
        sa.Column(
            "digest", sa.String(length=64), nullable=False, comment="of the text that was read"
        ),
        sa.Column("accepted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "entry_id", sa.String(length=64), nullable=False, comment="of the log: the receipt"
        ),
        sa.ForeignKeyConstraint(
            ["person_id"],
            ["persons.id"],
            name=op.f("fk_charter_acceptances_person_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["version"], ["charter_versions.version"], name=op.f("fk_charter_acceptances_version")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_charter_acceptances")),
        sa.UniqueConstraint(
            "person_id", "version", name=op.f("uq_charter_acceptances_person_id_version")
        ),
    )
    op.create_table(
        "charter_texts",
        sa.Column("version", sa.String(length=16), nullable=False),
        sa.Column("language", sa.String(length=8), nullable=False),
        sa.Column(
            "digest",
            sa.String(length=64),
            nullable=False,
            comment="SHA-256 of the source, hexadecimal",
        ),
        sa.Column(
            "source", sa.Text(), nullable=False, comment="Markdown with the operator's terms in it"
        ),
        sa.ForeignKeyConstraint(
            ["version"], ["charter_versions.version"], name=op.f("fk_charter_texts_version")
        ),
        sa.PrimaryKeyConstraint("version", "language", name=op.f("pk_charter_texts")),
    )
    op.create_table(
        "consents",
        sa.Column(
            "number",
            sa.BigInteger(),
            sa.Identity(always=True),
            nullable=False,
            comment="order: the last one holds",
        ),
        sa.Column("person_id", sa.String(length=64), nullable=False),
        sa.Column(
            "use",
            sa.Enum(
                "bug-work",
                "publicity",
                "training",
                "metrics",
                name="use",
                native_enum=False,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column(
            "video_id",
            sa.String(length=64),
            nullable=True,
            comment="None for everything; the video may have been deleted since",
        ),
        sa.Column("given", sa.Boolean(), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "entry_id", sa.String(length=64), nullable=False, comment="of the log: the receipt"
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["persons.id"], name=op.f("fk_consents_person_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_consents")),
    )
    op.create_index(
        "ix_consents_last", "consents", ["person_id", "use", "video_id", "number"], unique=False
    )
    op.create_table(
        "appeals",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("statement_id", sa.String(length=64), nullable=False),
        sa.Column("person_id", sa.String(length=64), nullable=True),
        sa.Column(
            "stage",
            sa.Enum("hearing", "panel", name="appealstage", native_enum=False, length=32),
            nullable=False,
        ),
        sa.Column(
            "text",
            sa.Text(),
            nullable=False,
            comment="why the decision is wrong, in their own words",
        ),
        sa.Column("lodged_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "due_at",
            sa.DateTime(timezone=True),
            nullable=False,
            comment="when it is decided for whoever lodged it",
        ),
        sa.Column(
            "heard_by",
            sa.String(length=64),
            nullable=True,
            comment="who took it last; never of a panel",
        ),
        sa.Column("taken_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "outcome",
            sa.Enum("upheld", "overturned", name="appealoutcome", native_enum=False, length=32),
            nullable=True,
        ),
        sa.Column("reasons", sa.Text(), nullable=True, comment="told to whoever lodged it"),
        sa.Column("by_clock", sa.Boolean(), nullable=False, comment="whether the clock decided"),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["heard_by"], ["persons.id"], name=op.f("fk_appeals_heard_by"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["persons.id"], name=op.f("fk_appeals_person_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["statement_id"], ["statements.id"], name=op.f("fk_appeals_statement_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_appeals")),
    )
    op.create_index(
        "ix_appeals_open",
        "appeals",
        ["due_at", "id"],
        unique=False,
        postgresql_where=sa.text("outcome IS NULL"),
    )
    op.create_index("ix_appeals_person_id", "appeals", ["person_id", "id"], unique=False)
    op.create_index(
        "uq_appeals_stage", "appeals", ["statement_id", "person_id", "stage"], unique=True
    )
    op.create_table(
        "assessments",
        sa.Column("video_id", sa.String(length=64), nullable=False),
        sa.Column(
            "findings",
            postgresql.JSONB(),
            nullable=False,
            comment="class, rule, passages of the prompt, seconds of the clip, score",
        ),
        sa.Column(
            "frames_note",
            sa.Text(),
            nullable=True,
            comment="why nobody looked at the frames; None if a classifier did",
        ),
        sa.Column("assessed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "rules", sa.String(length=16), nullable=False, comment="words, or words and frames"
        ),
        sa.ForeignKeyConstraint(
            ["video_id"], ["videos.id"], name=op.f("fk_assessments_video_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("video_id", name=op.f("pk_assessments")),
    )
    op.create_index("ix_assessments_assessed_at", "assessments", ["assessed_at"], unique=False)
    op.create_table(
        "shares",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column(
            "video_id",
            sa.String(length=64),
            nullable=True,
            comment="None once its owner deleted it",
        ),
        sa.Column("person_id", sa.String(length=64), nullable=True, comment="owner of the clip"),
        sa.Column(
            "audience",
            sa.Enum("link", "public", name="audience", native_enum=False, length=32),
            nullable=False,
        ),
        sa.Column(
            "status",
            sa.Enum(
                "shared",
                "waiting",
                "refused",
                "withdrawn",
                name="sharestatus",
                native_enum=False,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column(
            "token", sa.String(length=64), nullable=False, comment="what makes its link unguessable"
        ),
        sa.Column(
            "held",
            postgresql.JSONB(),
            nullable=False,
            comment="findings for which it waited: class, rule, passages, seconds",
        ),
        sa.Column(
            "labels", postgresql.JSONB(), nullable=False, comment="classes that viewers are told of"
        ),
        sa.Column(
            "is_hard_illegal",
            sa.Boolean(),
            nullable=False,
            comment="whether no clock ever releases it",
        ),
        sa.Column("note", sa.Text(), nullable=True, comment="the owner's words to the reviewer"),
        sa.Column(
            "revises",
            sa.String(length=64),
            nullable=True,
            comment="refused share that this one takes the place of",
        ),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "due_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="when it is released without a decision; None if it never waited",
        ),
        sa.Column(
            "release",
            sa.Enum(
                "at_once",
                "approved",
                "clock",
                "appeal",
                name="release",
                native_enum=False,
                length=32,
            ),
            nullable=True,
        ),
        sa.Column("released_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "refused_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="stays when that is overturned",
        ),
        sa.Column(
            "reinstated_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="when a refusal was overturned",
        ),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("statement_id", sa.String(length=64), nullable=True),
        sa.Column(
            "claimed_by", sa.String(length=64), nullable=True, comment="reviewer who had it last"
        ),
        sa.Column("claimed_until", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(status = 'waiting') <= (due_at IS NOT NULL)", name=op.f("ck_shares_due_at")
        ),
        sa.ForeignKeyConstraint(
            ["claimed_by"], ["persons.id"], name=op.f("fk_shares_claimed_by"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["persons.id"], name=op.f("fk_shares_person_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(["revises"], ["shares.id"], name=op.f("fk_shares_revises")),
        sa.ForeignKeyConstraint(
            ["statement_id"], ["statements.id"], name=op.f("fk_shares_statement_id")
        ),
        sa.ForeignKeyConstraint(
            ["video_id"], ["videos.id"], name=op.f("fk_shares_video_id"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_shares")),
    )
    op.create_index("ix_shares_person_id", "shares", ["person_id", "id"], unique=False)
    op.create_index("ix_shares_video_id", "shares", ["video_id"], unique=False)
    op.create_index(
        "ix_shares_waiting",
        "shares",
        ["due_at", "id"],
        unique=False,
        postgresql_where=sa.text("status = 'waiting'"),
    )
    op.create_index(
        "uq_shares_open",
        "shares",
        ["video_id"],
        unique=True,
        postgresql_where=sa.text("status IN ('shared', 'waiting')"),
    )
    op.create_table(
        "panel_seats",
        sa.Column("appeal_id", sa.String(length=64), nullable=False),
        sa.Column("person_id", sa.String(length=64), nullable=False),
        sa.Column("drawn_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "vote",
            sa.Enum("upheld", "overturned", name="appealoutcome", native_enum=False, length=32),
            nullable=True,
        ),
        sa.Column("reasons", sa.Text(), nullable=True),
        sa.Column("voted_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["appeal_id"], ["appeals.id"], name=op.f("fk_panel_seats_appeal_id")
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["persons.id"], name=op.f("fk_panel_seats_person_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("appeal_id", "person_id", name=op.f("pk_panel_seats")),
    )
    op.create_index("ix_panel_seats_person_id", "panel_seats", ["person_id"], unique=False)
    op.create_table(
        "review_decisions",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("share_id", sa.String(length=64), nullable=False),
        sa.Column(
            "outcome",
            sa.Enum("approve", "refuse", name="outcome", native_enum=False, length=32),
            nullable=False,
        ),
        sa.Column("reasons", postgresql.JSONB(), nullable=True, comment="of a refusal, complete"),
        sa.Column("decided_by", sa.String(length=64), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "needs_second",
            sa.Boolean(),
            nullable=False,
            comment="whether another reviewer must agree; why is told to nobody",
        ),
        sa.Column("seconded_by", sa.String(length=64), nullable=True),
        sa.Column(
            "effective_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="None until it has effect",
        ),
        sa.Column(
            "dropped_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="when another reviewer disagreed, so that it never has effect",
        ),
        sa.Column("statement_id", sa.String(length=64), nullable=True),
        sa.ForeignKeyConstraint(
            ["decided_by"],
            ["persons.id"],
            name=op.f("fk_review_decisions_decided_by"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["seconded_by"],
            ["persons.id"],
            name=op.f("fk_review_decisions_seconded_by"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["share_id"], ["shares.id"], name=op.f("fk_review_decisions_share_id")
        ),
        sa.ForeignKeyConstraint(
            ["statement_id"], ["statements.id"], name=op.f("fk_review_decisions_statement_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_review_decisions")),
    )
    op.create_index("ix_review_decisions_share_id", "review_decisions", ["share_id"], unique=False)
    op.create_index(
        "uq_review_decisions_open",
        "review_decisions",
        ["share_id"],
        unique=True,
        postgresql_where=sa.text("needs_second AND effective_at IS NULL AND dropped_at IS NULL"),
    )


def downgrade() -> None:
    """Refuse: what people did would be lost."""
    raise NotImplementedError("Restore a backup instead.")
