"""Tables of the programme: log, statements, pauses, admission, charter, consents, sharing."""

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
        "email_addresses",
        sa.Column("address", sa.String(length=320), nullable=False, comment="in small letters"),
        sa.Column("person_id", sa.String(length=64), nullable=False),
        sa.Column(
            "verified_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="when a link to it was followed",
        ),
        sa.ForeignKeyConstraint(
            ["person_id"],
            ["persons.id"],
            name=op.f("fk_email_addresses_person_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("address", name=op.f("pk_email_addresses")),
    )
    op.create_index(
        op.f("ix_email_addresses_person_id"), "email_addresses", ["person_id"], unique=False
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
        "login_links",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False, comment="SHA-256 of its token"),
        sa.Column(
            "address",
            sa.String(length=320),
            nullable=True,
            comment="where it was sent; None if it was handed over otherwise",
        ),
        sa.Column(
            "person_id",
            sa.String(length=64),
            nullable=True,
            comment="whom it signs in; None for whoever has the address",
        ),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["person_id"], ["persons.id"], name=op.f("fk_login_links_person_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_login_links")),
        sa.UniqueConstraint("digest", name=op.f("uq_login_links_digest")),
    )
    op.create_index(
        "ix_login_links_address", "login_links", ["address", "created_at"], unique=False
    )
    op.create_index("ix_login_links_expires_at", "login_links", ["expires_at"], unique=False)
    op.create_table(
        "outside_identities",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("person_id", sa.String(length=64), nullable=False),
        sa.Column("issuer", sa.Text(), nullable=False, comment="its address, as its tokens say"),
        sa.Column("subject", sa.String(length=255), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["person_id"],
            ["persons.id"],
            name=op.f("fk_outside_identities_person_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outside_identities")),
        sa.UniqueConstraint("issuer", "subject", name=op.f("uq_outside_identities_issuer_subject")),
    )
    op.create_index(
        op.f("ix_outside_identities_person_id"), "outside_identities", ["person_id"], unique=False
    )
    op.create_table(
        "passkeys",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("person_id", sa.String(length=64), nullable=False),
        sa.Column("credential_id", sa.LargeBinary(), nullable=False),
        sa.Column("public_key", sa.LargeBinary(), nullable=False, comment="COSE"),
        sa.Column(
            "sign_count",
            sa.BigInteger(),
            nullable=False,
            comment="as the authenticator counts; one that does not go up was copied",
        ),
        sa.Column(
            "transports", postgresql.JSONB(), nullable=False, comment="how a browser reaches it"
        ),
        sa.Column("name", sa.String(length=100), nullable=False, comment="as the person calls it"),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "last_used_at", sa.DateTime(timezone=True), nullable=True, comment="to the minute"
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["persons.id"], name=op.f("fk_passkeys_person_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_passkeys")),
        sa.UniqueConstraint("credential_id", name=op.f("uq_passkeys_credential_id")),
    )
    op.create_index(op.f("ix_passkeys_person_id"), "passkeys", ["person_id"], unique=False)
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
    op.create_table(
        "sessions",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("person_id", sa.String(length=64), nullable=False),
        sa.Column(
            "way",
            sa.Enum("passkey", "email", "oidc", name="way", native_enum=False, length=32),
            nullable=False,
        ),
        sa.Column(
            "holder_digest",
            sa.LargeBinary(),
            nullable=False,
            comment="SHA-256 of the secret that the browser holds beside the token",
        ),
        sa.Column(
            "program",
            sa.String(length=32),
            nullable=False,
            comment="family of the browser or program; the session is good in no other",
        ),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "rotated_at",
            sa.DateTime(timezone=True),
            nullable=False,
            comment="when the present token was made",
        ),
        sa.Column(
            "last_seen_at", sa.DateTime(timezone=True), nullable=False, comment="to the minute"
        ),
        sa.Column(
            "expires_at",
            sa.DateTime(timezone=True),
            nullable=False,
            comment="however much it is used",
        ),
        sa.Column(
            "fresh_until",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="until when a steward may act without another passkey; None if none was used",
        ),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "end_reason",
            sa.Enum(
                "signed-out",
                "ended-by-person",
                "replaced",
                "replayed",
                "wrong-holder",
                "revoked",
                name="endreason",
                native_enum=False,
                length=32,
            ),
            nullable=True,
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["persons.id"], name=op.f("fk_sessions_person_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sessions")),
    )
    op.create_index("ix_sessions_expires_at", "sessions", ["expires_at"], unique=False)
    op.create_index("ix_sessions_person_id", "sessions", ["person_id", "id"], unique=False)
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
        "session_tokens",
        sa.Column("digest", sa.LargeBinary(), nullable=False, comment="SHA-256"),
        sa.Column("session_id", sa.String(length=64), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "replaced_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="None for the present one",
        ),
        sa.ForeignKeyConstraint(
            ["session_id"],
            ["sessions.id"],
            name=op.f("fk_session_tokens_session_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_session_tokens")),
    )
    op.create_index("ix_session_tokens_session_id", "session_tokens", ["session_id"], unique=False)
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
        "sign_in_attempts",
        sa.Column(
            "digest",
            sa.LargeBinary(),
            nullable=False,
            comment="SHA-256 of the secret in the browser's cookie",
        ),
        sa.Column(
            "kind",
            sa.Enum(
                "register-passkey",
                "passkey-login",
                "oidc",
                name="attemptkind",
                native_enum=False,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column(
            "session_id",
            sa.String(length=64),
            nullable=True,
            comment="session that adds a way in; None to sign in",
        ),
        sa.Column(
            "content",
            postgresql.JSONB(),
            nullable=False,
            comment="what the answer is checked against",
        ),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["session_id"],
            ["sessions.id"],
            name=op.f("fk_sign_in_attempts_session_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_sign_in_attempts")),
    )
    op.create_index(
        "ix_sign_in_attempts_expires_at", "sign_in_attempts", ["expires_at"], unique=False
    )
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
