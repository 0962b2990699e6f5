"""Pictures of every page of the studio, in four ways, for docs/screens; and what pages weigh.

A stage is filled with clips of the shipped model, people who are not real, and what they did.
Needs `make browsers`.
"""

import argparse
import logging
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Any, Final

import structlog
from PIL import Image
from playwright.sync_api import sync_playwright

ROOT: Final = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / "tests")]

from pages.stage import Stage, open_stage  # noqa: E402  # the stage of the tests
from unstrung.engine.errors import EngineError  # noqa: E402
from unstrung.engine.request import Generation, Step  # noqa: E402
from unstrung.studio.access.service import Caller  # noqa: E402
from unstrung.studio.accounts.models import Role  # noqa: E402
from unstrung.studio.admission import service as admission  # noqa: E402
from unstrung.studio.admission.models import ProgrammeRole  # noqa: E402
from unstrung.studio.applications import service as applications  # noqa: E402
from unstrung.studio.assessments.service import Action, Assessor  # noqa: E402
from unstrung.studio.charters import service as charters  # noqa: E402
from unstrung.studio.consents import service as consents  # noqa: E402
from unstrung.studio.consents.models import Use  # noqa: E402
from unstrung.studio.database import now  # noqa: E402
from unstrung.studio.feedback import service as feedback  # noqa: E402
from unstrung.studio.feedback.models import FeedbackKind  # noqa: E402
from unstrung.studio.generator import EngineGenerator, Task  # noqa: E402
from unstrung.studio.lotteries import service as lotteries  # noqa: E402
from unstrung.studio.making import make_video  # noqa: E402
from unstrung.studio.reviews import service as reviews  # noqa: E402
from unstrung.studio.shares import service as shares  # noqa: E402
from unstrung.studio.shares.models import Audience, Share, ShareStatus  # noqa: E402
from unstrung.studio.shelves import service as shelves  # noqa: E402


@dataclass(frozen=True)
class Shot:
    """A page as somebody finds it.

    Attributes:
        path: with ids in braces.
        does: what is clicked first, by selector.
        at: what is scrolled to, by selector.
        status: that the page answers.
    """

    path: str
    does: tuple[str, ...] = ()
    at: str = ""
    status: int = 200


PROMPTS: Final = (
    "a fox crosses a snowy field", "due anatre attraversano il mare",
    "a panda jumps up and down on the beach", "un lapin saute dans la forêt",
    "a bus crosses the city rightwards", "فيل يقف على المسرح",
    "an owl stays in a forest at night in watercolour", "a star spins in space",
)  # fmt: skip
HALTED: Final = "a whale swims under water"
BROKEN: Final = "a bear dances in the desert"
VISITOR: Final = {
    "home": Shot("/studio"), "sign-in": Shot("/studio/sign-in"),
    "programme-visitor": Shot("/studio/programme"), "apply": Shot("/studio/programme/apply"),
    "charter": Shot("/studio/programme/charter"), "open": Shot("/studio/open"),
    "explore": Shot("/studio/explore"), "exhibit": Shot("/studio/explore/{share}"),
    "patterns": Shot("/studio/patterns"), "not-here": Shot("/studio/explore/nothing", status=404),
}  # fmt: skip
NEWCOMER: Final = {
    "create-empty": Shot("/studio/create"), "library-empty": Shot("/studio/library"),
}  # fmt: skip
MEMBER: Final = {
    "create": Shot("/studio/create"),
    "create-more": Shot("/studio/create", ("#composer details.more > summary",), "#composer details.more"),
    "create-clips": Shot("/studio/create", at="#last"), "clip": Shot("/studio/clips/{clip}"),
    "clip-operations": Shot(
        "/studio/clips/{clip}", ("[aria-labelledby=operations] summary >> nth=0",), "#operations"
    ),
    "clip-shared": Shot("/studio/clips/{clip}", at="#sharing"),
    "clip-refused": Shot("/studio/clips/{refused}", at="#sharing"),
    "clip-failed": Shot("/studio/clips/{failed}"), "compare": Shot("/studio/compare?a={clip}&b={other}"),
    "storyboard": Shot("/studio/storyboard"), "library": Shot("/studio/library"),
    "library-folder": Shot("/studio/library?folder={folder}"),
    "library-chosen": Shot(
        "/studio/library", (".shelf-tick >> nth=0", ".shelf-tick >> nth=2"), "#chosen-clips"
    ),
    "account": Shot("/studio/account"), "programme": Shot("/studio/programme"),
    "consents": Shot("/studio/programme/consents"), "statements": Shot("/studio/programme/statements"),
    "receipts": Shot("/studio/programme/receipts"), "pauses": Shot("/studio/programme/pauses"),
    "export": Shot("/studio/programme/export"), "leave": Shot("/studio/programme/leave"),
    "confidences": Shot("/studio/programme/confidences"),
}  # fmt: skip
STEWARD: Final = {
    "desk": Shot("/studio/desk"), "desk-applications": Shot("/studio/desk/applications"),
    "desk-cohorts": Shot("/studio/desk/cohorts"), "desk-lotteries": Shot("/studio/desk/lotteries"),
    "desk-invitations": Shot("/studio/desk/invitations"), "desk-roles": Shot("/studio/desk/roles"),
    "desk-stages": Shot("/studio/desk/stages"), "desk-reviews": Shot("/studio/desk/reviews"),
    "desk-hearings": Shot("/studio/desk/hearings"), "desk-pauses": Shot("/studio/desk/pauses"),
    "desk-signals": Shot("/studio/desk/signals"), "desk-log": Shot("/studio/desk/log"),
}  # fmt: skip
PEOPLE: Final = ((None, VISITOR), ("Mira", NEWCOMER), ("Noor", MEMBER), ("Stella", STEWARD))
WAYS: Final[dict[str, tuple[dict[str, Any], str, str]]] = {
    "light": ({"viewport": {"width": 1280, "height": 800}}, "light", ""),
    "dark": ({"viewport": {"width": 1280, "height": 800}}, "dark", ""),
    "phone": (
        {
            "viewport": {"width": 390, "height": 844},
            "device_scale_factor": 2,
            "is_mobile": True,
            "has_touch": True,
        },
        "light",
        "",
    ),
    "arabic": ({"viewport": {"width": 1280, "height": 800}}, "light", "ar"),
}
_IS_STILL: Final = (
    "() => [...document.querySelectorAll('video[controls]')].every((each) => each.readyState > 2)"
)
_FIRST_PAINT: Final = "performance.getEntriesByName('first-contentful-paint')[0]"
OPERATOR: Final = {
    "operator_name": "Lanterna", "operator_contact": "desk@example.org",
    "operator_law": {"en": "Italian law"}, "open_videos_per_person": 20,
}  # fmt: skip


class StagedGenerator(EngineGenerator):
    """The engine, which stops in the middle of one clip and breaks at another, so that both can be seen."""

    def __init__(self) -> None:
        super().__init__()
        self.is_over = threading.Event()

    def generate(self, task: Task, on_step: Callable[[Step], None]) -> Generation:
        """Draw a clip, as far as it is meant to come."""
        if task.prompt == BROKEN:
            raise EngineError(
                "Memory ran out in the middle of this clip. Nothing else was touched."
            )

        def followed(step: Step) -> None:
            on_step(step)
            if task.prompt == HALTED and step.index == step.total // 2:
                self.is_over.wait()

        return super().generate(task, followed)


def fill(stage: Stage) -> dict[str, str]:
    """People, clips, a programme; and the ids that addresses need."""
    for name in ("Noor", "Mira"):
        stage.add_person(name)
    judging = (ProgrammeRole.STEWARD, ProgrammeRole.REVIEWER, ProgrammeRole.JUROR)
    stage.add_person("Stella", Role.MEMBER, *judging)
    clips = [stage.make_clip("Noor", prompt) for prompt in PROMPTS]
    noor, stella, assessor = stage.caller("Noor"), stage.caller("Stella"), _assessor(stage)
    with stage.database.transaction() as session:
        consents.change(session, noor, Use.PUBLICITY, True, None)
        wish = partial(shares.ShareWish, audience=Audience.PUBLIC, shows_prompt=True)
        made = [
            shares.share(session, assessor, noor, 48, wish(each))
            for each in clips[:6]
        ]  # fmt: skip
        session.flush()
        public = next(each.id for each in made if each.due_at is None)
        folder = shelves.create_folder(session, noor, "Snow and water")
        shelves.create_folder(session, noor, "For Lina")
        shelves.mark(session, noor, clips[:3], is_starred=True, folder_id=folder.id)
        note = feedback.Note(
            FeedbackKind.IDEA, "The tail could trail a little behind.", 1.0, 2.5, True
        )
        feedback.give(session, noor, feedback.About(clips[0]), note)
    with stage.database.transaction() as session:
        _programme(stage, session, noor, stella)
    _review(stage, clips[6], is_refused=True)
    _review(stage, clips[7], is_refused=False)
    failed = stage.make_clip("Noor", BROKEN)
    halted = stage.add_waiting_clip("Noor", HALTED)
    threading.Thread(target=make_video, args=(stage.workshop, halted), daemon=True).start()
    time.sleep(2)
    stage.add_waiting_clip("Noor", "a tortoise crosses the desert in sepia")
    return {
        "clip": clips[0], "other": clips[2], "share": public, "folder": folder.id,
        "refused": clips[6], "failed": failed,
    }  # fmt: skip


def _assessor(stage: Stage) -> Assessor:
    assessor: Assessor = stage.app.state.studio.assessor
    return assessor


def _review(stage: Stage, clip: str, *, is_refused: bool) -> None:
    """Share a clip as if a rule had found a listed class; a reviewer refuses it or has not come to it."""
    noor, stella, assessor = stage.caller("Noor"), stage.caller("Stella"), _assessor(stage)
    risk = next(each for each in assessor.listed() if each.action == Action.REVIEW)
    with stage.database.transaction() as session:
        shared: Share = shares.share(
            session, assessor, noor, 48, shares.ShareWish(clip, Audience.PUBLIC)
        )
        shared.status, shared.release, shared.released_at = ShareStatus.WAITING, None, None
        shared.due_at = now() + timedelta(hours=48)
        shared.held = [{
            "risk": risk.name, "what": risk.what, "rule": "words", "passages": [], "starts_s": 1.0,
            "ends_s": 2.5, "is_hard_illegal": risk.is_hard_illegal,
        }]  # fmt: skip
        session.flush()
        if is_refused:
            reviews.claim(session, stella, shared.id)
            facts = (
                "From the first second on, the owl holds the sign of a group that calls for hatred."
            )
            change = "Leave the sign out; the owl and the forest are fine."
            told = reviews.Refusal("sharing", facts, risk.name, change, 1.0, 2.5)
            reviews.refuse(session, assessor, stella, shared.id, told)


def _programme(stage: Stage, session: Any, noor: Caller, stella: Caller) -> None:
    cohort = admission.create_cohort(
        session, "Painters", 24, "Painters who work by hand and want to move."
    )
    clauses = {"own-work": "You show work of your own.", "two-weeks": "You have two weeks to look."}
    applications.publish_criteria(session, None, cohort.id, "People who paint.", clauses, {})
    admission.seat(session, noor.person_id, cohort.id)
    roles = (ProgrammeRole.ARTIST,)
    for name in ("Lina", "Ottavio"):
        address = f"{name.lower()}@example.org"
        applications.apply(
            session, applications.Wish(cohort.id, name, address, roles, "Foxes in snow.")
        )
    lotteries.announce(session, None, lotteries.Plan(cohort.id, 2, now() + timedelta(days=3)))
    charters.publish(session, stage.settings, stella, "1.0", None)
    digest = charters.read(session, "1.0", "en")[0].sha256
    for each in (noor, stella):
        charters.accept(session, each, "1.0", "en", digest)


def main() -> None:
    """Take the pictures, or weigh the pages."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="*", default=[], help="pages whose names begin like this")
    parser.add_argument("--ways", nargs="*", default=list(WAYS), choices=WAYS)
    parser.add_argument("--out", type=Path, default=ROOT / "docs/screens")
    parser.add_argument(
        "--whole", action="store_true", help="from top to bottom, to look at closely"
    )
    parser.add_argument(
        "--weigh", action="store_true", help="weights and first paints, no pictures"
    )
    asked = parser.parse_args()
    asked.out.mkdir(parents=True, exist_ok=True)
    quiet = structlog.make_filtering_bound_logger(logging.ERROR)
    structlog.configure(wrapper_class=quiet)
    made_by = StagedGenerator()
    with (
        tempfile.TemporaryDirectory() as folder,
        open_stage(Path(folder), made_by, **OPERATOR) as stage,
        sync_playwright() as playwright,
    ):
        ids = fill(stage)
        browser = playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=["--no-sandbox"]
        )
        if asked.weigh:
            _weigh(stage, browser, ids)
        else:
            for way in asked.ways:
                for name, pages in PEOPLE:
                    wanted = {
                        key: shot for key, shot in pages.items()
                        if not asked.only or key.startswith(tuple(asked.only))
                    }  # fmt: skip
                    if wanted:
                        _take(stage, browser, name, way, wanted, ids, asked)
        browser.close()
        made_by.is_over.set()
        time.sleep(3)  # the clip that was halted is finished while there is a database


@contextmanager
def _opened(stage: Stage, browser: Any, name: str | None, **given: Any) -> Iterator[Any]:
    """A page in a browser of its own, of somebody who is signed in or of nobody."""
    context = browser.new_context(base_url=stage.url, **given)
    page = context.new_page()
    if name is not None:
        page.goto(stage.link_for(name))
        page.click("#code-form [type=submit]")
        page.wait_for_url("**/studio/create")
    yield page
    context.close()


def _take(
    stage: Stage, browser: Any, name: str | None, way: str, shots: dict[str, Shot],
    ids: dict[str, str], asked: argparse.Namespace,
) -> None:  # fmt: skip
    """Pictures of somebody's pages in one way; says which of them are too wide or not there."""
    given, look, language = WAYS[way]
    with _opened(stage, browser, name, color_scheme=look, **given) as page:
        if language:
            cookie = {"name": "unstrung_language", "value": language, "url": stage.url}
            page.context.add_cookies([cookie])
        for key, shot in shots.items():
            answer = page.goto(shot.path.format(**ids))
            for selector in shot.does:
                page.click(selector)
            if shot.at:
                page.locator(shot.at).first.evaluate("e => e.scrollIntoView({block: 'start'})")
            page.wait_for_function(_IS_STILL)
            # Players go on turning their wheel for a while.
            page.wait_for_timeout(3_000 if page.locator("video[controls]").count() else 500)
            picture = Image.open(BytesIO(page.screenshot(full_page=asked.whole))).convert("RGB")
            picture.thumbnail((900, 900) if not asked.whole else (900, 10_000))
            picture.save(asked.out / f"{key}-{way}.jpg", quality=70)
            wide = (
                page.evaluate("document.documentElement.scrollWidth") - given["viewport"]["width"]
            )
            if answer.status != shot.status or wide > 0:
                print(f"{key} {way}: status {answer.status}, {wide} px too wide")


def _weigh(stage: Stage, browser: Any, ids: dict[str, str]) -> None:
    """What a first visit to each page transfers without pictures and clips, and when something is seen."""
    print(
        "| page | kB, nothing kept | first paint [ms] | kB, kept from before | first paint [ms] |"
    )
    print("|---|---|---|---|---|")
    for name, pages in PEOPLE:
        for key, shot in pages.items():
            with _opened(stage, browser, name) as page:
                kinds: dict[str, str] = {}
                sizes: list[float] = []

                def arrived(event: Any, kinds: dict[str, str] = kinds) -> None:
                    kinds[event["requestId"]] = event["type"]

                def finished(
                    event: Any, kinds: dict[str, str] = kinds, sizes: list[float] = sizes
                ) -> None:
                    if kinds.get(event["requestId"]) not in ("Media", "Image"):
                        sizes.append(event["encodedDataLength"])

                client = page.context.new_cdp_session(page)
                client.send("Network.enable")
                client.on("Network.responseReceived", arrived)
                client.on("Network.loadingFinished", finished)
                weights, paints = [], []
                for keeps in (False, True):
                    client.send("Network.setCacheDisabled", {"cacheDisabled": not keeps})
                    sizes.clear()
                    page.goto(shot.path.format(**ids))
                    page.wait_for_function(f"() => {_FIRST_PAINT}")
                    page.wait_for_timeout(300)
                    weights.append(sum(sizes) / 1000)
                    paints.append(page.evaluate(f"{_FIRST_PAINT}.startTime"))
                figures = (f"{each:.0f}" for each in (weights[0], paints[0], weights[1], paints[1]))
                print(f"| {key} | {' | '.join(figures)} |", flush=True)


if __name__ == "__main__":
    main()
