"""The studio's first tables."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from unstrung.studio.jobs import schema_sql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "models",
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column(
            "description",
            postgresql.JSONB(astext_type=sa.Text()),
            nullable=False,
            comment="engine.description.ModelDescription",
        ),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "offered_at",
            sa.DateTime(timezone=True),
            nullable=False,
            comment="when a worker last offered it",
        ),
        sa.Column(
            "mean_run_s",
            sa.Double(),
            nullable=True,
            comment="seconds that a video takes, a running mean; for forecasts",
        ),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_models")),
    )
    op.create_table(
        "persons",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column(
            "name",
            sa.String(length=200),
            nullable=False,
            comment="as the person wants to be called",
        ),
        sa.Column(
            "role",
            sa.Enum("member", "admin", name="role", native_enum=False, length=32),
            nullable=False,
            comment="member, or admin: may see everybody's",
        ),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "weight",
            sa.Double(),
            nullable=False,
            comment="share of the queue when it is full; 2 is twice the usual one",
        ),
        sa.Column(
            "num_videos",
            sa.Integer(),
            nullable=False,
            comment="videos ever asked for; deals them out over the person's places in the queue",
        ),
        sa.CheckConstraint("weight > 0", name=op.f("ck_persons_weight")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_persons")),
    )
    op.create_table(
        "queue",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column(
            "virtual_time",
            sa.BigInteger(),
            nullable=False,
            comment="virtual start of the video that began last",
        ),
        sa.CheckConstraint("id = 1", name=op.f("ck_queue_one_row")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_queue")),
    )
    op.create_table(
        "workers",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("model", sa.String(length=100), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "seen_at", sa.DateTime(timezone=True), nullable=False, comment="last sign of life"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_workers")),
    )
    op.create_index(op.f("ix_workers_seen_at"), "workers", ["seen_at"], unique=False)
    op.create_table(
        "characters",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("person_id", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("file", sa.Text(), nullable=False, comment="storage key of the clip"),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["person_id"], ["persons.id"], name=op.f("fk_characters_person_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_characters")),
    )
    op.create_index(op.f("ix_characters_person_id"), "characters", ["person_id"], unique=False)
    op.create_table(
        "keys",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("person_id", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False, comment="what the key is for"),
        sa.Column(
            "prefix",
            sa.String(length=16),
            nullable=False,
            comment="first characters, to tell keys apart",
        ),
        sa.Column("digest", sa.LargeBinary(), nullable=False, comment="SHA-256 of the key"),
        sa.Column(
            "scopes",
            postgresql.JSONB(astext_type=sa.Text()),
            nullable=False,
            comment="what the key may be used for",
        ),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "last_used_at", sa.DateTime(timezone=True), nullable=True, comment="to the minute"
        ),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["person_id"], ["persons.id"], name=op.f("fk_keys_person_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_keys")),
        sa.UniqueConstraint("digest", name=op.f("uq_keys_digest")),
    )
    op.create_index(op.f("ix_keys_person_id"), "keys", ["person_id"], unique=False)
    op.create_table(
        "videos",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("person_id", sa.String(length=64), nullable=False),
        sa.Column(
            "kind",
            sa.Enum("create", "remix", "edit", "extend", name="kind", native_enum=False, length=32),
            nullable=False,
        ),
        sa.Column(
            "model",
            sa.String(length=100),
            nullable=False,
            comment="as it was asked for, such as sora-2",
        ),
        sa.Column(
            "resolved_model",
            sa.String(length=100),
            nullable=False,
            comment="the model behind that name",
        ),
        sa.Column("prompt", sa.Text(), nullable=False),
        sa.Column(
            "size",
            sa.String(length=16),
            nullable=False,
            comment="as it is delivered, WIDTHxHEIGHT [px]",
        ),
        sa.Column(
            "seconds", sa.String(length=16), nullable=False, comment="as it was asked for [s]"
        ),
        sa.Column("seed", sa.BigInteger(), nullable=True),
        sa.Column("num_steps", sa.Integer(), nullable=True),
        sa.Column("guidance_scale", sa.Double(), nullable=True),
        sa.Column("verbatim", sa.Boolean(), nullable=False),
        sa.Column(
            "reference_file",
            sa.Text(),
            nullable=True,
            comment="key of the picture or clip to begin from",
        ),
        sa.Column(
            "source_file", sa.Text(), nullable=True, comment="key of the clip to edit or extend"
        ),
        sa.Column(
            "source_video_id",
            sa.String(length=64),
            nullable=True,
            comment="video that this one came from",
        ),
        sa.Column(
            "characters",
            postgresql.JSONB(astext_type=sa.Text()),
            nullable=False,
            comment="ids of characters in it",
        ),
        sa.Column(
            "status",
            sa.Enum(
                "queued",
                "in_progress",
                "completed",
                "failed",
                name="status",
                native_enum=False,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column(
            "phase",
            sa.String(length=16),
            nullable=False,
            comment="queued, loading, denoising, encoding, done",
        ),
        sa.Column("progress", sa.Integer(), nullable=False, comment="percent"),
        sa.Column("step", sa.Integer(), nullable=False, comment="denoising steps that are done"),
        sa.Column("total_steps", sa.Integer(), nullable=False),
        sa.Column(
            "attempt",
            sa.Integer(),
            nullable=False,
            comment="fence: raised when a worker begins; only the worker that raised it last may publish",
        ),
        sa.Column(
            "handed_back",
            sa.Integer(),
            nullable=False,
            comment="attempts that ended because a worker was stopped, which are not held against it",
        ),
        sa.Column(
            "revision",
            sa.Integer(),
            nullable=False,
            comment="raised by every change; the id of its event",
        ),
        sa.Column("job_id", sa.BigInteger(), nullable=True, comment="of Procrastinate"),
        sa.Column(
            "queue_start",
            sa.BigInteger(),
            nullable=False,
            comment="virtual start time, see decision 0012",
        ),
        sa.Column(
            "queue_cost", sa.BigInteger(), nullable=False, comment="virtual time that it takes"
        ),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("completed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("error_code", sa.String(length=64), nullable=True),
        sa.Column("error_message", sa.Text(), nullable=True),
        sa.Column(
            "recipe",
            postgresql.JSONB(astext_type=sa.Text()),
            nullable=True,
            comment="what the file says of how it was made",
        ),
        sa.Column(
            "result",
            postgresql.JSONB(astext_type=sa.Text()),
            nullable=True,
            comment="native size, frames, seconds, notes, timings",
        ),
        sa.Column(
            "files",
            postgresql.JSONB(astext_type=sa.Text()),
            nullable=True,
            comment="storage key of each variant",
        ),
        sa.Column(
            "fingerprint", sa.LargeBinary(), nullable=False, comment="SHA-256 of the request"
        ),
        sa.Column("idempotency_key", sa.String(length=255), nullable=True),
        sa.CheckConstraint("progress BETWEEN 0 AND 100", name=op.f("ck_videos_progress")),
        sa.ForeignKeyConstraint(
            ["person_id"], ["persons.id"], name=op.f("fk_videos_person_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_videos")),
    )
    op.create_index(
        "ix_videos_fingerprint", "videos", ["person_id", "fingerprint", "created_at"], unique=False
    )
    op.create_index(
        "ix_videos_open",
        "videos",
        ["status", "person_id"],
        unique=False,
        postgresql_where=sa.text("status IN ('queued', 'in_progress')"),
    )
    op.create_index(
        "ix_videos_person_id_id",
        "videos",
        ["person_id", sa.literal_column("id DESC")],
        unique=False,
    )
    op.create_index(
        "ix_videos_queue",
        "videos",
        ["queue_start", "id"],
        unique=False,
        postgresql_where=sa.text("status = 'queued'"),
    )
    op.create_index(
        "uq_videos_idempotency_key",
        "videos",
        ["person_id", "idempotency_key"],
        unique=True,
        postgresql_where=sa.text("idempotency_key IS NOT NULL"),
    )
    op.create_table(
        "webhook_endpoints",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("person_id", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column(
            "event_types",
            postgresql.JSONB(astext_type=sa.Text()),
            nullable=False,
            comment="events that it is told of",
        ),
        sa.Column(
            "secret", sa.String(length=100), nullable=False, comment="whsec_..., signs what is sent"
        ),
        sa.Column(
            "old_secret",
            sa.String(length=100),
            nullable=True,
            comment="the one before, which also signs until old_secret_until",
        ),
        sa.Column("old_secret_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "updated_at",
            sa.DateTime(timezone=True),
            nullable=False,
            comment="last change of settings or secret",
        ),
        sa.Column(
            "disabled_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="when it answered 410 Gone; it is told nothing until its url is set again",
        ),
        sa.ForeignKeyConstraint(
            ["person_id"],
            ["persons.id"],
            name=op.f("fk_webhook_endpoints_person_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook_endpoints")),
    )
    op.create_index(
        op.f("ix_webhook_endpoints_person_id"), "webhook_endpoints", ["person_id"], unique=False
    )
    op.create_table(
        "webhook_deliveries",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("endpoint_id", sa.String(length=64), nullable=False),
        sa.Column(
            "event_id",
            sa.String(length=64),
            nullable=False,
            comment="evt_..., the webhook-id of every attempt",
        ),
        sa.Column(
            "event_type",
            sa.Enum(
                "video.completed", "video.failed", name="eventtype", native_enum=False, length=32
            ),
            nullable=False,
        ),
        sa.Column(
            "payload", sa.Text(), nullable=False, comment="JSON, byte for byte as it is signed"
        ),
        sa.Column(
            "status",
            sa.Enum(
                "pending",
                "delivered",
                "failed",
                name="deliverystatus",
                native_enum=False,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column(
            "status_code", sa.Integer(), nullable=True, comment="HTTP status of the last answer"
        ),
        sa.Column("error", sa.Text(), nullable=True, comment="why the last attempt failed"),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("delivered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "next_attempt_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="about when it is tried again",
        ),
        sa.ForeignKeyConstraint(
            ["endpoint_id"],
            ["webhook_endpoints.id"],
            name=op.f("fk_webhook_deliveries_endpoint_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook_deliveries")),
        sa.UniqueConstraint(
            "endpoint_id", "event_id", name=op.f("uq_webhook_deliveries_endpoint_id_event_id")
        ),
    )
    op.execute("INSERT INTO queue (id, virtual_time) VALUES (1, 0)")
    # Procrastinate's own tables; a later release of it that changes them gets a migration of its own here.
    op.get_bind().exec_driver_sql(schema_sql().replace("%", "%%"))
    # Its search for a free lock looks at every open job otherwise; with this one, at those of the lock.
    op.execute(
        "CREATE INDEX ix_procrastinate_jobs_open_lock ON procrastinate_jobs (lock, priority DESC, id) "
        "WHERE status IN ('todo', 'doing')"
    )
    # A plan for any queue would look through all jobs of the others.
    op.execute("ALTER FUNCTION procrastinate_fetch_job_v2 SET plan_cache_mode = force_custom_plan")


def downgrade() -> None:
    """Refuse: what people made would be lost."""
    raise NotImplementedError("There is nothing before the first tables; restore a backup instead.")
