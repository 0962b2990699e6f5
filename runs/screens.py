"""Pictures of every page of the studio, in four ways, for docs/screens; and what pages weigh.

A stage is filled with clips of the shipped model, people who are not, and what they did. Usage:
`python runs/screens.py [--only PART_OF_A_NAME]`; needs `make browsers`.
"""

import argparse
import sys
import tempfile
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from typing import Any, Final

from PIL import Image
from playwright.sync_api import sync_playwright

ROOT: Final = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / "tests")]

from pages.stage import Stage, open_stage  # noqa: E402  # the stage of the tests
from unstrung.studio.access.service import Caller  # noqa: E402
from unstrung.studio.accounts.models import Role  # noqa: E402
from unstrung.studio.admission import service as admission  # noqa: E402
from unstrung.studio.admission.models import ProgrammeRole  # noqa: E402
from unstrung.studio.applications import service as applications  # noqa: E402
from unstrung.studio.charters import service as charters  # noqa: E402
from unstrung.studio.database import now  # noqa: E402
from unstrung.studio.generator import EngineGenerator  # noqa: E402
from unstrung.studio.lotteries import service as lotteries  # noqa: E402
from unstrung.studio.shares import service as shares  # noqa: E402
from unstrung.studio.shares.models import Audience  # noqa: E402

PROMPTS: Final = (
    "a fox crosses a snowy field", "due anatre attraversano il mare",
    "a panda jumps up and down on the beach",
    "un lapin saute dans la forêt", "a bus crosses the city rightwards", "فيل يقف على المسرح",
    "an owl stays in a forest at night", "a star spins in space",
)  # fmt: skip
VISITOR: Final = {
    "home": "/studio", "sign-in": "/studio/sign-in", "programme-visitor": "/studio/programme",
    "apply": "/studio/programme/apply", "charter": "/studio/programme/charter", "open": "/studio/open",
    "explore": "/studio/explore", "exhibit": "/studio/explore/{share}", "patterns": "/studio/patterns",
    "not-here": "/studio/explore/nothing",
}  # fmt: skip
MEMBER: Final = {
    "create": "/studio/create", "clip": "/studio/clips/{clip}",
    "compare": "/studio/compare?a={clip}&b={other}",
    "storyboard": "/studio/storyboard", "library": "/studio/library", "account": "/studio/account",
    "programme": "/studio/programme", "consents": "/studio/programme/consents",
    "statements": "/studio/programme/statements", "receipts": "/studio/programme/receipts",
    "pauses": "/studio/programme/pauses", "export": "/studio/programme/export",
    "leave": "/studio/programme/leave",
    "confidences": "/studio/programme/confidences",
}  # fmt: skip
STEWARD: Final = {
    "desk": "/studio/desk", "desk-applications": "/studio/desk/applications",
    "desk-cohorts": "/studio/desk/cohorts",
    "desk-lotteries": "/studio/desk/lotteries", "desk-invitations": "/studio/desk/invitations",
    "desk-roles": "/studio/desk/roles", "desk-stages": "/studio/desk/stages",
    "desk-reviews": "/studio/desk/reviews",
    "desk-hearings": "/studio/desk/hearings", "desk-pauses": "/studio/desk/pauses",
    "desk-signals": "/studio/desk/signals", "desk-log": "/studio/desk/log",
}  # fmt: skip
WAYS: Final[dict[str, tuple[dict[str, Any], str, str]]] = {
    "light": ({"viewport": {"width": 1280, "height": 800}}, "light", ""),
    "dark": ({"viewport": {"width": 1280, "height": 800}}, "dark", ""),
    "phone": ({"viewport": {"width": 390, "height": 844}, "device_scale_factor": 2}, "light", ""),
    "arabic": ({"viewport": {"width": 1280, "height": 800}}, "light", "ar"),
}
OPERATOR: Final = {
    "operator_name": "Lanterna", "operator_contact": "desk@example.org",
    "operator_law": {"en": "Italian law"},
}  # fmt: skip


def fill(stage: Stage) -> dict[str, str]:
    """People, clips, a programme; and the ids that addresses need."""
    stage.add_person("Noor")
    stage.add_person(
        "Stella", Role.MEMBER, ProgrammeRole.STEWARD, ProgrammeRole.REVIEWER, ProgrammeRole.JUROR
    )
    clips = [stage.make_clip("Noor", prompt) for prompt in PROMPTS]
    noor, stella, assessor = (
        stage.caller("Noor"),
        stage.caller("Stella"),
        stage.app.state.studio.assessor,
    )
    with stage.database.transaction() as session:
        made = [
            shares.share(session, assessor, noor, 48, shares.ShareWish(each, Audience.PUBLIC))
            for each in clips[:6]
        ]
        session.flush()
        public = next(each.id for each in made if each.due_at is None)
    with stage.database.transaction() as session:
        _programme(stage, session, noor, stella)
    stage.add_waiting_clip("Noor", "a whale swims under water")
    return {"clip": clips[0], "other": clips[2], "share": public}


def _programme(stage: Stage, session: Any, noor: Caller, stella: Caller) -> None:
    cohort = admission.create_cohort(
        session, "Painters", 24, "Painters who work by hand and want to move."
    )
    clauses = {"own-work": "You show work of your own.", "two-weeks": "You have two weeks to look."}
    applications.publish_criteria(session, None, cohort.id, "People who paint.", clauses, {})
    admission.seat(session, noor.person_id, cohort.id)
    roles = (ProgrammeRole.ARTIST,)
    for name in ("Lina", "Ottavio"):
        wish = applications.Wish(
            cohort.id, name, f"{name.lower()}@example.org", roles, "Foxes in snow."
        )
        applications.apply(session, wish)
    lotteries.announce(session, None, lotteries.Plan(cohort.id, 2, now() + timedelta(days=3)))
    charters.publish(session, stage.settings, stella, "1.0", None)
    digest = charters.read(session, "1.0", "en")[0].sha256
    for each in (noor, stella):
        charters.accept(session, each, "1.0", "en", digest)


def main() -> None:
    """Take the pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="")
    parser.add_argument("--out", type=Path, default=ROOT / "docs/screens")
    parser.add_argument(
        "--weigh", action="store_true", help="weights and first paints, no pictures"
    )
    asked = parser.parse_args()
    asked.out.mkdir(parents=True, exist_ok=True)
    with (
        open_stage(Path(tempfile.mkdtemp()), EngineGenerator(), **OPERATOR) as stage,  # type: ignore[arg-type]
        sync_playwright() as playwright,
    ):
        ids = fill(stage)
        browser = playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=["--no-sandbox"]
        )
        if asked.weigh:
            _weigh(stage, browser, ids)
            return
        for way, (context, look, language) in WAYS.items():
            for name, pages in ((None, VISITOR), ("Noor", MEMBER), ("Stella", STEWARD)):
                wanted = {key: path for key, path in pages.items() if asked.only in key}
                if wanted:
                    opened = browser.new_context(base_url=stage.url, color_scheme=look, **context)
                    _take(
                        stage,
                        opened,
                        name,
                        {k: p.format(**ids) for k, p in wanted.items()},
                        language,
                        asked.out,
                        way,
                    )
        browser.close()


def _weigh(stage: Stage, browser: Any, ids: dict[str, str]) -> None:
    """What a first visit to each page transfers without pictures and clips, and when something is seen."""
    print(
        "| page | kB, nothing kept | kB, kept from before | first paint [ms] |\n|---|---|---|---|"
    )
    for name, pages in ((None, VISITOR), ("Noor", MEMBER), ("Stella", STEWARD)):
        for key, path in pages.items():
            context = browser.new_context(base_url=stage.url)
            page = context.new_page()
            if name is not None:
                page.goto(stage.link_for(name))
                page.click("#code-form [type=submit]")
                page.wait_for_url("**/studio/create")
            weights = []
            client = context.new_cdp_session(page)
            client.send("Network.enable")
            kinds: dict[str, str] = {}
            sizes: list[float] = []
            client.on(
                "Network.responseReceived", lambda e, k=kinds: k.update({e["requestId"]: e["type"]})
            )
            client.on(
                "Network.loadingFinished",
                lambda e, k=kinds, s=sizes: (
                    None
                    if k.get(e["requestId"]) in ("Media", "Image")
                    else s.append(e["encodedDataLength"])
                ),
            )
            for keeps in (False, True):
                client.send("Network.setCacheDisabled", {"cacheDisabled": not keeps})
                sizes.clear()
                page.goto(path.format(**ids))
                page.wait_for_timeout(300)
                weights.append(sum(sizes) / 1000)
            paint = page.evaluate(
                "performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? -1"
            )
            print(f"| {key} | {weights[0]:.0f} | {weights[1]:.0f} | {paint:.0f} |", flush=True)
            context.close()


def _take(
    stage: Stage,
    context: Any,
    name: str | None,
    pages: dict[str, str],
    language: str,
    out: Path,
    way: str,
) -> None:
    page = context.new_page()
    if name is not None:
        page.goto(stage.link_for(name))
        page.click("#code-form [type=submit]")
        page.wait_for_url("**/studio/create")
    if language:
        context.add_cookies([{"name": "unstrung_language", "value": language, "url": stage.url}])
    for key, path in pages.items():
        answer = page.goto(path)
        page.wait_for_timeout(350)
        picture = Image.open(BytesIO(page.screenshot())).convert("RGB")
        picture.thumbnail((900, 900))
        picture.save(out / f"{key}-{way}.jpg", quality=70)
        status = answer.status if answer else 0
        wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        if (status != 200 and key != "not-here") or wide > 0:
            print(f"{key} {way}: status {status}, {wide} px too wide")
    context.close()


if __name__ == "__main__":
    main()
