"""What tests of the desk do again and again: hold a clip, sign in by passkey, send forms."""

from datetime import timedelta
from typing import Any

from pages.stage import Stage
from unstrung.studio.assessing import USUAL_ASSESSOR
from unstrung.studio.assessments.service import Action
from unstrung.studio.database import now
from unstrung.studio.shares import service as shares
from unstrung.studio.shares.models import Audience, ShareStatus
from unstrung.studio.shares.service import ShareWish


def hold(stage: Stage, name: str = "Noor") -> str:
    """A share of somebody's that waits for review, as if a rule had found a listed class."""
    video_id = stage.make_clip(name, "faces of hate")
    with stage.database.transaction() as session:
        wish = ShareWish(video_id, Audience.PUBLIC)
        shared = shares.share(session, USUAL_ASSESSOR, stage.caller(name), 24, wish)
        risk = next(each for each in USUAL_ASSESSOR.listed() if each.action == Action.REVIEW)
        found = {"risk": risk.name, "what": risk.what, "rule": "words", "passages": []}
        shared.status, shared.release, shared.released_at = ShareStatus.WAITING, None, None
        shared.due_at = now() + timedelta(hours=24)
        shared.held = [
            {**found, "starts_s": None, "ends_s": None, "is_hard_illegal": risk.is_hard_illegal}
        ]
        return shared.id


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


def act(page: Any, done: str) -> None:
    """Go on, with the passkey if the page asks for it."""
    again = page.locator("[data-passkey=again]")
    page.locator(f"{done} >> visible=true").or_(again).first.wait_for()
    if again.count():
        again.click()
    page.wait_for_selector(done)


def _use(page: Any, way: str) -> None:
    with page.expect_navigation():
        page.evaluate(
            "way => { import('/studio/static/passkeys.js').then(({usePasskey}) => {"
            "const b = document.createElement('button'); b.dataset.passkey = way;"
            "b.dataset.next = '/studio/desk?signed'; document.body.append(b);"
            "usePasskey(b, () => {}); }); }",
            way,
        )
