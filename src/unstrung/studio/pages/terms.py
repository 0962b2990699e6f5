"""What both sides agreed to: the charter with what changes in it, and the four consents."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from fastapi import Response

from unstrung.charter.changes import CharterChanges
from unstrung.charter.clauses import ORIGINAL, Charter
from unstrung.studio.charters import service as charters
from unstrung.studio.charters.models import CharterAcceptance
from unstrung.studio.charters.schemas import AcceptCharter
from unstrung.studio.charters.service import Published
from unstrung.studio.consents import service as consents
from unstrung.studio.consents.models import Consent, Use
from unstrung.studio.consents.schemas import ChangeConsent
from unstrung.studio.dependencies import BodyOf
from unstrung.studio.pages.create import filled
from unstrung.studio.pages.languages import Language, language_of
from unstrung.studio.pages.programme_home import BASE
from unstrung.studio.pages.site import Page
from unstrung.studio.pages.visits import Visit, VisitOf, go, page_router

router = page_router()


@dataclass(frozen=True, kw_only=True)
class NoCharterPage(Page):
    """No charter was published yet."""

    template: ClassVar[str] = "programme/no_charter.html"


@dataclass(frozen=True, kw_only=True)
class CharterPage(Page):
    """A published charter, and one's own yes to it.

    Attributes:
        charter: the text in one language.
        language: of the text.
        original: of every charter.
        shown: the version with its status.
        versions: all that were published, newest first.
        acceptances: of the reader, newest first.
        accepted: of this version; None if it was not.
        changes: from the version that the reader accepted last; None if there are none to show.
        may_accept: whether the reader could say yes to this version now.
    """

    template: ClassVar[str] = "programme/charter.html"
    charter: Charter
    language: Language
    original: str
    shown: Published
    versions: list[Published]
    acceptances: Sequence[CharterAcceptance]
    accepted: CharterAcceptance | None
    changes: CharterChanges | None
    may_accept: bool


@dataclass(frozen=True, kw_only=True)
class ChangesPage(Page):
    """What differs between two versions.

    Attributes:
        changes: sentence by sentence.
        language: of both texts.
    """

    template: ClassVar[str] = "programme/changes.html"
    changes: CharterChanges
    language: Language


@dataclass(frozen=True)
class Switch:
    """One consent as it is shown.

    Attributes:
        use: what it is for.
        is_given: whether it holds.
        since: when that was said; None if nothing ever was.
    """

    use: Use
    is_given: bool
    since: datetime | None


@dataclass(frozen=True, kw_only=True)
class ConsentsPage(Page):
    """The four consents.

    Attributes:
        switches: one for each use.
        videos: id of a clip to its own words.
        history: every change, newest first.
        changed: the use that was switched just now; None if none was.
    """

    template: ClassVar[str] = "programme/consents.html"
    switches: list[Switch]
    videos: dict[str, dict[Use, bool]]
    history: list[Consent]
    changed: Switch | None


@router.get("/programme/charter")
def show_charter(visit: VisitOf, version: str | None = None, text: str = "") -> Response:
    """The charter in the reader's language, or, with `text`, in another one."""
    versions = charters.list_versions(visit.session)
    if not versions:
        return visit.show(NoCharterPage(title=visit.say("Charter")))
    code = _language_code(visit, versions, version, text)
    charter, shown = charters.read(visit.session, version, code)
    mine: Sequence[CharterAcceptance] = ()
    if visit.caller is not None:
        mine = charters.list_acceptances(visit.session, visit.caller)
    accepted = next((each for each in mine if each.version == charter.version), None)
    before = next((each for each in mine if each.version != charter.version), None)
    changes = None
    if accepted is None and before is not None and _is_in(versions, before.version, code):
        changes = charters.differences(visit.session, before.version, charter.version, code)
    page = CharterPage(
        title=visit.say("Charter"), charter=charter, language=_named(code), original=ORIGINAL,
        shown=shown, versions=versions, acceptances=mine, accepted=accepted, changes=changes,
        may_accept=visit.caller is not None and accepted is None and shown.status != "past",
    )  # fmt: skip
    return visit.show(page)


@router.post("/programme/charter")
def accept_charter(visit: VisitOf, body: BodyOf) -> Response:
    """Accept the words that were read; the digest on the form proves which they were."""
    fields = {key: value for key, value in filled(body).fields.items() if key != "agreed"}
    asked = type(body)(fields, body.is_form).as_a(AcceptCharter)
    charters.accept(visit.session, visit.member, asked.version, asked.language, asked.digest)
    # No '#' here: scripts would then only scroll on the page that the form stands on.
    return go(f"{BASE}/charter?version={asked.version}")


@router.get("/programme/charter/changes")
def show_changes(visit: VisitOf, before: str, after: str | None = None) -> Response:
    """What differs between two published versions."""
    versions = charters.list_versions(visit.session)
    code = _language_code(visit, versions, after, "")
    if not _is_in(versions, before, code):
        code = ORIGINAL
    changes = charters.differences(visit.session, before, after, code)
    page = ChangesPage(
        title=visit.say("What changes in the charter"), changes=changes, language=_named(code)
    )
    return visit.show(page)


@router.get("/programme/consents")
def show_consents(visit: VisitOf, changed: str = "") -> Response:
    """The four consents, and every change of them."""
    words = consents.words_of(visit.session, visit.member)
    since = {each.use: each.decided_at for each in words.history if each.video_id is None}
    switches = [Switch(use, given, since.get(use)) for use, given in words.general.items()]
    page = ConsentsPage(
        title=visit.say("Four consents"),
        switches=switches,
        videos=words.videos,
        history=words.history[::-1],
        changed=next((each for each in switches if each.use == changed), None),
    )
    return visit.show(page)


@router.post("/programme/consents/{use}")
def change_consent(visit: VisitOf, body: BodyOf, use: Use) -> Response:
    """Give or withdraw one consent."""
    asked = filled(body).as_a(ChangeConsent)
    consents.change(visit.session, visit.member, use, asked.given, asked.video_id)
    return go(f"{BASE}/consents?changed={use}")


def _language_code(
    visit: Visit, versions: Sequence[Published], version: str | None, wanted: str
) -> str:
    """The reader's language, if the version was published in it; else the original."""
    code = wanted or visit.reader.language.code
    current = charters.in_force(visit.session)
    asked = version or (current.version if current else versions[0].version.version)
    return code if _is_in(versions, asked, code) else ORIGINAL


def _is_in(versions: Sequence[Published], version: str, code: str) -> bool:
    return any(
        each.version.version == version and any(text.language == code for text in each.texts)
        for each in versions
    )


def _named(code: str) -> Language:
    found = language_of(code)
    return found or Language(code, code)
