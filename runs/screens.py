"""Pictures of every page of the studio, in four ways, for docs/screens; and what pages weigh.

A stage is filled with clips of the shipped model, people who are not real, and what they did.
Needs `make browsers`.
"""

import argparse
import logging
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import structlog
from PIL import Image
from playwright.sync_api import sync_playwright

ROOT: Final = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / "tests")]

from staging import OPERATOR, StagedGenerator, fill  # noqa: E402

from pages.stage import Stage, open_stage  # noqa: E402  # the stage of the tests


@dataclass(frozen=True)
class Shot:
    """A page as somebody finds it.

    Attributes:
        path: with ids in braces.
        does: what is clicked first, by selector.
        at: what is scrolled to, by selector.
        status: that the page answers.
        cookie: name and value that the browser keeps, with ids in braces.
        ways: in which it is shown; empty for all but high contrast.
    """

    path: str
    does: tuple[str, ...] = ()
    at: str = ""
    status: int = 200
    cookie: tuple[str, str] | None = None
    ways: tuple[str, ...] = ()


BOARD: Final = (
    "0 a fox stands in a snowy field\n2 the fox jumps up and down\n5 the fox stands at night\n7 end"
)
VISITOR: Final = {
    "home": Shot("/studio"), "sign-in": Shot("/studio/sign-in"),
    "programme-visitor": Shot("/studio/programme"), "apply": Shot("/studio/programme/apply"),
    "charter": Shot("/studio/programme/charter"), "open": Shot("/studio/open"),
    "explore": Shot("/studio/explore"), "exhibit": Shot("/studio/explore/{share}"),
    "patterns": Shot("/studio/patterns"), "not-here": Shot("/studio/explore/nothing", status=404),
    "sign-in-code": Shot("/studio/sign-in/code"), "application-code": Shot("/studio/programme/application"),
    "application": Shot(
        "/studio/programme/application", cookie=("unstrung_application", "{code}")
    ),
    "invited": Shot("/studio/programme/invited"),
    "lottery-drawn": Shot("/studio/programme/lotteries/{drawn}"),
    "lottery-announced": Shot("/studio/programme/lotteries/{announced}"),
    "home-contrast": Shot("/studio", ways=("contrast",)),
}  # fmt: skip
NEWCOMER: Final = {
    "create-empty": Shot("/studio/create"),
    "library-empty": Shot("/studio/library"),
    "welcome": Shot("/studio/programme/welcome"),
    "keys-none": Shot("/studio/programme/keys"),
}
PAUSED: Final = {
    "create-paused": Shot("/studio/create"),
    "pauses-mine": Shot("/studio/programme/pauses"),
}
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
    "storyboard": Shot(f"/studio/storyboard?text={quote(BOARD)}"), "library": Shot("/studio/library"),
    "library-folder": Shot("/studio/library?folder={folder}"),
    "library-chosen": Shot(
        "/studio/library", (".shelf-tick >> nth=0", ".shelf-tick >> nth=2"), "#chosen-clips"
    ),
    "account": Shot("/studio/account"), "programme": Shot("/studio/programme"),
    "consents": Shot("/studio/programme/consents"), "statements": Shot("/studio/programme/statements"),
    "receipts": Shot("/studio/programme/receipts"), "pauses": Shot("/studio/programme/pauses"),
    "export": Shot("/studio/programme/export"), "leave": Shot("/studio/programme/leave"),
    "confidences": Shot("/studio/programme/confidences"), "keys": Shot("/studio/programme/keys"),
    "statement": Shot("/studio/programme/statements/{statement}"), "erase": Shot("/studio/programme/erase"),
    "clip-delete": Shot("/studio/clips/{clip}/delete"),
    "create-contrast": Shot("/studio/create", ways=("contrast",)),
}  # fmt: skip
STEWARD: Final = {
    "desk": Shot("/studio/desk"), "desk-applications": Shot("/studio/desk/applications"),
    "desk-cohorts": Shot("/studio/desk/cohorts"), "desk-lotteries": Shot("/studio/desk/lotteries"),
    "desk-invitations": Shot("/studio/desk/invitations"), "desk-roles": Shot("/studio/desk/roles"),
    "desk-stages": Shot("/studio/desk/stages"), "desk-reviews": Shot("/studio/desk/reviews"),
    "desk-hearings": Shot("/studio/desk/hearings"), "desk-pauses": Shot("/studio/desk/pauses"),
    "desk-signals": Shot("/studio/desk/signals"), "desk-log": Shot("/studio/desk/log"),
    "desk-feedback": Shot("/studio/desk/feedback"),
    "desk-confidences": Shot("/studio/desk/confidences"),
    "desk-application": Shot("/studio/desk/applications/{application}"),
    "desk-cohort": Shot("/studio/desk/cohorts/{cohort}"),
    "desk-lottery": Shot("/studio/desk/lotteries/{drawn}"),
    "desk-review": Shot("/studio/desk/reviews/{review}"),
    "desk-review-shown": Shot("/studio/desk/reviews/{review}", ("[data-reveal]",)),
    "desk-hearing": Shot("/studio/desk/hearings/{hearing}"),
    "desk-pause": Shot("/studio/desk/pauses/{pause}"),
    "desk-pause-waiting": Shot("/studio/desk/pauses/{proposal}"),
    "desk-pause-new": Shot(
        "/studio/desk/pauses/new?level=cohort&ground=capacity&hours=6&cohort_id={cohort}"
    ),
    "desk-role": Shot("/studio/desk/roles?person_id={person}"),
    "desk-contrast": Shot("/studio/desk", ways=("contrast",)),
}  # fmt: skip
PEOPLE: Final = (
    (None, VISITOR), ("Mira", NEWCOMER), ("Wren", PAUSED), ("Noor", MEMBER), ("Stella", STEWARD),
)  # fmt: skip
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
    "arabic": ({"viewport": {"width": 1280, "height": 800}, "locale": "ar"}, "light", "ar"),
    "contrast": ({"viewport": {"width": 1280, "height": 800}}, "light", ""),
}
_IS_STILL: Final = (
    "() => [...document.querySelectorAll('video[controls]')].every((each) => each.readyState > 2)"
)
_FIRST_PAINT: Final = "performance.getEntriesByName('first-contentful-paint')[0]"


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
                for who, pages in PEOPLE:
                    wanted = {
                        key: shot for key, shot in pages.items()
                        if (not asked.only or key.startswith(tuple(asked.only)))
                        and (way in shot.ways or (not shot.ways and way != "contrast"))
                    }  # fmt: skip
                    if wanted:
                        _take(stage, browser, who, way, wanted, ids, asked)
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
    stage: Stage, browser: Any, who: str | None, way: str, shots: dict[str, Shot],
    ids: dict[str, str], asked: argparse.Namespace,
) -> None:  # fmt: skip
    """Pictures of somebody's pages in one way; says which of them are too wide or not there."""
    given, look, language = WAYS[way]
    with _opened(stage, browser, who, color_scheme=look, **given) as page:
        kept = [("unstrung_language", language)] if language else []
        if way == "contrast":
            kept.append(("unstrung_look", way))
        for key, shot in shots.items():
            for cookie, value in (*kept, *([shot.cookie] if shot.cookie else ())):
                told = {"name": cookie, "value": value.format(**ids), "url": stage.url}
                page.context.add_cookies([told])
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
            name = key if shot.ways else f"{key}-{way}"
            picture.save(asked.out / f"{name}.webp", quality=60, method=6)
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
