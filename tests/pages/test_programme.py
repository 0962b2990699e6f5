"""Pages of the programme: from applying to leaving, as an applicant and a member go through them."""

import json
import re
import shutil
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from importlib.resources import files
from pathlib import Path
from typing import Any

import httpx
import pytest

from pages.conftest import violations
from pages.stage import Stage, open_stage
from unstrung.studio.accounts.models import Role
from unstrung.studio.admission import service as admission
from unstrung.studio.admission.models import ProgrammeRole
from unstrung.studio.applications import service as applications
from unstrung.studio.applications.models import Application
from unstrung.studio.charters import service as charters
from unstrung.studio.database import now
from unstrung.studio.invitations import service as invitations
from unstrung.studio.invitations.service import Terms
from unstrung.studio.lotteries import service as lotteries
from unstrung.studio.pauses import service as pauses
from unstrung.studio.pauses.models import Level, PauseGround
from unstrung.studio.shares import service as shares
from unstrung.studio.shares.models import Audience, ShareStatus
from unstrung.studio.shares.service import ShareWish
from unstrung.studio.statements import service as statements
from unstrung.studio.statements.models import SubjectKind
from unstrung.studio.statements.service import Reasons

pytestmark = [pytest.mark.enable_socket, pytest.mark.allow_hosts(["127.0.0.1", "::1", "localhost"])]
BASE = "/studio/programme"
FACTS = "A man shouts that a village must burn."


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """A programme with a cohort, criteria, a charter in force and one to come."""
    texts = tmp_path_factory.mktemp("charter")
    original = Path(str(files("unstrung.charter") / "texts" / "1.0"))
    shutil.copytree(original, texts / "1.0")
    (texts / "1.1").mkdir()
    reworded = (original / "en.md").read_text("utf-8").replace("Play is free", "All play is free")
    (texts / "1.1" / "en.md").write_text(reworded, "utf-8")
    settings: dict[str, Any] = {
        "programme": True, "operator_name": "The Studio", "charter_folder": str(texts),
        "operator_contact": "stewards@example.org", "operator_law": {"en": "Italian law"},
        "applications_per_hour": 1000,
    }  # fmt: skip
    with open_stage(tmp_path_factory.mktemp("stage"), **settings) as opened:
        opened.add_person("Stella", Role.ADMIN, ProgrammeRole.STEWARD)
        opened.open_programme("Stella", 5)
        yield opened


@pytest.fixture
def http(stage: Stage) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=stage.url, headers={"origin": stage.url}) as client:
        yield client


def cohort_id(stage: Stage) -> str:
    with stage.database.transaction() as session:
        return admission.find_cohort(session, "First artists").id


def seated(stage: Stage, name: str) -> str:
    """Somebody with a seat, who has not accepted the charter."""
    person_id = stage.add_person(name)
    with stage.database.transaction() as session:
        admission.seat(session, person_id, admission.find_cohort(session, "First artists").id)
    return person_id


def refused(stage: Stage, person_id: str) -> str:
    """A decision about somebody."""
    with stage.database.transaction() as session:
        reasons = Reasons(
            clause="sharing", facts=FACTS, category="STATEMENT_CATEGORY_OTHER_VIOLATION_TC",
            explanation="It calls for hatred.", suggested_change="Show that it is wrong.",
        )  # fmt: skip
        return statements.issue(session, person_id, (SubjectKind.PROMPT, None), reasons).id


def fields(stage: Stage, **given: Any) -> dict[str, Any]:
    return {
        "cohort_id": cohort_id(stage), "name": "Noor", "contact": "noor@example.org",
        "roles[]": ["artist", "film-maker"], "wish": "Short films of my town.", "language": "en",
        "links": "https://example.org/a\nhttps://example.org/b", "answers[tools]": "",
        **given,
    }  # fmt: skip


def the_application(stage: Stage) -> Application:
    with stage.database.transaction() as session:
        found = session.query(Application).order_by(Application.id.desc()).first()
        assert found is not None
        session.expunge(found)
        return found


def test_a_visitor_reads_places_criteria_and_how_it_goes(http: httpx.Client) -> None:
    page = http.get(BASE)
    assert page.status_code == 200
    assert "You show work of your own." in page.text
    assert "5 of 5" in page.text
    for path in ("consents", "statements", "keys", "receipts", "export", "leave", "erase"):
        assert http.get(f"{BASE}/{path}").headers["location"].startswith("/studio/sign-in")


def test_a_refusal_is_told_to_its_applicant_and_the_code_is_in_no_address(
    stage: Stage, http: httpx.Client
) -> None:
    made = http.post(f"{BASE}/apply", data=fields(stage))
    assert (made.status_code, made.headers["location"]) == (303, f"{BASE}/application")
    cookie = made.headers["set-cookie"]
    assert {"HttpOnly", "SameSite=lax", f"Path={BASE}"} <= set(cookie.split("; "))
    page = http.get(f"{BASE}/application")
    code = re.search(r"#(application_\w+\.app_\w+)</pre>", page.text)
    assert code is not None
    assert the_application(stage).links == ["https://example.org/a", "https://example.org/b"]
    with stage.database.transaction() as session:
        refusal = applications.Refusal("own-work", "No work was shown.", "Show one of your films.")
        applications.refuse(session, stage.caller("Stella"), the_application(stage).id, refusal)
    elsewhere = httpx.Client(base_url=stage.url, headers={"origin": stage.url})
    with elsewhere:
        found = elsewhere.post(f"{BASE}/application", data={"code": code[1]})
        assert found.status_code == 303
        told = elsewhere.get(f"{BASE}/application").text
        assert "No work was shown." in told
        assert "Show one of your films." in told
        wrong = elsewhere.post(f"{BASE}/application", data={"code": code[1] + "x"})
        assert wrong.status_code == 404
    assert http.post(f"{BASE}/application/withdraw").status_code == 409


def test_another_site_can_neither_apply_nor_withdraw(stage: Stage, http: httpx.Client) -> None:
    evil = {"origin": "https://evil.example"}
    for path in ("apply", "application/withdraw", "invited", "invited/decline", "application/come"):
        assert http.post(f"{BASE}/{path}", data=fields(stage), headers=evil).status_code == 403


def test_a_lottery_can_be_checked_by_whoever_reads_its_page(
    stage: Stage, http: httpx.Client
) -> None:
    http.post(f"{BASE}/apply", data=fields(stage, name="Lena"))
    with stage.database.transaction() as session:
        steward = stage.caller("Stella")
        closes = now() + timedelta(seconds=2)
        plan = lotteries.Plan(cohort_id(stage), 1, closes)
        lottery = lotteries.announce(session, steward, plan)
        lottery_id, commitment = lottery.id, lottery.secret_hash
    before = http.get(f"{BASE}/lotteries/{lottery_id}").text
    assert commitment in before
    assert "The secret and the seed are shown with the draw" in before
    assert "You take part in the next draw." in http.get(f"{BASE}/application").text
    words = {"phrase": "a fox that nobody else thinks of"}
    assert http.post(f"{BASE}/application/phrase", data={"phrase": "short"}).status_code == 400
    assert http.post(f"{BASE}/application/phrase", data=words).status_code == 303
    time.sleep(2)
    with stage.database.transaction() as session:
        steward = stage.caller("Stella")
        lotteries.close(session, steward, lottery_id)
        seed = lotteries.draw(session, steward, lottery_id).seed.hex()
    after = http.get(f"{BASE}/lotteries/{lottery_id}").text
    assert seed in after
    assert "unstrung programme lottery-check" in after
    assert "A seat is kept for you" in http.get(f"{BASE}/application").text
    assert http.post(f"{BASE}/application/withdraw").status_code == 303


def test_who_does_not_come_may_say_why_and_is_not_named(stage: Stage, http: httpx.Client) -> None:
    with stage.database.transaction() as session:
        terms = Terms(cohort_id(stage), ProgrammeRole.ARTIST, now() + timedelta(days=1))
        code = invitations.invite(session, stage.caller("Stella"), terms)[1]
    declined = http.post(f"{BASE}/invited/decline", data={"code": code, "why": "No time."})
    assert declined.headers["location"] == f"{BASE}/invited?declined=1"
    assert http.post(f"{BASE}/invited", data={"code": code, "name": "X"}).status_code == 409


def test_the_same_works_without_scripts(stage: Stage, visit: Callable[..., Any]) -> None:
    page = visit(java_script_enabled=False)
    page.goto(f"{BASE}/apply")
    for name in ("name", "contact", "wish"):
        page.fill(f"[name={name}]", "Wanjiru")
    page.locator("form[action$='/apply'] [type=submit]").click()
    assert page.url.endswith(f"{BASE}/application")
    page.locator("form[action$='/withdraw'] [type=submit]").click()
    assert "What you had written was erased." in page.content()
    statement_id = refused(stage, seated(stage, "Wanjiru"))
    page = visit("Wanjiru", java_script_enabled=False)
    page.goto(f"{BASE}/charter")
    page.check("[name=agreed]")
    page.locator("#accept [type=submit]").click()
    assert page.locator("#accepted").count() == 1
    page.goto(f"{BASE}/consents")
    page.locator("#publicity [type=submit]").click()
    assert page.locator("#publicity [name=given]").get_attribute("value") == "false"
    page.goto(f"{BASE}/statements/{statement_id}")
    page.fill("[name=text]", "It is only a story about hatred.")
    page.locator("form[action$='/appeal'] [type=submit]").click()
    assert page.locator("#appeal blockquote").inner_text() == "It is only a story about hatred."
    page.goto(f"{BASE}/leave")
    page.locator("form[action$='/leave'] [type=submit]").click()
    assert page.url.endswith("left=1")
    page.goto(f"{BASE}/erase")
    page.check("[name=confirm]")
    page.locator("form[action$='/erase'] [type=submit]").click()
    assert page.locator("h1").inner_text() == "Erased"
    page.goto(f"{BASE}/consents")
    assert "/studio/sign-in" in page.url


def test_a_refused_clip_is_shown_with_its_seconds_and_another_takes_its_place(
    stage: Stage, visit: Callable[..., Any]
) -> None:
    person_id = seated(stage, "Olu")
    with stage.database.transaction() as session:
        text, _ = charters.read(session, "1.0", "en")
        charters.accept(session, stage.caller("Olu"), "1.0", "en", text.sha256)
    first, second = (stage.make_clip("Olu", f"a {each} waits") for each in ("fox", "cow"))
    with stage.database.transaction() as session:
        wish = ShareWish(first, Audience.PUBLIC)
        assessor = stage.app.state.studio.assessor
        shared = shares.share(session, assessor, stage.caller("Olu"), 48, wish)
        reasons = Reasons(
            clause="sharing", facts=FACTS, category="STATEMENT_CATEGORY_OTHER_VIOLATION_TC",
            explanation="It calls for hatred.", time_range=(0.2, 0.6),
        )  # fmt: skip
        statement = statements.issue(session, person_id, (SubjectKind.SHARE, shared.id), reasons)
        shared.status = ShareStatus.WAITING
        shares.refuse(session, shared, statement.id)
        statement_id, share_id = statement.id, shared.id
    page = visit("Olu", viewport={"width": 390, "height": 800})
    page.goto(f"{BASE}/statements/{statement_id}")
    assert page.locator(".time-strip").get_attribute("aria-label").startswith("From 0.2 s to 0.6 s")
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    assert violations(page) == []
    page.select_option("[name=video_id]", second)
    page.locator("form[action$='/revise'] [type=submit]").click()
    page.wait_for_url("**?revised=1")
    with stage.database.transaction() as session:
        found, _ = shares.list_shares(session, stage.caller("Olu"), None, 9)
        assert {each.revises: each.video_id for each in found}[share_id] == second
    page.goto(f"{BASE}/statements/{refused(stage, stage.people['Stella'])}")
    assert page.locator("h1").inner_text() == "Not here"


def test_a_new_charter_shows_what_changes_and_a_pause_what_goes_on(
    stage: Stage, visit: Callable[..., Any]
) -> None:
    person_id = seated(stage, "Ines")
    with stage.database.transaction() as session:
        caller = stage.caller("Ines")
        text, _ = charters.read(session, "1.0", "en")
        charters.accept(session, caller, "1.0", "en", text.sha256)
        charters.publish(session, stage.settings, stage.caller("Stella"), "1.1", None)
        order = pauses.Order(
            Level.PERSON, person_id, PauseGround.SECURITY_INCIDENT, "Somebody else signed in.",
            "Sign in with a new passkey.", now() + timedelta(days=1),
        )  # fmt: skip
        pauses.propose(session, stage.caller("Stella"), order)
    page = visit("Ines")
    page.goto(f"{BASE}/charter?version=1.1")
    assert page.locator("section:has(#differs) ins").inner_text() == "All play is free of duties."
    assert violations(page) == []
    page.goto(f"{BASE}/charter/changes?before=1.0&after=1.1")
    assert violations(page) == []
    page.goto(f"{BASE}/pauses")
    assert "Sign in with a new passkey." in page.content()
    assert violations(page) == []
    lines = page.context.request.get(f"{stage.url}{BASE}/statements.jsonl").text().splitlines()
    assert [json.loads(each)["subject"]["kind"] for each in lines] == ["pause"]
    receipt = page.goto(f"{BASE}/receipts").text()
    first = re.search(rf"{BASE}/receipts/(entry_\w+)", receipt)
    assert first is not None
    proof = page.context.request.get(f"{stage.url}{BASE}/receipts/{first[1]}")
    assert "tlog-proof" in proof.headers["content-disposition"]


def test_pages_for_visitors_have_no_barriers_in_the_dark(visit: Callable[..., Any]) -> None:
    page = visit(color_scheme="dark")
    for path in ("", "/application", "/invited", "/charter", "/pauses"):
        page.goto(f"{BASE}{path}")
        assert violations(page) == [], path
