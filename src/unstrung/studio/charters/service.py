"""Rules of the charter: what was published stays as it was, and nobody works under words they did not accept.

A steward publishes a version out of the charter folder with the operator's terms filled in; from then on its
texts are those of the database. The first version may apply at once. A later one applies 7 days after it was
published at the earliest, and may be accepted before; who has accepted the one in force may go on until then.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from sqlalchemy import Select, select, text
from sqlalchemy.orm import Session

from unstrung.charter import clauses, texts
from unstrung.charter.changes import CharterChanges, compare
from unstrung.charter.clauses import ORIGINAL, Charter
from unstrung.charter.errors import CharterError
from unstrung.charter.terms import Terms, fill
from unstrung.studio.access.models import Scope
from unstrung.studio.access.service import Caller
from unstrung.studio.accounts.models import Person
from unstrung.studio.admission import service as admission
from unstrung.studio.admission.service import Right
from unstrung.studio.charters.models import (
    CharterAcceptance,
    CharterStatus,
    CharterText,
    CharterVersion,
)
from unstrung.studio.database import now
from unstrung.studio.errors import Conflict, Forbidden, InvalidField, NotFound
from unstrung.studio.identity import new_id
from unstrung.studio.log import service as log
from unstrung.studio.log.models import EntryKind
from unstrung.studio.settings import Settings

NOTICE: Final = timedelta(days=7)
READ_AT: Final = "/programme/v1/charter"
ACCEPT_AT: Final = "/programme/v1/charter/acceptances"


@dataclass(frozen=True)
class Published:
    """A version as it stands now.

    Attributes:
        version: the row.
        texts: in every language, the original first.
        status: upcoming, in force or past.
    """

    version: CharterVersion
    texts: tuple[CharterText, ...]
    status: CharterStatus


def publish(
    session: Session,
    settings: Settings,
    caller: Caller,
    version: str,
    effective_at: datetime | None,
) -> Published:
    """Publish a version that lies in the charter folder, in all its languages, with the operator's terms.

    Args:
        session: of the transaction.
        settings: name the folder and the terms.
        caller: a steward.
        version: such as "1.0"; greater than every published one.
        effective_at: from when it applies; None for as early as may be.

    Raises:
        Forbidden: if the caller may not.
        InvalidField: naming what is wrong with version, time or texts.
        Conflict: if a term of the operator's is not set.
    """
    caller.must_have(Scope.ADMIN)
    admission.must_have_right(session, caller.person_id, Right.PUBLISH_CHARTER)
    # One after the other: each must be newer than the one before. Readers are not held up.
    session.execute(text("LOCK TABLE charter_versions IN SHARE ROW EXCLUSIVE MODE"))
    moment = now()
    before = session.scalar(_newest_first().limit(1))
    found = _filled(settings, version)
    if before is not None and _numbers(version) <= _numbers(before.version):
        raise InvalidField(
            f"version must be greater than {before.version}, which is published, got {version}",
            "version",
        )
    begins = _checked_beginning(before, effective_at, moment)
    digests = {language: charter.sha256 for language, charter in found.items()}
    content = {"version": version, "digests": digests, "effective_at": begins.isoformat()}
    entry = log.record(session, EntryKind.CHARTER_PUBLISHED, content)
    row = CharterVersion(
        version=version, published_at=moment, published_by=caller.person_id,
        effective_at=begins, entry_id=entry.id,
    )  # fmt: skip
    session.add(row)
    session.flush()
    session.add_all(
        CharterText(version=version, language=language, digest=each.sha256, source=each.source)
        for language, each in found.items()
    )
    session.flush()
    return _published(session, row)


def in_force(session: Session) -> CharterVersion | None:
    """The version that applies now; None before the first one does."""
    query = _newest_first().where(CharterVersion.effective_at <= now())
    return session.scalar(query.limit(1))


def list_versions(session: Session) -> list[Published]:
    """All published versions, newest first; everybody may see them."""
    return [_published(session, row) for row in session.scalars(_newest_first())]


def read(session: Session, version: str | None, language: str) -> tuple[Charter, Published]:
    """A published text; everybody may read it.

    Args:
        session: of the transaction.
        version: None for the one in force, or the first one before it is.
        language: one of those that it was published in.

    Raises:
        NotFound: if nothing like that was published.
        InvalidField: if the version was published, but not in this language.
    """
    row = in_force(session) if version is None else session.get(CharterVersion, version)
    if row is None and version is None:
        row = session.scalar(_newest_first().limit(1))
    if row is None:
        raise _unknown(session, version, "version")
    published = _published(session, row)
    return _charter(published, language), published


def differences(session: Session, before: str, after: str | None, language: str) -> CharterChanges:
    """What changes from one published version to another; everybody may see it.

    Args:
        session: of the transaction.
        before: the older version.
        after: the newer version; None for the newest.
        language: of both texts.

    Raises:
        NotFound, InvalidField: if one of them was not published, or not in this language.
    """
    if after is None:
        newest = session.scalar(_newest_first().limit(1))
        after = None if newest is None else newest.version
    found = []
    for param, version in (("from", before), ("to", after)):
        row = None if version is None else session.get(CharterVersion, version)
        if row is None:
            raise _unknown(session, version, param)
        found.append(_charter(_published(session, row), language))
    return compare(*found)


def accept(
    session: Session, caller: Caller, version: str, language: str, digest: str
) -> CharterAcceptance:
    """Note somebody's yes to the version in force, or to one that is published and yet to come.

    To say yes twice changes nothing and returns the first yes.

    Args:
        session: of the transaction.
        caller: who accepts, for themselves.
        version, language: what was read.
        digest: of the words that were read; proves that they were these.

    Raises:
        Forbidden: if the key may only read.
        NotFound: if the version was never published.
        InvalidField: naming the version, or the digest, that is right.
    """
    caller.must_have(Scope.GENERATE)
    row = session.get(CharterVersion, version)
    if row is None:
        raise _unknown(session, version, "version")
    published = _published(session, row)
    if published.status == CharterStatus.PAST:
        current = in_force(session)
        assert current is not None, "a past version has a successor"
        raise InvalidField(
            f"version must be {current.version}, which is in force, got {version}", "version"
        )
    charter = _charter(published, language)
    if digest.lower() != charter.sha256:
        raise InvalidField(
            f"digest must be that of version {version} in '{language}', {charter.sha256}, got {digest}; "
            f"read that text at {READ_AT}?version={version}&language={language}",
            "digest",
        )
    # The person's row is the gate: of two answers at once one finds the other.
    session.get_one(Person, caller.person_id, with_for_update=True)
    given = session.scalar(
        select(CharterAcceptance).where(
            CharterAcceptance.person_id == caller.person_id, CharterAcceptance.version == version
        )
    )
    if given is not None:
        return given
    content = {"version": version, "language": language, "digest": charter.sha256}
    entry = log.record(session, EntryKind.CHARTER_ACCEPTED, content, caller.person_id)
    acceptance = CharterAcceptance(
        id=new_id("acceptance"), person_id=caller.person_id, version=version, language=language,
        digest=charter.sha256, accepted_at=now(), entry_id=entry.id,
    )  # fmt: skip
    session.add(acceptance)
    session.flush()
    return acceptance


def language_of(session: Session, person_id: str) -> str:
    """The language that somebody last accepted the charter in; the original's if they accepted none."""
    query = select(CharterAcceptance.language).where(CharterAcceptance.person_id == person_id)
    return session.scalar(query.order_by(CharterAcceptance.id.desc()).limit(1)) or ORIGINAL


def list_acceptances(session: Session, caller: Caller) -> Sequence[CharterAcceptance]:
    """What the caller accepted, newest first.

    Raises:
        Forbidden: if the key may not read.
    """
    caller.must_have(Scope.READ)
    query = select(CharterAcceptance).where(CharterAcceptance.person_id == caller.person_id)
    return session.scalars(query.order_by(CharterAcceptance.id.desc())).all()


def must_have_accepted(session: Session, settings: Settings, caller: Caller) -> None:
    """Refuse to begin anything for somebody who has not accepted the version in force.

    A studio that runs no programme needs no charter. In a programme nobody works before there is one: it
    says what the operator owes.

    Raises:
        Forbidden: naming the version and where to read it, also in machine-readable form.
    """
    if not settings.programme:
        return
    version = in_force(session)
    if version is None:
        raise Forbidden(
            "No charter is in force here yet, and nothing is made before one is; a steward publishes it.",
            code="charter_not_accepted",
        )
    query = select(CharterAcceptance.id).where(
        CharterAcceptance.person_id == caller.person_id,
        CharterAcceptance.version == version.version,
    )
    if session.scalar(query) is not None:
        return
    read_at = f"{settings.base_url}{READ_AT}?version={version.version}"
    refused = Forbidden(
        f"Version {version.version} of the charter must be accepted first: read it at {read_at} and send "
        f"its digest to POST {settings.base_url}{ACCEPT_AT}.",
        code="charter_not_accepted",
    )
    refused.statement = {
        "version": version.version,
        "effective_at": version.effective_at.isoformat(),
        "read_at": read_at,
        "accept_at": f"{settings.base_url}{ACCEPT_AT}",
    }
    raise refused


def _filled(settings: Settings, version: str) -> dict[str, Charter]:
    """The texts of a version with the operator's terms, the original first."""
    terms = {
        "UNSTRUNG_OPERATOR_NAME": settings.operator_name,
        "UNSTRUNG_OPERATOR_CONTACT": settings.operator_contact,
        "UNSTRUNG_OPERATOR_LAW": settings.operator_law.get(ORIGINAL, ""),
    }
    missing = [name for name, value in terms.items() if not value]
    if missing:
        raise Conflict(
            f"A charter names who promises what, so {' and '.join(missing)} must be set before one is "
            "published.",
            code="operator_not_named",
        )
    try:
        folder = Path(settings.charter_folder) if settings.charter_folder else None
        found = texts.load_all(version, folder=folder)
        return {
            language: fill(charter, _terms(settings, language)) if charter.placeholders else charter
            for language, charter in found.items()
        }
    except CharterError as error:
        raise InvalidField(f"{error}", "version") from error


def _terms(settings: Settings, language: str) -> Terms:
    law = settings.operator_law
    return Terms(
        settings.operator_name,
        settings.operator_contact,
        settings.review_hours,
        law.get(language, law[ORIGINAL]),
    )


def _checked_beginning(
    before: CharterVersion | None, wanted: datetime | None, moment: datetime
) -> datetime:
    """From when a new version applies."""
    if before is None:
        earliest, rule = moment, "must not lie in the past"
    else:
        earliest = max(moment + NOTICE, before.effective_at + timedelta(seconds=1))
        rule = f"must lie at least {NOTICE.days} days ahead and after that of {before.version}"
    if wanted is not None and wanted < earliest:
        raise InvalidField(
            f"effective_at {rule}, got {wanted.isoformat()}; the earliest is {earliest.isoformat()}",
            "effective_at",
        )
    return wanted or earliest


def _published(session: Session, row: CharterVersion) -> Published:
    query = select(CharterText).where(CharterText.version == row.version)
    held = {each.language: each for each in session.scalars(query)}
    ordered = tuple(held[language] for language in clauses.LANGUAGES if language in held)
    current = in_force(session)
    if row.effective_at > now():
        status = CharterStatus.UPCOMING
    else:
        is_current = current is not None and current.version == row.version
        status = CharterStatus.IN_FORCE if is_current else CharterStatus.PAST
    return Published(row, ordered, status)


def _charter(published: Published, language: str) -> Charter:
    version = published.version.version
    for each in published.texts:
        if each.language == language:
            return clauses.parse(each.source, version=version, language=language)
    known = ", ".join(each.language for each in published.texts)
    raise InvalidField(
        f"language must be one of {known} for version {version}, got {language!r}", "language"
    )


def _newest_first() -> Select[CharterVersion]:
    return select(CharterVersion).order_by(CharterVersion.effective_at.desc())


def _unknown(session: Session, version: str | None, param: str) -> NotFound:
    known = ", ".join(row.version for row in session.scalars(_newest_first())) or "none yet"
    asked = "No version" if version is None else f"No version {version!r}"
    return NotFound(
        f"{asked} of the charter was published; published are: {known}.", param, "charter_not_found"
    )


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))
