"""The whole story of stewards, reviewers and jurors through the desk's pages, in English and in Arabic."""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from pages.conftest import passkey_device
from pages.desk_acts import hold, send, sign_in_by_passkey
from pages.stage import Stage
from unstrung.lottery import DRAND_CHAINS
from unstrung.studio.accounts.models import Role
from unstrung.studio.admission.models import ProgrammeRole
from unstrung.studio.applications import service as applications
from unstrung.studio.applications.service import Wish
from unstrung.studio.database import now
from unstrung.studio.lotteries import service as lotteries
from unstrung.studio.lotteries.models import Lottery
from unstrung.studio.pages.languages import language_of

pytestmark = [pytest.mark.enable_socket, pytest.mark.allow_hosts(["127.0.0.1", "::1", "localhost"])]
LANGUAGES = pytest.mark.parametrize("language", ["en", "ar"])


@dataclass
class Desk:
    """Somebody's browser at the desk: each page has to be in its language, under its own heading."""

    page: Any
    stage: Stage
    language: str

    def open(self, path: str, heading: str) -> Any:
        """Go to a page of the studio and look at its direction and heading."""
        assert self.page.goto(f"/studio/{path}").status == 200, path
        return self.reads(heading)

    def reads(self, heading: str) -> Any:
        """The page that is shown now has this heading, in the reader's words."""
        language = language_of(self.language)
        assert language is not None
        html = self.page.locator("html")
        assert html.get_attribute("lang") == self.language
        assert html.get_attribute("dir") == language.direction
        assert self.page.locator("h1").inner_text() == language.words.gettext(heading)
        return self.page

    def fill(self, form: str, **given: str) -> None:
        """Fill fields of a form by their names."""
        for name, value in given.items():
            self.page.fill(f"form{form} [name={name}]", value)

    def send(self, form: str, url: str) -> None:
        """Send a form, and wait for where it leads."""
        send(self.page, f"form{form}", url)

    def send_and_see(self, form: str, sign: str) -> None:
        """Send a form, and wait for a sign on the page that it was done."""
        self.page.click(f"form{form} [type=submit]")
        self.page.wait_for_selector(sign)


@pytest.fixture
def sits(
    stage: Stage, visit: Callable[..., Any], language: str
) -> Iterator[Callable[..., Desk]]:
    """Somebody new with a role, at the desk; stewards with a passkey that was just used."""
    with ExitStack() as devices:

        def sat(name: str, *roles: ProgrammeRole) -> Desk:
            named = f"{name} {language}"
            stage.add_person(named, Role.MEMBER, *roles)
            page = visit(named, locale=language)
            if ProgrammeRole.STEWARD in roles:
                devices.enter_context(passkey_device(page))
                sign_in_by_passkey(page)
            return Desk(page, stage, language)

        yield sat


@LANGUAGES
def test_people_come_by_criteria_by_lot_and_by_invitation(
    stage: Stage, visit: Callable[..., Any], sits: Callable[..., Desk], language: str
) -> None:
    desk = sits("Sofia", ProgrammeRole.STEWARD)
    cohort_id = add_cohort(desk, "Weavers", 9)
    publish_criteria(desk, cohort_id)
    accept_one_and_refuse_another(desk, visit, cohort_id)
    draw_with_seals(desk, visit, cohort_id)
    draw_with_drand(desk, visit, cohort_id)


def add_cohort(desk: Desk, name: str, seats: int) -> str:
    desk.open("desk/cohorts", "Cohorts")
    purpose = "People who work by hand."
    desk.fill("[action$='/cohorts']", name=f"{name} {desk.language}", seats=str(seats), purpose=purpose)
    desk.send("[action$='/cohorts']", "**/cohorts/cohort_*")
    return str(desk.page.url.rpartition("/")[2])


def announce(desk: Desk, cohort_id: str, drand_chain: str = "") -> str:
    page = desk.open("desk/lotteries", "Lotteries")
    page.select_option("[name=cohort_id]", cohort_id)
    if drand_chain:
        page.click("form[action$='/lotteries'] summary")
        page.select_option("[name=drand_chain]", drand_chain)
    desk.fill("[action$='/lotteries']", seats="1", hours="1")
    desk.send("[action$='/lotteries']", "**/lotteries/lottery_*")
    desk.reads("Lottery")
    return str(page.url.rpartition("/")[2])


def freeze(desk: Desk, lottery_id: str) -> None:
    with desk.stage.database.transaction() as session:
        session.get_one(Lottery, lottery_id).closes_at = now()
    desk.page.reload()
    desk.send_and_see("[action$='/close']", "ol.steps li.done >> nth=1")


def publish_criteria(desk: Desk, cohort_id: str) -> None:
    form = f"[action$='{cohort_id}/criteria']"
    desk.page.goto(f"/studio/desk/cohorts/{cohort_id}")
    desk.fill(form, text="We look for work of your own.", clauses="own-work")
    desk.send_and_see(form, f"form{form} [role=alert] .notice")
    desk.fill(form, clauses="own-work: You show work of your own.", questions="tools: Your tools?")
    desk.page.click(f"form{form} [type=submit]")
    desk.page.wait_for_function(
        "() => document.querySelector('#f-clauses').defaultValue.startsWith('own-work: You show')"
    )


def apply_by_page(desk: Desk, visit: Callable[..., Any], cohort_id: str, name: str) -> tuple[Desk, str]:
    """An applicant's browser, on the page of the application, and its id."""
    page = visit(locale=desk.language)
    applicant = Desk(page, desk.stage, desk.language)
    page.goto(f"/studio/programme/apply?cohort={cohort_id}")
    applicant.fill("[action$='/apply']", name=name, contact=f"{name}@example.org", wish="A film of the sea.")
    applicant.send("[action$='/apply']", "**/programme/application")
    applicant.reads("Your application")
    code = page.locator("#private-link").inner_text().rpartition("#")[2]
    return applicant, code


def accept_one_and_refuse_another(desk: Desk, visit: Callable[..., Any], cohort_id: str) -> None:
    first, first_code = apply_by_page(desk, visit, cohort_id, "Lina")
    other, other_code = apply_by_page(desk, visit, cohort_id, "Omar")
    desk.open(f"desk/applications?cohort_id={cohort_id}", "Applications")
    desk.page.click(f"td a[href*='{first_code.partition('.')[0]}']")
    desk.page.wait_for_selector("form[action$='/admit']")
    desk.reads("Application")
    desk.page.click("form[action$='/admit'] [type=submit]")
    desk.page.wait_for_selector("form[action$='/admit']", state="detached")
    desk.open(f"desk/applications/{other_code.partition('.')[0]}", "Application")
    facts, change = "The links lead to works of other people.", "Show one work that you made."
    desk.page.select_option("form[action$='/refuse'] [name=clause]", "own-work")
    desk.fill("[action$='/refuse']", facts=facts, change=change)
    desk.send_and_see("[action$='/refuse']", "#reasons")
    other.open("programme/application", "Your application")
    told = other.page.locator("section:has(#why)").inner_text()
    assert all(each in told for each in (facts, change, "You show work of your own.", "own-work"))
    first.open("programme/application", "Your application")
    first.page.click("form[action$='/come'] [type=submit]")
    first.page.wait_for_url("**/programme/welcome")


def draw_with_seals(desk: Desk, visit: Callable[..., Any], cohort_id: str) -> None:
    """The applicant seals words; the draw waits until they are opened."""
    _, code = apply_by_page(desk, visit, cohort_id, "Sami")
    own = code.partition(".")[::2]
    lottery_id = announce(desk, cohort_id)
    words = "a fox that nobody else thinks of"
    seal = hashlib.sha256(hashlib.sha256(words.encode()).digest()).hexdigest()
    with desk.stage.database.transaction() as session:
        lotteries.contribute(session, *own, None, seal)
    freeze(desk, lottery_id)
    assert desk.page.locator("form[action$='/draw']").count() == 0
    with desk.stage.database.transaction() as session:
        lotteries.open_seal(session, *own, words)
    desk.page.reload()
    desk.send_and_see("[action$='/draw']", "ol.steps li.done >> nth=2")
    assert desk.page.locator("ol ol li").count() == 1


def draw_with_drand(desk: Desk, visit: Callable[..., Any], cohort_id: str) -> None:
    apply_by_page(desk, visit, cohort_id, "Tala")
    chain = next(iter(DRAND_CHAINS))
    lottery_id = announce(desk, cohort_id, drand_chain=chain)
    freeze(desk, lottery_id)
    desk.fill("[action$='/draw']", drand_randomness="not hexadecimal")
    desk.send_and_see("[action$='/draw']", "form [role=alert] .notice")
    desk.fill("[action$='/draw']", drand_randomness="5e" * 32)
    desk.send_and_see("[action$='/draw']", "ol.steps li.done >> nth=2")
    assert desk.page.locator("ol ol li").count() == 1
