"""Log, statements, pauses, signals."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "canaries",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False, comment="SHA-256 of the key"),
        sa.Column("place", sa.Text(), nullable=False, comment="where it was laid out"),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.String(length=64), nullable=False),
        sa.Column("num_uses", sa.Integer(), nullable=False),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_network", sa.LargeBinary(length=8), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_canaries")),
        sa.UniqueConstraint("digest", name=op.f("uq_canaries_digest")),
    )
    op.create_table(
        "log_entries",
        sa.Column(
            "number",
            sa.BigInteger(),
            sa.Identity(always=True),
            nullable=False,
            comment="order of being written",
        ),
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "charter.published",
                "charter.accepted",
                "consent.given",
                "consent.withdrawn",
                "lottery.announced",
                "lottery.closed",
                "lottery.drawn",
                "criteria.published",
                "cohort.changed",
                "admission.applied",
                "admission.offered",
                "admission.granted",
                "admission.refused",
                "person.left",
                "person.erased",
                "gate.changed",
                "stage.moved",
                "role.granted",
                "role.withdrawn",
                "key.revoked",
                "passkey.added",
                "passkey.removed",
                "session.replayed",
                "statement.issued",
                "share.made",
                "share.released",
                "share.withdrawn",
                "review.decided",
                "appeal.lodged",
                "appeal.decided",
                "pause.proposed",
                "pause.begun",
                "pause.ended",
                name="entrykind",
                native_enum=False,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("person_id", sa.String(length=64), nullable=True, comment="whose receipt it is"),
        sa.Column(
            "content",
            postgresql.JSONB(),
            nullable=True,
            comment="what was committed to; gone after erasure, while the commitment stays",
        ),
        sa.Column("salt", sa.LargeBinary(), nullable=True, comment="gone after erasure"),
        sa.Column(
            "commitment", sa.LargeBinary(), nullable=False, comment="SHA-256 of salt and content"
        ),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "position",
            sa.BigInteger(),
            nullable=True,
            comment="place in the log; None until it is published",
        ),
        sa.ForeignKeyConstraint(
            ["person_id"],
            ["persons.id"],
            name=op.f("fk_log_entries_person_id"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_log_entries")),
        sa.UniqueConstraint("commitment", name=op.f("uq_log_entries_commitment")),
        sa.UniqueConstraint("id", name=op.f("uq_log_entries_id")),
        sa.UniqueConstraint("position", name=op.f("uq_log_entries_position")),
    )
    op.create_index(
        "ix_log_entries_person_id", "log_entries", ["person_id", "number"], unique=False
    )
    op.create_index(
        "ix_log_entries_waiting",
        "log_entries",
        ["number"],
        unique=False,
        postgresql_where=sa.text("position IS NULL"),
    )
    op.create_table(
        "pauses",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column(
            "level",
            sa.Enum(
                "key", "person", "cohort", "everybody", name="level", native_enum=False, length=32
            ),
            nullable=False,
        ),
        sa.Column(
            "target_id",
            sa.String(length=64),
            nullable=True,
            comment="key, person or cohort; None for everybody",
        ),
        sa.Column(
            "ground",
            sa.Enum(
                "leaked-key",
                "shared-access",
                "unlawful-content",
                "harm-to-others",
                "security-incident",
                "safety-of-model",
                "capacity",
                "legal-order",
                name="pauseground",
                native_enum=False,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column(
            "reason", sa.Text(), nullable=False, comment="in plain words, for those who are paused"
        ),
        sa.Column(
            "resume_plan",
            sa.Text(),
            nullable=False,
            comment="what has to happen for access to return",
        ),
        sa.Column("proposed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "proposed_by",
            sa.String(length=64),
            nullable=True,
            comment="None for a program, which may pause a key",
        ),
        sa.Column(
            "needs_second",
            sa.Text(),
            nullable=True,
            comment="why a second steward is needed; None if not",
        ),
        sa.Column("seconded_by", sa.String(length=64), nullable=True),
        sa.Column(
            "begun_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="None until it is in force",
        ),
        sa.Column(
            "expires_at",
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
        sa.Column("ended_by", sa.String(length=64), nullable=True, comment="None if it lapsed"),
        sa.Column("end_reason", sa.Text(), nullable=True),
        sa.Column("num_affected", sa.Integer(), nullable=False, comment="people, when it began"),
        sa.Column("num_unaffected", sa.Integer(), nullable=False, comment="people, when it began"),
        sa.Column(
            "num_stopped", sa.Integer(), nullable=False, comment="videos that were being made"
        ),
        sa.Column(
            "last_stop_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="when the last worker had dropped its video, or the last late request was refused",
        ),
        sa.Column("notice", postgresql.JSONB(), nullable=False, comment="language to sentence"),
        sa.Column(
            "compensated_s", sa.Double(), nullable=True, comment="lost time that was given back [s]"
        ),
        sa.CheckConstraint(
            "(level = 'everybody') = (target_id IS NULL)", name=op.f("ck_pauses_target_id")
        ),
        sa.CheckConstraint("expires_at > proposed_at", name=op.f("ck_pauses_expires_at")),
        sa.ForeignKeyConstraint(["ended_by"], ["persons.id"], name=op.f("fk_pauses_ended_by")),
        sa.ForeignKeyConstraint(
            ["proposed_by"], ["persons.id"], name=op.f("fk_pauses_proposed_by")
        ),
        sa.ForeignKeyConstraint(
            ["seconded_by"], ["persons.id"], name=op.f("fk_pauses_seconded_by")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pauses")),
    )
    op.create_index(
        "ix_pauses_open",
        "pauses",
        ["level", "target_id"],
        unique=False,
        postgresql_where=sa.text("begun_at IS NOT NULL AND ended_at IS NULL"),
    )
    op.create_table(
        "protected_acts",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("person_id", sa.String(length=64), nullable=False),
        sa.Column(
            "kind",
            sa.String(length=32),
            nullable=False,
            comment="complaint, appeal, letter, refused-task",
        ),
        sa.Column("acted_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["person_id"],
            ["persons.id"],
            name=op.f("fk_protected_acts_person_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_protected_acts")),
    )
    op.create_index(
        "ix_protected_acts_person_id", "protected_acts", ["person_id", "acted_at"], unique=False
    )
    op.create_table(
        "statements",
        sa.Column("id", sa.String(length=64), nullable=False, comment="the puid of the export"),
        sa.Column(
            "person_id", sa.String(length=64), nullable=True, comment="None if it concerns many"
        ),
        sa.Column(
            "subject_kind",
            sa.Enum(
                "prompt",
                "share",
                "pause",
                "application",
                "role",
                name="subjectkind",
                native_enum=False,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("subject_id", sa.String(length=64), nullable=True),
        sa.Column("clause", sa.String(length=64), nullable=False, comment="of the charter"),
        sa.Column("decision_visibility", postgresql.JSONB(), nullable=True),
        sa.Column("decision_provision", sa.String(length=64), nullable=True),
        sa.Column("decision_account", sa.String(length=64), nullable=True),
        sa.Column("decision_ground", sa.String(length=64), nullable=False),
        sa.Column("decision_ground_reference_url", sa.Text(), nullable=True),
        sa.Column("illegal_content_legal_ground", sa.Text(), nullable=True),
        sa.Column("illegal_content_explanation", sa.Text(), nullable=True),
        sa.Column("incompatible_content_ground", sa.Text(), nullable=True),
        sa.Column("incompatible_content_explanation", sa.Text(), nullable=True),
        sa.Column("decision_facts", sa.Text(), nullable=False),
        sa.Column("category", sa.String(length=64), nullable=False),
        sa.Column("source_type", sa.String(length=64), nullable=False),
        sa.Column("automated_detection", sa.String(length=8), nullable=False, comment="Yes or No"),
        sa.Column("automated_decision", sa.String(length=64), nullable=False),
        sa.Column("content_type", postgresql.JSONB(), nullable=False),
        sa.Column(
            "application_date",
            sa.DateTime(timezone=True),
            nullable=False,
            comment="from when the decision holds",
        ),
        sa.Column(
            "end_date",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="until when; None for good",
        ),
        sa.Column("starts_s", sa.Double(), nullable=True, comment="time range of a clip [s]"),
        sa.Column("ends_s", sa.Double(), nullable=True),
        sa.Column("suggested_change", sa.Text(), nullable=True),
        sa.Column(
            "passages",
            postgresql.JSONB(),
            nullable=True,
            comment="start, end and text of words of the prompt; never exported",
        ),
        sa.Column(
            "prompt",
            sa.Text(),
            nullable=True,
            comment="that was refused, for an appeal; never exported, gone after erasure",
        ),
        sa.Column(
            "decided_by",
            sa.String(length=64),
            nullable=True,
            comment="person, or None for a program; never told to the person concerned",
        ),
        sa.Column(
            "reversed_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="when it was taken back",
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["persons.id"], name=op.f("fk_statements_person_id"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_statements")),
    )
    op.create_index("ix_statements_person_id", "statements", ["person_id", "id"], unique=False)
    op.create_index(
        "ix_statements_subject", "statements", ["subject_kind", "subject_id"], unique=False
    )
    op.create_table(
        "key_sightings",
        sa.Column("key_id", sa.String(length=64), nullable=False),
        sa.Column("hour", sa.DateTime(timezone=True), nullable=False),
        sa.Column("network", sa.LargeBinary(length=8), nullable=False),
        sa.Column("client", sa.LargeBinary(length=8), nullable=False),
        sa.ForeignKeyConstraint(
            ["key_id"], ["keys.id"], name=op.f("fk_key_sightings_key_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint(
            "key_id", "hour", "network", "client", name=op.f("pk_key_sightings")
        ),
    )
    op.create_index(op.f("ix_key_sightings_hour"), "key_sightings", ["hour"], unique=False)
    op.create_table(
        "signals",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("key_id", sa.String(length=64), nullable=False),
        sa.Column("person_id", sa.String(length=64), nullable=False),
        sa.Column(
            "step",
            sa.Enum(
                "confirm", "suspend-key", "ask-steward", name="step", native_enum=False, length=32
            ),
            nullable=False,
        ),
        sa.Column("score", sa.Integer(), nullable=False),
        sa.Column("facts", sa.Text(), nullable=False, comment="what was counted, in a sentence"),
        sa.Column(
            "pause_id", sa.String(length=64), nullable=True, comment="if the key was suspended"
        ),
        sa.Column("noted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "settled_by",
            sa.String(length=64),
            nullable=True,
            comment="steward, or the owner who confirmed",
        ),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["key_id"], ["keys.id"], name=op.f("fk_signals_key_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["persons.id"], name=op.f("fk_signals_person_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_signals")),
    )
    op.create_index("ix_signals_key_id", "signals", ["key_id", "id"], unique=False)
    op.create_index(
        "ix_signals_open",
        "signals",
        ["id"],
        unique=False,
        postgresql_where=sa.text("settled_at IS NULL"),
    )
    op.create_index(op.f("ix_signals_person_id"), "signals", ["person_id"], unique=False)
    op.add_column(
        "videos",
        sa.Column(
            "key_id",
            sa.String(length=64),
            nullable=True,
            comment="key that it was begun with; None if before keys were noted",
        ),
    )
    op.alter_column(
        "videos",
        "phase",
        comment="queued, loading, denoising, encoding, done, paused",
        existing_comment="queued, loading, denoising, encoding, done",
        existing_nullable=False,
    )


def downgrade() -> None:
    """Refuse: what people did would be lost."""
    raise NotImplementedError("Restore a backup instead.")
