"""Wire format of the charter: what may be asked, and what is told."""

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, Final, Literal

from pydantic import BaseModel, Field

from unstrung.charter.changes import Change, CharterChanges, Part, SentenceChange
from unstrung.charter.clauses import ORIGINAL, Charter
from unstrung.studio.charters.models import (
    CharterAcceptance,
    CharterStatus,
    CharterText,
    CharterVersion,
)
from unstrung.studio.fields import Moment, StrictRequest

Language = Annotated[str, Field(max_length=8, description="Such as en; the original is en.")]
Version = Annotated[str, Field(max_length=16, description="Such as 1.0.")]


class PublishCharter(StrictRequest):
    """Publish a version that lies in the charter folder."""

    version: Version
    effective_at: Moment | None = Field(
        None,
        description="From when it applies; at least 7 days after publishing, unless it is the first version. "
        "Left out: as early as may be.",
    )


class AcceptCharter(StrictRequest):
    """Accept a version in the words that were read."""

    version: Version
    language: Language
    digest: str = Field(
        min_length=64, max_length=64, description="SHA-256 of the text that was read, hexadecimal."
    )


BODIES: Final = (PublishCharter, AcceptCharter)


class ReadCharter(StrictRequest):
    """Which text is wanted."""

    language: Language = ORIGINAL
    version: Version | None = Field(None, description="Left out: the version in force.")


class CompareCharters(StrictRequest):
    """Between which versions the differences are wanted."""

    before: Version = Field(alias="from")
    after: Version | None = Field(None, alias="to", description="Left out: the newest version.")
    language: Language = ORIGINAL


class ClauseObject(BaseModel):
    """One numbered clause."""

    id: str = Field(description="The same in every language and version.")
    number: int
    title: str
    text: list[str] = Field(description="What holds for both sides.")
    we: list[str] = Field(description="What the operator promises.")
    you: list[str] = Field(description="What the person promises.")


class CharterVersionObject(BaseModel):
    """A published version."""

    object: Literal["charter.version"] = "charter.version"
    version: str
    status: CharterStatus
    published_at: datetime
    effective_at: datetime
    digests: dict[str, str] = Field(description="Language to SHA-256 of the text.")
    entry_id: str = Field(description="Of the log.")


class CharterVersionList(BaseModel):
    """All published versions, newest first."""

    object: Literal["list"] = "list"
    data: list[CharterVersionObject]


class CharterObject(BaseModel):
    """A published version in one language."""

    object: Literal["charter"] = "charter"
    version: str
    language: str
    status: CharterStatus
    effective_at: datetime
    digest: str = Field(description="SHA-256 of `source` in UTF-8; to accept it, send it back.")
    is_translation: bool
    original: str = Field(description="Where the text is that prevails.")
    notice: str
    title: str
    introduction: list[str]
    clauses: list[ClauseObject]
    source: str = Field(description="The whole text as Markdown, which is what is accepted.")


class SentenceChangeObject(BaseModel):
    """One sentence that differs."""

    change: Change
    part: Part
    before: str
    after: str


class ClauseChangeObject(BaseModel):
    """One clause that differs."""

    id: str
    title: str
    changes: list[Change]
    number_before: int | None
    number_after: int | None
    sentences: list[SentenceChangeObject]


class CharterChangesObject(BaseModel):
    """Everything that differs between two published versions."""

    object: Literal["charter.changes"] = "charter.changes"
    language: str
    version_before: str
    version_after: str
    digest_before: str
    digest_after: str
    opening: list[SentenceChangeObject]
    clauses: list[ClauseChangeObject]
    told: str = Field(description="The same in plain words, as Markdown.")


class CharterAcceptanceObject(BaseModel):
    """A yes that was given."""

    id: str
    object: Literal["charter.acceptance"] = "charter.acceptance"
    version: str
    language: str
    digest: str
    accepted_at: datetime
    receipt_id: str = Field(description="Entry of the log.")


class CharterAcceptanceList(BaseModel):
    """What somebody accepted, newest first."""

    object: Literal["list"] = "list"
    data: list[CharterAcceptanceObject]


def version_object(
    version: CharterVersion, texts: Iterable[CharterText], status: CharterStatus
) -> CharterVersionObject:
    """A row as it is told."""
    return CharterVersionObject(
        version=version.version,
        status=status,
        published_at=version.published_at,
        effective_at=version.effective_at,
        digests={each.language: each.digest for each in texts},
        entry_id=version.entry_id,
    )


def charter_object(
    charter: Charter, effective_at: datetime, status: CharterStatus
) -> CharterObject:
    """A text as it is told."""
    return CharterObject(
        version=charter.version,
        language=charter.language,
        status=status,
        effective_at=effective_at,
        digest=charter.sha256,
        is_translation=charter.is_translation,
        original=f"/programme/v1/charter?language={ORIGINAL}&version={charter.version}",
        notice=charter.notice,
        title=charter.title,
        introduction=list(charter.introduction),
        clauses=[
            ClauseObject(
                id=each.id, number=each.number, title=each.title, text=list(each.text),
                we=list(each.we), you=list(each.you),
            )
            for each in charter.clauses
        ],
        source=charter.source,
    )  # fmt: skip


def changes_object(changes: CharterChanges, told: str) -> CharterChangesObject:
    """Differences as they are told."""
    return CharterChangesObject(
        language=changes.language,
        version_before=changes.version_before,
        version_after=changes.version_after,
        digest_before=changes.sha256_before,
        digest_after=changes.sha256_after,
        opening=[_sentence(each) for each in changes.opening],
        clauses=[
            ClauseChangeObject(
                id=each.id, title=each.title, changes=list(each.changes),
                number_before=each.number_before, number_after=each.number_after,
                sentences=[_sentence(sentence) for sentence in each.sentences],
            )
            for each in changes.clauses
        ],
        told=told,
    )  # fmt: skip


def acceptance_object(acceptance: CharterAcceptance) -> CharterAcceptanceObject:
    """A row as it is told."""
    return CharterAcceptanceObject(
        id=acceptance.id,
        version=acceptance.version,
        language=acceptance.language,
        digest=acceptance.digest,
        accepted_at=acceptance.accepted_at,
        receipt_id=acceptance.entry_id,
    )


def _sentence(each: SentenceChange) -> SentenceChangeObject:
    return SentenceChangeObject(
        change=each.change, part=each.part, before=each.before, after=each.after
    )
