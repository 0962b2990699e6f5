"""Cohorts, seats, roles and stages."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "cohorts",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column(
            "seats", sa.Integer(), nullable=False, comment="most people who sit in it at a time"
        ),
        sa.Column("purpose", sa.Text(), nullable=False, comment="what it is for, in plain words"),
        sa.Column(
            "stage",
            sa.Enum(
                "internal",
                "red-team",
                "artists",
                "waitlist",
                "open",
                name="stage",
                native_enum=False,
                length=32,
            ),
            nullable=False,
            comment="from which on seats can be taken",
        ),
        sa.Column(
            "takes_applications",
            sa.Boolean(),
            nullable=False,
            comment="once criteria are published",
        ),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("seats > 0", name=op.f("ck_cohorts_seats")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cohorts")),
        sa.UniqueConstraint("name", name=op.f("uq_cohorts_name")),
    )
    op.create_table(
        "gates",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column(
            "stage",
            sa.Enum(
                "internal",
                "red-team",
                "artists",
                "waitlist",
                "open",
                name="stage",
                native_enum=False,
                length=32,
            ),
            nullable=False,
            comment="which begins behind it",
        ),
        sa.Column("text", sa.Text(), nullable=False, comment="what has to be done"),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "done_at", sa.DateTime(timezone=True), nullable=True, comment="None while it is shut"
        ),
        sa.Column("evidence_url", sa.Text(), nullable=True, comment="where anybody can check it"),
        sa.Column(
            "reopened_because",
            sa.Text(),
            nullable=True,
            comment="why it was shut again, the last time",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_gates")),
    )
    op.create_index("ix_gates_stage", "gates", ["stage", "id"], unique=False)
    op.create_table(
        "stage_moves",
        sa.Column("number", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column(
            "from_stage",
            sa.Enum(
                "internal",
                "red-team",
                "artists",
                "waitlist",
                "open",
                name="stage",
                native_enum=False,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column(
            "to_stage",
            sa.Enum(
                "internal",
                "red-team",
                "artists",
                "waitlist",
                "open",
                name="stage",
                native_enum=False,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column(
            "reason", sa.Text(), nullable=True, comment="public; always there for a step back"
        ),
        sa.Column("moved_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "moved_by",
            sa.String(length=64),
            nullable=True,
            comment="person, or None for the command line",
        ),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_stage_moves")),
    )
    op.create_table(
        "role_grants",
        sa.Column("person_id", sa.String(length=64), nullable=False),
        sa.Column(
            "role",
            sa.Enum(
                "artist",
                "designer",
                "film-maker",
                "red-teamer",
                "resident",
                "juror",
                "reviewer",
                "steward",
                "witness",
                name="programmerole",
                native_enum=False,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("granted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "granted_by",
            sa.String(length=64),
            nullable=True,
            comment="person, or None for the command line",
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["persons.id"], name=op.f("fk_role_grants_person_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("person_id", "role", name=op.f("pk_role_grants")),
    )
    op.create_table(
        "role_withdrawals",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("person_id", sa.String(length=64), nullable=False),
        sa.Column(
            "role",
            sa.Enum(
                "artist",
                "designer",
                "film-maker",
                "red-teamer",
                "resident",
                "juror",
                "reviewer",
                "steward",
                "witness",
                name="programmerole",
                native_enum=False,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("reason", sa.Text(), nullable=False, comment="told to the person"),
        sa.Column("proposed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "proposed_by",
            sa.String(length=64),
            nullable=True,
            comment="person, or None for the command line",
        ),
        sa.Column(
            "withdrawn_at", sa.DateTime(timezone=True), nullable=True, comment="None while it waits"
        ),
        sa.Column("seconded_by", sa.String(length=64), nullable=True),
        sa.ForeignKeyConstraint(
            ["person_id"],
            ["persons.id"],
            name=op.f("fk_role_withdrawals_person_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_role_withdrawals")),
    )
    op.create_index(
        "ix_role_withdrawals_person_id", "role_withdrawals", ["person_id", "role"], unique=False
    )
    op.create_table(
        "seat_holds",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("cohort_id", sa.String(length=64), nullable=False),
        sa.Column("num_seats", sa.Integer(), nullable=False),
        sa.Column("held_since", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "expires_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="without the time that pauses give back; None until it is released",
        ),
        sa.Column(
            "released_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="None while it is kept",
        ),
        sa.CheckConstraint("num_seats > 0", name=op.f("ck_seat_holds_num_seats")),
        sa.ForeignKeyConstraint(
            ["cohort_id"], ["cohorts.id"], name=op.f("fk_seat_holds_cohort_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_seat_holds")),
    )
    op.create_index(
        "ix_seat_holds_open",
        "seat_holds",
        ["cohort_id"],
        unique=False,
        postgresql_where=sa.text("released_at IS NULL"),
    )
    op.create_table(
        "seats",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("cohort_id", sa.String(length=64), nullable=False),
        sa.Column("person_id", sa.String(length=64), nullable=False),
        sa.Column("taken_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "left_at", sa.DateTime(timezone=True), nullable=True, comment="None while it is held"
        ),
        sa.ForeignKeyConstraint(["cohort_id"], ["cohorts.id"], name=op.f("fk_seats_cohort_id")),
        sa.ForeignKeyConstraint(
            ["person_id"], ["persons.id"], name=op.f("fk_seats_person_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_seats")),
    )
    op.create_index(
        "ix_seats_cohort_id",
        "seats",
        ["cohort_id"],
        unique=False,
        postgresql_where=sa.text("left_at IS NULL"),
    )
    op.create_index(
        "ix_seats_left",
        "seats",
        ["cohort_id", "left_at"],
        unique=False,
        postgresql_where=sa.text("left_at IS NOT NULL"),
    )
    op.create_index(
        "uq_seats_taken",
        "seats",
        ["person_id"],
        unique=True,
        postgresql_where=sa.text("left_at IS NULL"),
    )


def downgrade() -> None:
    """Refuse: what people did would be lost."""
    raise NotImplementedError("Restore a backup instead.")
