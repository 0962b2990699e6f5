"""The desk by its reader's rights: a refusal without scripts, a pause by two stewards; open figures."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from pages.conftest import passkey_device, violations
from pages.stage import Stage
from unstrung.studio.accounts.models import Role
from unstrung.studio.admission import service as admission
from unstrung.studio.admission.models import ProgrammeRole
from unstrung.studio.applications import service as applications
from unstrung.studio.applications.service import Wish
from unstrung.studio.assessing import USUAL_ASSESSOR
from unstrung.studio.assessments.service import Action
from unstrung.studio.database import now
from unstrung.studio.lotteries import service as lotteries
from unstrung.studio.lotteries.service import Plan
from unstrung.studio.shares import service as shares
from unstrung.studio.shares.models import Audience, Share, ShareStatus
from unstrung.studio.shares.service import ShareWish

pytestmark = [pytest.mark.enable_socket, pytest.mark.allow_hosts(["127.0.0.1", "::1", "localhost"])]
PAGES = (
    "", "/applications", "/cohorts", "/lotteries", "/invitations", "/roles", "/stages", "/reviews",
    "/hearings", "/pauses", "/pauses/new?level=everybody&ground=capacity&hours=2", "/signals", "/log",
    "/feedback", "/confidences",
)  # fmt: skip


@pytest.fixture(scope="module")
def desk(stage: Stage) -> Stage:
    stage.add_person("Noor")
    for name, role in (
        ("Sofia", ProgrammeRole.STEWARD), ("Tariq", ProgrammeRole.STEWARD),
        ("Rin", ProgrammeRole.REVIEWER), ("Juno", ProgrammeRole.JUROR),
    ):  # fmt: skip
        stage.add_person(name, Role.MEMBER, role)
    for name in ("Ada", "Bilal", "Chiara"):
        # One for each story: whoever has a passkey adds another only by using it.
        stage.add_person(name, Role.MEMBER, ProgrammeRole.STEWARD)
    with stage.database.transaction() as session:
        cohort = admission.create_cohort(session, "Painters", 9, "Painters who draw by hand.")
        clauses = {"own-work": "You show work of your own."}
        applications.publish_criteria(session, None, cohort.id, "Who paints.", clauses, {})
        roles = (ProgrammeRole.ARTIST,)
        wish = Wish(cohort.id, "Lina", "lina@example.org", roles, "Foxes in snow.")
        applications.apply(session, wish)
        lotteries.announce(session, None, Plan(cohort.id, 1, now() + timedelta(days=1)))
    return stage


def hold(stage: Stage, owner: str = "Noor") -> str:
    video_id = stage.make_clip(owner, "faces of hate")
    with stage.database.transaction() as session:
        wish = ShareWish(video_id, Audience.PUBLIC)
        shared = shares.share(session, USUAL_ASSESSOR, stage.caller(owner), 24, wish)
        # As if a rule had found a listed class.
        risk = next(each for each in USUAL_ASSESSOR.listed() if each.action == Action.REVIEW)
        found = {"risk": risk.name, "what": risk.what, "rule": "words", "passages": []}
        shared.status, shared.release, shared.released_at = ShareStatus.WAITING, None, None
        shared.due_at = now() + timedelta(hours=24)
        shared.held = [
            {**found, "starts_s": None, "ends_s": None, "is_hard_illegal": risk.is_hard_illegal}
        ]
        return shared.id


@pytest.mark.parametrize("language", ["en", "ar"])
def test_no_page_of_the_desk_has_barriers(
    desk: Stage, visit: Callable[..., Any], language: str
) -> None:
    hold(desk)
    page = visit("Sofia")
    for path in PAGES:
        page.goto(f"/studio/desk{path}{'&' if '?' in path else '?'}lang={language}")
        assert violations(page) == [], path
    page.goto("/studio/desk/applications")
    page.click("td a")
    assert violations(page) == []
    page.goto(f"/studio/open?lang={language}")
    assert violations(page) == []


def test_everybody_sees_what_their_role_allows(desk: Stage, visit: Callable[..., Any]) -> None:
    page = visit("Juno")
    page.goto("/studio/desk")
    assert page.locator(".side-nav a").all_inner_texts() == ["What waits for you", "Appeals", "Log"]
    assert page.goto("/studio/desk/reviews").status == 403
    assert page.goto("/studio/desk/pauses").status == 403
    page = visit("Noor")
    assert page.goto("/studio/desk").status == 403


def test_a_refusal_is_read_before_it_is_sent_without_scripts(
    desk: Stage, visit: Callable[..., Any]
) -> None:
    share_id = hold(desk)
    page = visit("Rin", java_script_enabled=False)
    page.goto("/studio/desk/reviews")
    assert share_id in page.content(), page.locator("main").inner_text()
    page.click(f"form[action*='{share_id}'] button")
    page.click("summary:has-text('Refuse')")
    page.fill("[name=facts]", "A crowd is shown as vermin.")
    page.fill("[name=suggested_change]", "Show them as people.")
    page.click("text=Read it as the owner will")
    assert "A crowd is shown as vermin." in page.locator("section:has(#preview)").inner_text()
    page.click("text=Refuse with these words")
    assert page.locator("text=Refused. Its owner has the statement").count()


def test_a_clip_is_released_with_the_keyboard_alone(desk: Stage, visit: Callable[..., Any]) -> None:
    with desk.database.transaction() as session:
        for each in session.query(Share).filter_by(status=ShareStatus.WAITING):
            each.claimed_until, each.claimed_by = now() + timedelta(hours=1), desk.people["Tariq"]
    share_id = hold(desk)
    page = visit("Rin")
    page.goto("/studio/desk/reviews")
    page.wait_for_function("document.querySelector('[data-module=desk_review]')")
    page.wait_for_load_state("networkidle")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/reviews/{share_id}")
    page.wait_for_load_state("networkidle")
    page.keyboard.press("r")
    page.keyboard.press("Enter")
    page.wait_for_url("**/reviews?done=released")
    assert page.locator("text=Released. The clip is shared.").count()


def test_stewards_grant_open_gates_and_ask(desk: Stage, visit: Callable[..., Any]) -> None:
    page = visit("Chiara")
    with passkey_device(page):
        sign_in_by_passkey(page)
        # Somebody without an appeal: else a second steward would have to agree.
        somebody = desk.add_person("Samir")
        page.goto(f"/studio/desk/roles?person_id={somebody}")
        page.check("[name=role][value=juror]")
        page.click("form.stack:not([action$='/withdraw'])[method=post] [type=submit]")
        page.wait_for_selector("text=Roles now: Juror")
        page.fill("[name=reason]", "Asked to be relieved of it.")
        page.click("form[action$='/withdraw'] [type=submit]")
        page.wait_for_selector("text=No role now.")
        page.goto("/studio/desk/stages")
        page.check("form[action$='/gates'] [value=red-team]")
        page.fill("[name=text]", "An outsider has read the code.")
        page.click("form[action$='/gates'] [type=submit]")
        page.click("summary:has-text('It is done')")
        page.fill("[name=evidence_url]", "https://example.org/report")
        page.click("form[action$='/open'] [type=submit]")
        page.wait_for_selector("text=Evidence")
        page.check("form[action$='/move'] [value=red-team]")
        page.click("form[action$='/move'] [type=submit]")
        page.wait_for_selector("text=The release is at: Red team")
        page.goto("/studio/desk/confidences")
        page.fill("[name=title]", "The autumn model")
        page.fill("[name=covers]", "Its name and its day.")
        page.fill("[name=why]", "The weights are not final yet.")
        page.check("[name=cohort_ids] >> nth=0")
        page.click("form[action$='/confidences'] [type=submit]")
        page.wait_for_selector("h2:has-text('The autumn model')")
        assert violations(page) == []
        page.click("summary:has-text('End it')")
        page.fill("[name=reason]", "It was published today.")
        page.click("form[action$='/end'] [type=submit]")
        page.wait_for_selector(".badge.good:has-text('Ended')")


def send(page: Any, form: str, url: str) -> None:
    """Send a form and wait for the page that it leads to."""
    page.click(f"{form} [type=submit]")
    page.wait_for_url(url)
    page.wait_for_load_state()


def sign_in_by_passkey(page: Any) -> None:
    """As `add_passkey`, and use it, so that acts of the next minutes need not ask for it."""
    add_passkey(page)
    page.goto("/studio/desk")
    _use(page, "sign-in")


def add_passkey(page: Any) -> None:
    """Give whoever is signed in a passkey of the page's device, as the account page does."""
    _use(page, "add")


def _use(page: Any, way: str) -> None:
    with page.expect_navigation():
        page.evaluate(
            "way => { import('/studio/static/passkeys.js').then(({usePasskey}) => {"
            "const b = document.createElement('button'); b.dataset.passkey = way;"
            "b.dataset.next = '/studio/desk?signed'; document.body.append(b);"
            "usePasskey(b, () => {}); }); }",
            way,
        )


def act(page: Any, done: str) -> None:
    """Go on, with the passkey if the page asks for it."""
    again = page.locator("[data-passkey=again]")
    page.locator(f"{done} >> visible=true").or_(again).first.wait_for()
    if again.count():
        again.click()
    page.wait_for_selector(done)
