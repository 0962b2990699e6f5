"""The steward's whole story through the desk's pages, in a language from each side of the page."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from pages.acts import english_left
from pages.conftest import passkey_device, violations
from pages.stage import Stage
from pages.test_desk import hold, send, sign_in_by_passkey
from unstrung.lottery import DRAND_CHAINS, seal_of, share_of
from unstrung.studio.access import service as access
from unstrung.studio.access.models import Scope
from unstrung.studio.accounts.models import Person, Role
from unstrung.studio.admission import service as admission
from unstrung.studio.admission.models import ProgrammeRole
from unstrung.studio.appeals import service as appeals
from unstrung.studio.appeals.models import PanelSeat
from unstrung.studio.applications import service as applications
from unstrung.studio.applications.models import Application, ApplicationState
from unstrung.studio.confidences import service as confidences
from unstrung.studio.confidences.models import Answer, ConfidenceKind
from unstrung.studio.database import now
from unstrung.studio.feedback import service as feedback
from unstrung.studio.feedback.models import FeedbackKind
from unstrung.studio.feedback.service import About, Note
from unstrung.studio.identity import new_id
from unstrung.studio.lotteries import service as lotteries
from unstrung.studio.lotteries.models import Lottery
from unstrung.studio.pages.languages import KNOWN
from unstrung.studio.pages.visits import LANGUAGE_COOKIE
from unstrung.studio.pauses.models import Level, Pause, PauseGround
from unstrung.studio.shares.models import Share, ShareStatus
from unstrung.studio.signals.models import Signal, Step
from unstrung.studio.statements import service as statements

pytestmark = [pytest.mark.enable_socket, pytest.mark.allow_hosts(["127.0.0.1", "::1", "localhost"])]
CHAIN = next(iter(DRAND_CHAINS))


class Desk:
    """A steward's browser at the desk, in one language."""

    def __init__(self, page: Any, code: str) -> None:
        self.page, self.code = page, code
        self.language = next(each for each in KNOWN if each.code == code)
        address = page.url.split("/studio")[0]
        page.context.add_cookies([{"name": LANGUAGE_COOKIE, "value": code, "url": address}])

    def go(self, path: str, heading: str = "") -> None:
        """Open a page of the desk; its first heading is in the language."""
        self.page.goto(f"/studio/desk{path}")
        html = self.page.locator("html")
        assert html.get_attribute("dir") == self.language.direction
        assert html.get_attribute("lang") == self.code
        assert english_left(self.page, self.code) == []
        if heading:
            assert self.page.locator("h1").inner_text() == self.language.words.gettext(heading)

    def fill(self, **fields: str) -> None:
        """Write into fields of the page by their names."""
        for name, words in fields.items():
            self.page.fill(f"[name={name}]:visible", words)

    def send(self, form: str, leads_to: str) -> None:
        """Send a form, by the end of its address."""
        send(self.page, f"form[action$='{form}']", leads_to)


@pytest.fixture(params=["en", "ar"])
def desk(stage: Stage, visit: Callable[..., Any], request: pytest.FixtureRequest) -> Any:
    """A steward, signed in by passkey, with three jurors, two reviewers and another steward about."""
    code = request.param
    for name, role in (
        ("Tariq", ProgrammeRole.STEWARD), ("Rin", ProgrammeRole.REVIEWER), ("Yuki", ProgrammeRole.REVIEWER),
        ("Juno", ProgrammeRole.JUROR), ("Kofi", ProgrammeRole.JUROR), ("Lena", ProgrammeRole.JUROR),
    ):  # fmt: skip
        if f"{name} {code}" not in stage.people:
            stage.add_person(f"{name} {code}", Role.MEMBER, role)
    if f"Noor {code}" not in stage.people:
        stage.add_person(f"Noor {code}")
    # One for each test: whoever has a passkey adds another only by using it.
    steward = f"Sofia {request.node.name}"
    stage.add_person(steward, Role.MEMBER, ProgrammeRole.STEWARD)
    page = visit(steward)
    with passkey_device(page):
        sign_in_by_passkey(page)
        yield Desk(page, code)


def applied(stage: Stage, cohort_id: str, name: str) -> str:
    with stage.database.transaction() as session:
        wish = applications.Wish(
            cohort_id, name, f"{name}@example.org", (ProgrammeRole.ARTIST,), "Foxes in snow."
        )
        return applications.apply(session, wish)[0].id


def state_of(stage: Stage, application_id: str) -> ApplicationState:
    with stage.database.transaction() as session:
        return session.get_one(Application, application_id).state


def test_who_comes_in(desk: Desk, stage: Stage) -> None:
    """Cohort, criteria, one accepted and one refused, draws with seals and with drand, a gate shut again."""
    page = desk.page
    desk.go("/cohorts", "Cohorts")
    desk.fill(name=f"Weavers {desk.code}", seats="9", purpose="People who weave by hand.")
    desk.send("/cohorts", "**/cohorts/cohort_*")
    cohort_id = page.url.rpartition("/")[2].partition("?")[0]
    _publish_criteria(desk)
    lina, otto = (applied(stage, cohort_id, each) for each in ("lina", "otto"))

    desk.go(f"/applications/{lina}", "Application")
    page.click("form[action$='/admit'] [type=submit]")
    page.wait_for_selector("form[action$='/admit']", state="detached")
    assert state_of(stage, lina) == ApplicationState.ADMITTED
    desk.go(f"/applications/{otto}")
    desk.fill(facts="The links lead to somebody else's cloth.", change="Show cloth of your own.")
    page.click("form[action$='/refuse'] [type=submit]")
    page.wait_for_selector("#reasons")
    assert "somebody else's cloth" in page.locator("section:has(#reasons)").inner_text()
    assert state_of(stage, otto) == ApplicationState.REFUSED

    for chain in ("", CHAIN):
        _draw(desk, stage, cohort_id, chain)

    if desk.code == "en":  # there is one release for all
        _gates(desk)


def _publish_criteria(desk: Desk) -> None:
    """Written on the cohort's page, a clause on each line; a line without a name is refused in its place."""
    form = "form[action$='/criteria']"
    desk.page.fill(f"{form} [name=text]", "Who weaves.")
    desk.page.fill(f"{form} [name=clauses]", "You show work of your own.")
    desk.page.click(f"{form} [type=submit]")
    desk.page.wait_for_selector(f"{form} [role=alert] .notice")
    desk.page.fill(f"{form} [name=clauses]", "own-work: You show work of your own.")
    desk.page.click(f"{form} [type=submit]")
    # Only the page that comes after it has them as what it began with.
    desk.page.wait_for_function("() => document.querySelector('[name=clauses]').defaultValue")
    assert violations(desk.page) == []


def _draw(desk: Desk, stage: Stage, cohort_id: str, chain: str) -> None:
    """Announce, close and draw, with a sealed phrase that is opened in time, or with a public round."""
    page = desk.page
    with stage.database.transaction() as session:
        wish = applications.Wish(
            cohort_id, "Mira", "mira@example.org", (ProgrammeRole.ARTIST,), "Foxes in snow."
        )
        made, token = applications.apply(session, wish)
        entrant = made.id
    desk.go("/lotteries", "Lotteries")
    page.select_option("[name=cohort_id]", cohort_id)
    desk.fill(seats="1", hours="1", open_for_hours="1")
    if chain:  # its round follows from closing
        page.click("details.more summary")
        page.select_option("[name=drand_chain]", chain)
    desk.send("/lotteries", "**/lotteries/lottery_*")
    phrase = "a fox that nobody else thinks of"
    with stage.database.transaction() as session:
        if not chain:
            lotteries.contribute(session, entrant, token, None, seal_of(share_of(phrase)))
        lottery = session.get_one(Lottery, page.url.rpartition("/")[2].partition("?")[0])
        lottery.closes_at = now()
    page.reload()
    desk.send("/close", "**/lotteries/lottery_*")
    if not chain:
        page.wait_for_selector("#opens")
        assert not page.locator("form[action$='/draw']").count(), "a seal may still be opened"
        with stage.database.transaction() as session:
            lotteries.open_seal(session, entrant, token, phrase)
        page.reload()
    page.wait_for_selector("form[action$='/draw']")
    if chain:
        desk.fill(drand_randomness="ab" * 32)
    page.click("form[action$='/draw'] [type=submit]")
    page.wait_for_selector(".steps ol code")
    assert page.locator(".steps ol .badge.good").count() == 1
    assert violations(page) == []


def _gates(desk: Desk) -> None:
    """A gate is opened with evidence, and shut again with a reason that everybody reads."""
    page = desk.page
    desk.go("/stages", "Release stages")
    page.check("form[action$='/gates'] [value=artists]")
    page.fill("form[action$='/gates'] [name=text]", "The findings are mended.")
    page.click("form[action$='/gates'] [type=submit]")
    page.click("summary:near(:text('The findings are mended.'))")
    page.fill("[name=evidence_url]", "https://example.org/report")
    page.click("form[action$='/open'] [type=submit]")
    page.wait_for_selector("a[href='https://example.org/report']")
    page.click("li:has(a[href='https://example.org/report']) details.more > summary")
    page.fill("form[action$='/reopen'] [name=reason]", "One finding came back.")
    page.click("form[action$='/reopen'] [type=submit]")
    page.wait_for_selector("text=One finding came back.")
    assert not page.locator("a[href='https://example.org/report']").count()


def test_an_applicant_reads_a_refusal_and_contests_it(
    desk: Desk, stage: Stage, visit: Callable[..., Any]
) -> None:
    """Whoever hears it sees what was applied with and no name; its applicant reads how it went."""
    with stage.database.transaction() as session:
        cohort = admission.create_cohort(session, f"Potters {desk.code}", 9, "Who turns clay.").id
        clauses = {"own-work": "You show work of your own."}
        applications.publish_criteria(session, None, cohort, "Who turns clay.", clauses, {})
        wish = applications.Wish(
            cohort, "Otto", "otto@example.org", (ProgrammeRole.ARTIST,), "Bowls that sing."
        )
        made, token = applications.apply(session, wish)
        made_id = made.id
    desk.go(f"/applications/{made_id}", "Application")
    desk.fill(facts="The links lead to somebody else's bowls.", change="Show bowls of your own.")
    desk.page.click("form[action$='/refuse'] [type=submit]")
    desk.page.wait_for_selector("#reasons")

    page = visit(locale=desk.code)
    page.goto("/studio/programme/application")
    page.fill("[name=code]", f"{made_id}.{token}")
    page.locator("form:has([name=code]) button").click()
    page.wait_for_selector("section:has(#why)")
    told = page.locator("section:has(#why)").inner_text()
    for words in ("You show work of your own.", "else's bowls", "Show bowls of your own."):
        assert words in told
    form = "form[action$='/application/appeal']"
    page.click(f"details:has({form}) > summary")
    page.fill(f"{form} [name=text]", "They are mine; the shop sells them.")
    page.click(f"{form} [type=submit]")
    page.wait_for_selector(form, state="detached")

    other = Desk(visit(f"Juno {desk.code}"), desk.code)
    other.go("/hearings", "Appeals")
    other.page.click("form[action$='/take'] button")
    other.page.wait_for_selector("form[action$='/decide']")
    seen = other.page.locator("main").inner_text()
    assert "Bowls that sing." in seen
    assert "otto" not in seen.lower()
    _decide(other, "upheld", "The shop is not in the links.")
    page.goto("/studio/programme/application")
    told = page.locator("section:has(#why)").inner_text()
    assert "The shop is not in the links." in told
    assert desk.language.words.gettext("Not won") in told
    assert page.locator(form).count() == 1, "a panel can still hear it"
    assert violations(page) == []


def test_what_is_answered_and_checked(desk: Desk, stage: Stage) -> None:
    """An invitation is revoked, a note answered, a signal settled, and a receipt checked."""
    page, name = desk.page, f"Noor {desk.code}"
    with stage.database.transaction() as session:
        admission.create_cohort(session, f"Carvers {desk.code}", 9, "Who carves.")
    desk.go("/invitations", "Invitations")
    desk.fill(note=f"For Amal {desk.code}")
    page.click("form[action$='/invitations'] [type=submit]")
    page.wait_for_selector("#code")
    desk.go("/invitations")
    row = page.locator(f"tr:has-text('For Amal {desk.code}')")
    row.locator("form[action$='/revoke'] button").click()
    row.locator("form").wait_for(state="detached")

    video_id = stage.make_clip(name, "a fox")
    with stage.database.transaction() as session:
        note = Note(FeedbackKind.BUG, "The tail flickers.")
        note_id = feedback.give(session, stage.caller(name), About(video_id), note).id
    desk.go("/feedback", "Feedback")
    form = f"form[action$='/{note_id}']"
    page.click(f"details:has({form}) > summary")
    page.select_option(f"{form} [name=status]", "declined")
    page.click(f"{form} [type=submit]")
    page.wait_for_selector(f"{form} [role=alert] .notice")
    page.fill(f"{form} [name=reason]", "The next model does not do it.")
    page.click(f"{form} [type=submit]")
    page.wait_for_selector(f"li:has({form}) p.said >> text=The next model")

    _suspect(stage, name)
    desk.go("/signals", "Signals")
    assert violations(page) == []
    desk.fill(outcome="A class shares a network.")
    page.click("form[action$='/settle'] [type=submit]")
    page.wait_for_selector(".empty")
    desk.go("/log", "Log")
    _check_receipts(page)


def _suspect(stage: Stage, name: str) -> None:
    with stage.database.transaction() as session:
        person = session.get_one(Person, stage.people[name])
        key = access.create_key(session, person, "laptop", [Scope.READ])[0]
        signal = Signal(
            id=new_id("signal"), key_id=key.id, person_id=person.id, step=Step.ASK_STEWARD, score=9,
            facts="Nine networks within an hour.", pause_id=None, noted_at=now(), settled_at=None,
            settled_by=None, outcome=None,
        )  # fmt: skip
        session.add(signal)


def _check_receipts(page: Any) -> None:
    """A receipt of one's own holds; what is none does not."""
    link = page.locator("a[href^='/programme/v1/receipts/']").first
    link.wait_for()
    text = page.request.get(link.get_attribute("href")).body()
    for given, told in ((text, "[role=status] .good"), (b"nothing", "[role=alert] .problem")):
        page.set_input_files("[name=receipt]", {"name": "r", "mimeType": "", "buffer": given})
        page.click("form[action$='/desk/log'] button")
        page.wait_for_selector(told)


def test_what_is_refused_is_seen_by_others(
    desk: Desk, stage: Stage, visit: Callable[..., Any]
) -> None:
    """A refusal at once, an appeal upheld, a panel that overturns it, and a refusal that needs a second."""
    noor = stage.caller(f"Noor {desk.code}")
    share_id = hold(stage, f"Noor {desk.code}")
    refuser = Desk(visit(f"Rin {desk.code}"), desk.code)
    _refuse(refuser, share_id)
    with stage.database.transaction() as session:
        assert session.get_one(Share, share_id).status == ShareStatus.REFUSED
        statement = statements.list_statements(session, noor, None, 1)[0].id
        appeals.lodge(session, noor, statement, "They are foxes, and nobody is meant.")

    refuser.go("/hearings", "Appeals")
    assert refuser.page.locator(".empty").count(), "whoever refused does not hear the appeal"
    desk.go("/hearings", "Appeals")
    desk.page.click("form[action$='/take'] button")
    _decide(desk, "upheld", "The caption says whom they mean.")

    with stage.database.transaction() as session:
        panel = appeals.lodge(session, noor, statement, "Read the caption once more.").id
        jurors = [seat.person_id for seat in session.query(PanelSeat).filter_by(appeal_id=panel)]
    names = {person_id: name for name, person_id in stage.people.items()}
    for juror in jurors[:2]:
        seated = Desk(visit(names[juror]), desk.code)
        seated.go("/hearings", "Appeals")
        seated.page.click(f"a[href*='{panel}'], form[action*='{panel}'] button")
        _decide(seated, "overturned", "The caption names foxes and nobody else.")
    with stage.database.transaction() as session:
        assert session.get_one(Share, share_id).status == ShareStatus.SHARED

    # Whoever has appealed is not refused again by one person alone.
    again = hold(stage, f"Noor {desk.code}")
    _refuse(refuser, again)
    with stage.database.transaction() as session:
        assert session.get_one(Share, again).status == ShareStatus.WAITING
    other = Desk(visit(f"Yuki {desk.code}"), desk.code)
    other.go("/reviews", "Review queue")
    other.page.click(f"form[action*='{again}'] button")
    other.page.wait_for_selector("[name=agrees]")
    assert "vermin" in other.page.locator("main").inner_text()
    other.page.click("[name=agrees][value=true]")
    other.page.wait_for_url("**/reviews?done=*")
    with stage.database.transaction() as session:
        assert session.get_one(Share, again).status == ShareStatus.REFUSED


def _refuse(desk: Desk, share_id: str) -> None:
    """Claim a share, refuse it, and read the words before they are sent."""
    page = desk.page
    desk.go("/reviews", "Review queue")
    page.click(f"form[action*='{share_id}'] button")
    page.wait_for_url(f"**/reviews/{share_id}")
    page.click("#refuse > summary")
    desk.fill(facts="A crowd is shown as vermin.", suggested_change="Show them as people.")
    page.click("form[action$='/preview'] button:not([type=button])")
    page.wait_for_selector("#preview")
    assert "A crowd is shown as vermin." in page.locator("section:has(#preview)").inner_text()
    page.click("form[action$='/refuse'] [type=submit]")
    page.wait_for_url("**/reviews?done=*")


def _decide(desk: Desk, outcome: str, reasons: str) -> None:
    page = desk.page
    page.wait_for_selector("form[action$='/decide']")
    assert page.locator("h1").inner_text() == desk.language.words.gettext("Hear an appeal")
    assert violations(page) == []
    page.check(f"[value={outcome}]")
    desk.fill(reasons=reasons)
    page.click("form[action$='/decide'] [type=submit]")
    page.wait_for_url("**/hearings?done=1")


def test_what_is_stopped_and_lifted(desk: Desk, stage: Stage, visit: Callable[..., Any]) -> None:
    """A cohort for a day, everybody by two, and one person for what they had promised to keep."""
    page, code = desk.page, desk.code
    with stage.database.transaction() as session:
        cohort = admission.create_cohort(session, f"Painters {code}", 9, "Who paints.").id
        admission.seat(session, stage.people[f"Noor {code}"], cohort)
    _propose(desk, f"level=cohort&ground=capacity&hours=24&cohort_id={cohort}")
    page.wait_for_selector("form[action$='/lift']")
    assert f"Painters {code}" in page.locator("dl.pairs").inner_text()
    _lift(desk)

    _propose(desk, "level=everybody&ground=security-incident&hours=12")
    waiting = page.url
    with stage.database.transaction() as session:
        pause = session.get_one(Pause, waiting.rpartition("/")[2].partition("?")[0])
        assert pause.begun_at is None, "one steward alone stops nobody"
    other = visit(f"Tariq {code}")
    with passkey_device(other):
        sign_in_by_passkey(other)
        seconding = Desk(other, code)
        other.goto(waiting)
        other.click("form[action$='/second'] [type=submit]")
        other.wait_for_selector("form[action$='/second']", state="detached")
        _lift(seconding)

    person = stage.people[f"Noor {code}"]
    with stage.database.transaction() as session:
        item = confidences.ask(session, None, confidences.Wanted(
            ConfidenceKind.FEATURE, "A longer clip", "Its length.", "It is not final.", None,
            now() + timedelta(days=9), (cohort,),
        ))  # fmt: skip
        confidences.answer(session, stage.caller(f"Noor {code}"), item.id, Answer.ACCEPTED)
        broken = item.id
    _propose(desk, f"level=person&ground=breach-of-confidence&hours=24&target_id={person}", broken)
    with stage.database.transaction() as session:
        pause = session.get_one(Pause, page.url.rpartition("/")[2].partition("?")[0])
        assert (pause.level, pause.ground, pause.confidence_id) == (
            Level.PERSON, PauseGround.BREACH_OF_CONFIDENCE, broken,
        )  # fmt: skip
    assert f"Noor {code}" in page.locator("dl.pairs").inner_text()
    _lift(desk)


def _propose(desk: Desk, query: str, confidence_id: str = "") -> None:
    """Look at what a pause would do, and propose it."""
    page = desk.page
    desk.go(f"/pauses/new?{query}", "What this pause would do")
    assert page.locator("dd[lang=ar]").get_attribute("dir") == "rtl"
    assert violations(page) == []
    desk.fill(reason="It cannot go on as it is now.", resume_plan="It is mended, and said so here.")
    if confidence_id:
        page.select_option("[name=confidence_id]", confidence_id)
    page.click("form[action$='/pauses'] [type=submit]")
    page.wait_for_url("**/pauses/pause_*")
    page.wait_for_load_state()


def _lift(desk: Desk) -> None:
    desk.fill(reason="It was mended.")
    desk.page.click("form[action$='/lift'] [type=submit]")
    desk.page.wait_for_selector("form[action$='/lift']", state="detached")
    assert desk.page.locator(".badge.good").first.inner_text() == desk.language.words.gettext(
        "Ended"
    )
