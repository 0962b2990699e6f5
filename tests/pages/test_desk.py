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
from unstrung.studio.shares.models import Audience, ShareStatus
from unstrung.studio.shares.service import ShareWish

pytestmark = [pytest.mark.enable_socket, pytest.mark.allow_hosts(["127.0.0.1", "::1", "localhost"])]
PAGES = (
    "", "/applications", "/cohorts", "/lotteries", "/invitations", "/roles", "/stages", "/reviews",
    "/hearings", "/pauses", "/pauses/new?level=everybody&ground=capacity&hours=2", "/signals", "/log",
)  # fmt: skip


@pytest.fixture(scope="module")
def desk(stage: Stage) -> Stage:
    stage.add_person("Noor")
    for name, role in (
        ("Sofia", ProgrammeRole.STEWARD), ("Tariq", ProgrammeRole.STEWARD),
        ("Rin", ProgrammeRole.REVIEWER), ("Juno", ProgrammeRole.JUROR),
    ):  # fmt: skip
        stage.add_person(name, Role.MEMBER, role)
    with stage.database.transaction() as session:
        cohort = admission.create_cohort(session, "Painters", 9, "Painters who draw by hand.")
        clauses = {"own-work": "You show work of your own."}
        applications.publish_criteria(session, None, cohort.id, "Who paints.", clauses, {})
        roles = (ProgrammeRole.ARTIST,)
        wish = Wish(cohort.id, "Lina", "lina@example.org", roles, "Foxes in snow.")
        applications.apply(session, wish)
        lotteries.announce(session, None, Plan(cohort.id, 1, now() + timedelta(days=1)))
    return stage


def hold(stage: Stage) -> str:
    video_id = stage.make_clip("Noor", "faces of hate")
    with stage.database.transaction() as session:
        wish = ShareWish(video_id, Audience.PUBLIC)
        shared = shares.share(session, USUAL_ASSESSOR, stage.caller("Noor"), 24, wish)
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


def test_a_pause_of_everybody_waits_for_another_steward(
    desk: Stage, visit: Callable[..., Any]
) -> None:
    first, other = visit("Sofia"), visit("Tariq")
    with passkey_device(first), passkey_device(other):
        for page in (first, other):
            page.evaluate(
                "async () => { const {usePasskey} = await import('/studio/static/passkeys.js');"
                "const b = document.createElement('button'); b.dataset.passkey = 'add';"
                "document.body.append(b); await usePasskey(b, () => {}); }"
            )
            page.wait_for_load_state()
        first.goto("/studio/desk/pauses/new?level=everybody&ground=capacity&hours=2")
        first.fill("[name=reason]", "The machine is too hot to go on.")
        first.fill("[name=resume_plan]", "The operator mends the fan today.")
        first.click("text=Propose this pause")
        act(first, "text=Waits for a second steward")
        assert first.locator("text=You proposed it").count()
        other.goto(first.url)
        other.click("text=Agree and pause")
        act(other, "text=Measured time to stop")
        other.fill("[name=reason]", "The fan was mended.")
        other.click("text=Lift it now")
        other.wait_for_selector(".badge.good:has-text('Ended')")


def act(page: Any, done: str) -> None:
    """Go on, with the passkey if the page asks for it."""
    again = page.locator("[data-passkey=again]")
    page.locator(f"{done} >> visible=true").or_(again).first.wait_for()
    if again.count():
        again.click()
    page.wait_for_selector(done)
