"""Folders, stars and search; shares that show their prompt; the public feed."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_WORDS = "lower(left(prompt, 1600) || ' ' || left(coalesce(recipe ->> 'caption', ''), 400))"
# Every three characters that follow one another, of any script and in any locale.
_TRIGRAMS = """
    CREATE FUNCTION trigrams_of(words text) RETURNS text[] LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
        SELECT coalesce(array_agg(DISTINCT a || b || c), '{}') FROM (
            SELECT letter AS a, lead(letter) OVER place AS b, lead(letter, 2) OVER place AS c
            FROM regexp_split_to_table(words, '') WITH ORDINALITY AS letters (letter, number)
            WINDOW place AS (ORDER BY number)
        ) AS triples WHERE c IS NOT NULL AND a <> ' ' AND b <> ' ' AND c <> ' '
    $$
"""


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "folders",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("person_id", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["person_id"], ["persons.id"], name=op.f("fk_folders_person_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_folders")),
        sa.UniqueConstraint("person_id", "name", name=op.f("uq_folders_person_id_name")),
    )
    op.create_table(
        "shelf_marks",
        sa.Column("video_id", sa.String(length=64), nullable=False),
        sa.Column("person_id", sa.String(length=64), nullable=False),
        sa.Column("is_starred", sa.Boolean(), nullable=False),
        sa.Column("folder_id", sa.String(length=64), nullable=True),
        sa.ForeignKeyConstraint(
            ["video_id"], ["videos.id"], name=op.f("fk_shelf_marks_video_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["persons.id"], name=op.f("fk_shelf_marks_person_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["folder_id"], ["folders.id"], name=op.f("fk_shelf_marks_folder_id"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("video_id", name=op.f("pk_shelf_marks")),
    )  # fmt: skip
    op.create_index(
        "ix_shelf_marks_folder", "shelf_marks", ["folder_id", "video_id"],
        postgresql_where=sa.text("folder_id IS NOT NULL"),
    )  # fmt: skip
    op.create_index(
        "ix_shelf_marks_starred", "shelf_marks", ["person_id", "video_id"],
        postgresql_where=sa.text("is_starred"),
    )  # fmt: skip
    op.execute(_TRIGRAMS)
    op.add_column(
        "videos",
        sa.Column(
            "words", sa.Text(), sa.Computed(_WORDS, persisted=True), nullable=False,
            comment="beginnings of prompt and caption in small letters, for search",
        ),
    )  # fmt: skip
    op.execute("CREATE INDEX ix_videos_trigrams ON videos USING gin (trigrams_of(words))")
    op.add_column(
        "shares",
        sa.Column(
            "shows_prompt", sa.Boolean(), server_default=sa.false(), nullable=False,
            comment="whether its page says the prompt",
        ),
    )  # fmt: skip
    op.alter_column("shares", "shows_prompt", server_default=None)
    op.create_index(
        "ix_shares_public", "shares", ["id"],
        postgresql_where=sa.text("audience = 'public' AND status IN ('shared', 'waiting')"),
    )  # fmt: skip


def downgrade() -> None:
    """Refuse: what people did would be lost."""
    raise NotImplementedError("Restore a backup instead.")
