"""An artist's whole story through the pages, from applying to leaving, in English and in Arabic."""

import io
import zipfile
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from pages.acts import look_at
from pages.conftest import passkey_device
from pages.stage import Stage, open_stage
from unstrung.studio.accounts.models import Role
from unstrung.studio.admission import service as admission
from unstrung.studio.admission.models import ProgrammeRole
from unstrung.studio.appeals.models import Appeal, AppealOutcome
from unstrung.studio.applications import service as applications
from unstrung.studio.applications.models import Application
from unstrung.studio.database import now
from unstrung.studio.hearings import service as hearings
from unstrung.studio.invitations import service as invitations
from unstrung.studio.invitations.service import Terms
from unstrung.studio.pages.languages import Language, language_of
from unstrung.studio.pauses import service as pauses
from unstrung.studio.pauses.models import Level, PauseGround
from unstrung.studio.shares import service as shares
from unstrung.studio.shares.models import Share, ShareStatus
from unstrung.studio.statements import service as statements
from unstrung.studio.statements.models import SubjectKind
from unstrung.studio.statements.service import Reasons

pytestmark = [pytest.mark.enable_socket, pytest.mark.allow_hosts(["127.0.0.1", "::1", "localhost"])]
BASE = "/studio/programme"
FACTS = "A man shouts that a village must burn."
WISH = "Films of the sea."


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """A programme with a cohort, criteria, a charter in force, two stewards and a juror."""
    settings: dict[str, Any] = {
        "programme": True, "operator_name": "The Studio", "applications_per_hour": 1000,
        "operator_contact": "stewards@example.org", "operator_law": {"en": "Italian law"},
    }  # fmt: skip
    with open_stage(tmp_path_factory.mktemp("stage"), **settings) as opened:
        opened.add_person("Stella", Role.ADMIN, ProgrammeRole.STEWARD)
        opened.add_person("Tariq", Role.MEMBER, ProgrammeRole.STEWARD)
        opened.add_person("Juno", Role.MEMBER, ProgrammeRole.JUROR)
        opened.open_programme("Stella", 9)
        yield opened


class Artist:
    """Somebody's browser in one language, and what was found wrong with the pages they came by."""

    def __init__(self, page: Any, stage: Stage, language: Language) -> None:
        self.page, self.stage, self.language = page, stage, language
        self.name = f"Amal {language.code}"
        self.faults: list[str] = []

    def go(self, path: str) -> None:
        self.page.goto(path)
        self.look()

    def look(self) -> None:
        self.faults += look_at(self.page, self.language.code)

    def send(self, form: str, leads_to: str = "") -> None:
        """Send a form, by the end of its address, and look at the page that it leads to."""
        self.page.click(f"form[action$='{form}'] [type=submit]")
        if leads_to:
            self.page.wait_for_url(leads_to)
            self.page.wait_for_load_state()
            self.look()

    def says(self, sentence: str, **given: str) -> str:
        """A sentence of the pages in the artist's language."""
        return self.language.words.gettext(sentence) % given


@pytest.fixture(params=["en", "ar"])
def artist(stage: Stage, visit: Callable[..., Any], request: pytest.FixtureRequest) -> Artist:
    return Artist(visit(locale=request.param), stage, language_of(request.param))


def test_from_applying_to_leaving(artist: Artist) -> None:
    _apply_and_come(artist)
    clip = _make(artist)
    statement = _share_and_be_refused(artist, clip)
    _appeal_and_win(artist, clip, statement)
    _say_something(artist, clip)
    _consent(artist)
    _be_paused(artist, clip)
    _export_and_leave(artist, clip)
    assert artist.faults == []


def _apply_and_come(artist: Artist) -> None:
    """A place on the waitlist, a seat, a passkey, a key for programs, and the charter."""
    page, stage = artist.page, artist.stage
    artist.go(f"{BASE}/apply")
    page.fill("[name=name]", artist.name)
    page.fill("[name=contact]", "amal@example.org")
    page.fill("[name=wish]", WISH)
    artist.send("/apply", f"**{BASE}/application")
    told = artist.says("Place %(place)s of %(all)s that wait.", place="1", all="1")
    assert page.locator("#place").inner_text() == told
    with stage.database.transaction() as session:
        made = session.query(Application).order_by(Application.id.desc()).first()
        assert made is not None
        applications.admit(session, stage.caller("Stella"), made.id, None, None)
    artist.go(f"{BASE}/application")
    artist.send("/come", f"**{BASE}/welcome")
    with stage.database.transaction() as session:
        person_id = session.get_one(Application, made.id).person_id
    assert person_id is not None
    stage.people[artist.name] = person_id
    with passkey_device(page):
        page.click("[data-passkey=add]")
        page.wait_for_selector("#has-passkey")
        assert not page.locator("[data-passkey=add]").count()
        artist.look()
        _make_a_key(artist)
    artist.go("/studio/create")
    page.click(".bar .notice a[href$='/charter']")
    page.wait_for_url("**/charter")
    artist.look()
    assert page.locator("article.charter").get_attribute("lang") == artist.language.code
    page.check("[name=agreed]")
    page.click("#accept [type=submit]")
    page.wait_for_selector("#accepted")


def _make_a_key(artist: Artist) -> None:
    """Shown once, and good for a program."""
    page = artist.page
    artist.go("/studio/account")
    page.fill("#key-name", "script")
    page.click("form:has(#key-name) [type=submit]")
    page.wait_for_selector("#new-key, [data-passkey=again]")
    if page.locator("[data-passkey=again]").count():
        page.click("[data-passkey=again]")
    secret = page.wait_for_selector("#new-key").inner_text()
    artist.look()
    headers = {"authorization": f"Bearer {secret}"}
    assert httpx.get(f"{artist.stage.url}/v1/videos", headers=headers).status_code == 200


def _make(artist: Artist) -> str:
    """What found no place is said while one writes; the clip is watched until it is finished."""
    page = artist.page
    page.goto("/studio/create")
    page.fill("#prompt", f"a fox crosses a snowy field with flurbish {artist.language.code}")
    page.wait_for_selector("#understood .chip:has-text('flurbish')")
    artist.look()
    artist.send("/create")
    page.wait_for_selector("article[data-video]")
    with artist.stage.working():
        page.wait_for_selector("article:has-text('flurbish') video", state="attached")
    artist.look()
    return str(page.locator("article:has-text('flurbish')").get_attribute("id")).partition("-")[2]


def _share_and_be_refused(artist: Artist, clip: str) -> str:
    """Shared at once; then a person refuses it, and the seconds and the reasons stand with the clip."""
    page, stage = artist.page, artist.stage
    artist.go(f"/studio/clips/{clip}")
    page.check("[name=audience][value=public]", force=True)
    artist.send(f"{clip}/share")
    page.wait_for_selector("#sharing form[action$='/withdraw']")
    artist.look()
    with stage.database.transaction() as session:
        shared = session.query(Share).filter_by(video_id=clip).one()
        assert shared.status == ShareStatus.SHARED
        reasons = Reasons(
            clause="sharing", facts=FACTS, category="STATEMENT_CATEGORY_OTHER_VIOLATION_TC",
            explanation="It calls for hatred.", suggested_change="Show that it is wrong.",
            time_range=(0.2, 0.6),
        )  # fmt: skip
        owner, subject = stage.people[artist.name], (SubjectKind.SHARE, shared.id)
        statement = statements.issue(session, owner, subject, reasons).id
        # As if it had waited for a reviewer.
        shared.status = ShareStatus.WAITING
        shares.refuse(session, shared, statement)
    artist.go(f"/studio/clips/{clip}")
    told = page.locator("#sharing").inner_text()
    assert FACTS in told
    assert "Show that it is wrong." in told
    page.click("#sharing a[href*='/statements']")
    page.wait_for_url("**/statements*")
    return statement


def _appeal_and_win(artist: Artist, clip: str, statement: str) -> None:
    """The reasons are read, somebody else hears the appeal, and the clip is shared again."""
    page, stage = artist.page, artist.stage
    artist.go(f"{BASE}/statements")
    page.click(f"a[href$='/statements/{statement}']")
    page.wait_for_url(f"**/statements/{statement}")
    artist.look()
    assert FACTS in page.locator("section:has(#plain)").inner_text()
    assert page.locator(".time-strip").count() == 1
    page.fill(
        "form[action$='/appeal'] [name=text]", "The scene tells of hatred, it calls for none."
    )
    artist.send("/appeal", "**?appealed=1")
    with stage.database.transaction() as session:
        appeal = session.query(Appeal).filter_by(statement_id=statement).one().id
        hearings.take(session, stage.caller("Juno"), appeal)
        reasons = "It shows where hatred ends."
        hearings.decide(session, stage.caller("Juno"), appeal, AppealOutcome.OVERTURNED, reasons)
    artist.go(f"{BASE}/statements/{statement}")
    told = page.locator("#appeal article").inner_text()
    assert "It shows where hatred ends." in told
    assert artist.says("Won") in told
    artist.go(f"/studio/clips/{clip}")
    assert page.locator("#sharing form[action$='/withdraw']").count() == 1
    assert artist.says("taken back") in page.locator("#sharing .badge").all_inner_texts()


def _say_something(artist: Artist, clip: str) -> None:
    """Feedback on a range of the clip; a range that ends after it is refused in its place."""
    page = artist.page
    page.check("[name=kind][value=idea]", force=True)
    page.fill("[name=starts_s]", "0.2")
    page.fill("[name=ends_s]", "0.5")
    page.fill("#notes [name=text]", "The tail could wave.")
    artist.send(f"{clip}/notes")
    page.wait_for_selector(".note-list li:has-text('The tail could wave.')")
    artist.look()
    told = page.locator(".note-list li").inner_text()
    number = artist.language.number
    assert number(0.2, 2) in told
    assert number(0.5, 2) in told


def _consent(artist: Artist) -> None:
    """On and off again, each with a receipt."""
    page = artist.page
    artist.go(f"{BASE}/consents")
    for given in ("true", "false"):
        assert page.locator("#training [name=given]").get_attribute("value") == given
        page.click("#training [type=submit]")
        page.wait_for_selector(f"#training [name=given]:not([value={given}])", state="attached")
    artist.look()
    assert page.locator("section:has(#history) li a[download]").count() == 2


def _be_paused(artist: Artist, clip: str) -> None:
    """Nothing new for a while, with reason, way back and end; watching and the rest go on."""
    page, stage = artist.page, artist.stage
    with stage.database.transaction() as session:
        order = pauses.Order(
            Level.PERSON, stage.people[artist.name], PauseGround.SECURITY_INCIDENT,
            "Somebody else signed in.", "Show that it is you again.", now() + timedelta(days=1),
        )  # fmt: skip
        pause = pauses.propose(session, stage.caller("Stella"), order)
        if pause.begun_at is None:  # whoever has appealed is stopped by two alone
            pauses.second(session, stage.caller("Tariq"), pause.id)
        pause_id = pause.id
    artist.go("/studio/create")
    told = page.locator(".bar .notice").inner_text()
    assert "Somebody else signed in." in told
    assert "Show that it is you again." in told
    assert not page.locator("#composer .bar [type=submit]").count()
    artist.go(BASE)
    page.click(f"main a[href='{BASE}/pauses'] >> nth=0")
    page.wait_for_url("**/pauses")
    artist.look()
    assert "Show that it is you again." in page.locator("section:has(#mine)").inner_text()
    assert page.request.get(f"/v1/videos/{clip}/content").ok
    with stage.database.transaction() as session:
        pauses.end(session, stage.caller("Stella"), pause_id, "It was mended.")
    page.goto("/studio/create")
    assert page.locator("#composer .bar [type=submit]").count()


def _export_and_leave(artist: Artist, clip: str) -> None:
    """Everything goes along, the seat is free, and the clips stay."""
    page = artist.page
    for path in ("statements", "keys", "receipts", "erase", "export"):
        artist.go(f"{BASE}/{path}")
    with page.expect_download() as downloading:
        page.click("[href='/programme/v1/export']")
    archive = zipfile.ZipFile(io.BytesIO(Path(downloading.value.path()).read_bytes()))
    assert {"README.txt", "appeals.json", "consents.json"} <= set(archive.namelist())
    assert any(clip in name for name in archive.namelist())
    artist.go(f"{BASE}/leave")
    artist.send("/leave", "**/leave?left=1")
    artist.go("/studio/library")
    assert page.locator(f"#clip-{clip}").count() == 1
    artist.go("/studio/create")
    assert page.locator(".bar .notice a[href='/studio/programme']").count() == 1


@pytest.mark.parametrize("language", ["en", "ar"])
def test_by_a_code_and_without_scripts(
    stage: Stage, visit: Callable[..., Any], language: str
) -> None:
    """A steward's code, the charter, a clip, its sharing, a note on it, and leaving; no script runs."""
    page = visit(locale=language, java_script_enabled=False)
    with stage.database.transaction() as session:
        cohort = admission.find_cohort(session, "First artists").id
        terms = Terms(cohort, ProgrammeRole.ARTIST, now() + timedelta(days=1))
        code = invitations.invite(session, stage.caller("Stella"), terms)[1]
    page.goto(f"{BASE}/invited")
    come = "form[action$='/invited']"
    page.fill(f"{come} [name=code]", code)
    page.fill(f"{come} [name=name]", f"Wanjiru {language}")
    page.click(f"{come} [type=submit]")
    assert page.locator("#first-key").inner_text().startswith("ust_")
    page.goto(f"{BASE}/charter")
    page.check("[name=agreed]")
    page.click("#accept [type=submit]")
    assert page.locator("#accepted").count() == 1
    page.goto("/studio/create")
    page.fill("#prompt", f"a cow stays in the desert {language}")
    page.click("#composer .bar [type=submit]")
    stage.make_waiting()
    page.goto("/studio/create")
    page.click(f"article:has-text('the desert {language}') a")
    page.click("form[action$='/share'] [type=submit]")
    assert page.locator("#sharing form[action$='/withdraw']").count() == 1
    page.fill("[name=ends_s]", "0.5")
    page.fill("#notes [name=text]", "It could wait longer.")
    page.click("form[action$='/notes'] [type=submit]")
    assert page.locator(".note-list li").count() == 1
    page.goto(f"{BASE}/leave")
    page.click("form[action$='/leave'] [type=submit]")
    assert page.url.endswith("left=1")
    assert page.locator("html").get_attribute("dir") == language_of(language).direction
