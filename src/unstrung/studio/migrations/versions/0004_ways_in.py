"""Applications, lotteries and invitations."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "criteria",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("cohort_id", sa.String(length=64), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False, comment="in plain words"),
        sa.Column(
            "clauses", postgresql.JSONB(), nullable=False, comment="name of a clause to its text"
        ),
        sa.Column(
            "questions",
            postgresql.JSONB(),
            nullable=False,
            comment="name of a question to its text; nobody has to answer",
        ),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "published_by",
            sa.String(length=64),
            nullable=True,
            comment="person, or None for the command line",
        ),
        sa.ForeignKeyConstraint(["cohort_id"], ["cohorts.id"], name=op.f("fk_criteria_cohort_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_criteria")),
        sa.UniqueConstraint("cohort_id", "version", name=op.f("uq_criteria_cohort_id_version")),
    )
    op.create_table(
        "invitation_declines",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("cohort_id", sa.String(length=64), nullable=False),
        sa.Column("why", sa.Text(), nullable=True, comment="None if nothing was said"),
        sa.Column("declined_on", sa.Date(), nullable=False),
        sa.ForeignKeyConstraint(
            ["cohort_id"], ["cohorts.id"], name=op.f("fk_invitation_declines_cohort_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invitation_declines")),
    )
    op.create_index(
        "ix_invitation_declines_cohort_id",
        "invitation_declines",
        ["cohort_id", "declined_on"],
        unique=False,
    )
    op.create_table(
        "invitations",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("cohort_id", sa.String(length=64), nullable=False),
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
        sa.Column(
            "code_digest",
            sa.LargeBinary(),
            nullable=True,
            comment="SHA-256; None until the applicant asks for the code",
        ),
        sa.Column("max_uses", sa.Integer(), nullable=False),
        sa.Column("num_uses", sa.Integer(), nullable=False),
        sa.Column(
            "expires_at",
            sa.DateTime(timezone=True),
            nullable=False,
            comment="without the time that pauses of everybody give back",
        ),
        sa.Column("note", sa.Text(), nullable=False, comment="for stewards: whom it is for"),
        sa.Column(
            "hold_id",
            sa.String(length=64),
            nullable=True,
            comment="the seat that is kept for it, if one is",
        ),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "created_by",
            sa.String(length=64),
            nullable=True,
            comment="person, or None for the command line",
        ),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "declined_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="only where it had one use",
        ),
        sa.CheckConstraint(
            "num_uses >= 0 AND num_uses <= max_uses", name=op.f("ck_invitations_num_uses")
        ),
        sa.ForeignKeyConstraint(
            ["cohort_id"], ["cohorts.id"], name=op.f("fk_invitations_cohort_id")
        ),
        sa.ForeignKeyConstraint(
            ["hold_id"], ["seat_holds.id"], name=op.f("fk_invitations_hold_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invitations")),
        sa.UniqueConstraint("code_digest", name=op.f("uq_invitations_code_digest")),
    )
    op.create_index("ix_invitations_cohort_id", "invitations", ["cohort_id", "id"], unique=False)
    op.create_table(
        "lotteries",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("cohort_id", sa.String(length=64), nullable=False),
        sa.Column("seats", sa.Integer(), nullable=False, comment="that are drawn for"),
        sa.Column(
            "hold_id",
            sa.String(length=64),
            nullable=False,
            comment="keeps the seats until the draw",
        ),
        sa.Column(
            "seed", sa.LargeBinary(), nullable=False, comment="32 bytes; told with the draw only"
        ),
        sa.Column(
            "seed_hash",
            sa.String(length=64),
            nullable=False,
            comment="SHA-256 of the seed, hexadecimal",
        ),
        sa.Column("announced_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "announced_by",
            sa.String(length=64),
            nullable=True,
            comment="person, or None for the command line",
        ),
        sa.Column(
            "closes_at",
            sa.DateTime(timezone=True),
            nullable=False,
            comment="applications up to then take part",
        ),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "tickets", postgresql.JSONB(), nullable=True, comment="sorted; fixed when it is closed"
        ),
        sa.Column("tickets_hash", sa.String(length=64), nullable=True),
        sa.Column("drawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "drawn_order", postgresql.JSONB(), nullable=True, comment="tickets, first drawn first"
        ),
        sa.Column(
            "announced_entry_id", sa.String(length=64), nullable=False, comment="entry of the log"
        ),
        sa.Column("closed_entry_id", sa.String(length=64), nullable=True),
        sa.Column("drawn_entry_id", sa.String(length=64), nullable=True),
        sa.CheckConstraint(
            "drawn_at IS NULL OR closed_at IS NOT NULL", name=op.f("ck_lotteries_drawn_at")
        ),
        sa.CheckConstraint("seats > 0", name=op.f("ck_lotteries_seats")),
        sa.ForeignKeyConstraint(["cohort_id"], ["cohorts.id"], name=op.f("fk_lotteries_cohort_id")),
        sa.ForeignKeyConstraint(["hold_id"], ["seat_holds.id"], name=op.f("fk_lotteries_hold_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lotteries")),
    )
    op.create_index(
        "uq_lotteries_open",
        "lotteries",
        ["cohort_id"],
        unique=True,
        postgresql_where=sa.text("drawn_at IS NULL"),
    )
    op.create_table(
        "applications",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("cohort_id", sa.String(length=64), nullable=False),
        sa.Column(
            "criteria_id",
            sa.String(length=64),
            nullable=False,
            comment="the version that it was made under",
        ),
        sa.Column(
            "token_digest",
            sa.LargeBinary(),
            nullable=False,
            comment="SHA-256 of what lets the applicant read it",
        ),
        sa.Column(
            "ticket",
            sa.String(length=64),
            nullable=False,
            comment="public code in a lottery's list",
        ),
        sa.Column(
            "name",
            sa.String(length=200),
            nullable=False,
            comment="as the applicant wants to be called",
        ),
        sa.Column(
            "contact",
            sa.String(length=320),
            nullable=False,
            comment="e-mail or another way; not checked",
        ),
        sa.Column("roles", postgresql.JSONB(), nullable=False, comment="roles that are wished for"),
        sa.Column("wish", sa.Text(), nullable=False, comment="what the applicant wants to make"),
        sa.Column("links", postgresql.JSONB(), nullable=False),
        sa.Column("language", sa.String(length=8), nullable=False),
        sa.Column(
            "answers",
            postgresql.JSONB(),
            nullable=False,
            comment="name of a question to its answer",
        ),
        sa.Column(
            "state",
            sa.Enum(
                "waiting",
                "admitted",
                "refused",
                "withdrawn",
                name="applicationstate",
                native_enum=False,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "draw_place",
            sa.Integer(),
            nullable=True,
            comment="place over all lotteries of the cohort; None if it was in none",
        ),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "decided_by",
            sa.String(length=64),
            nullable=True,
            comment="person, or None for a lottery; never told to the applicant",
        ),
        sa.Column(
            "out_of_turn",
            sa.Text(),
            nullable=True,
            comment="public reason why it was admitted before others",
        ),
        sa.Column("statement_id", sa.String(length=64), nullable=True),
        sa.Column("invitation_id", sa.String(length=64), nullable=True),
        sa.Column(
            "person_id",
            sa.String(length=64),
            nullable=True,
            comment="who came in by it; it is exported and erased with them",
        ),
        sa.Column(
            "log_entry_id",
            sa.String(length=64),
            nullable=True,
            comment="entry of the log that proves when it was made",
        ),
        sa.ForeignKeyConstraint(
            ["cohort_id"], ["cohorts.id"], name=op.f("fk_applications_cohort_id")
        ),
        sa.ForeignKeyConstraint(
            ["criteria_id"], ["criteria.id"], name=op.f("fk_applications_criteria_id")
        ),
        sa.ForeignKeyConstraint(
            ["invitation_id"], ["invitations.id"], name=op.f("fk_applications_invitation_id")
        ),
        sa.ForeignKeyConstraint(
            ["person_id"],
            ["persons.id"],
            name=op.f("fk_applications_person_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["statement_id"], ["statements.id"], name=op.f("fk_applications_statement_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_applications")),
        sa.UniqueConstraint("ticket", name=op.f("uq_applications_ticket")),
        sa.UniqueConstraint("token_digest", name=op.f("uq_applications_token_digest")),
    )
    op.create_index(
        "ix_applications_contact",
        "applications",
        ["cohort_id", sa.literal_column("lower(contact)")],
        unique=False,
    )
    op.create_index(op.f("ix_applications_person_id"), "applications", ["person_id"], unique=False)
    op.create_index(
        "ix_applications_waitlist",
        "applications",
        ["cohort_id", "state", "draw_place", "id"],
        unique=False,
    )


def downgrade() -> None:
    """Refuse: what people did would be lost."""
    raise NotImplementedError("Restore a backup instead.")
