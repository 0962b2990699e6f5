"""Explore: who sees what, who is named, what is warned of."""

import re
from collections.abc import Callable, Iterator
from typing import Any
from xml.etree import ElementTree

import httpx
import pytest

from pages.conftest import violations
from pages.stage import Stage
from unstrung.studio.assessing import USUAL_ASSESSOR
from unstrung.studio.consents import service as consents
from unstrung.studio.consents.models import Use
from unstrung.studio.shares import service as shares
from unstrung.studio.shares.models import Audience, Share
from unstrung.studio.shares.service import ShareWish
from unstrung.studio.videos.models import Video

pytestmark = [pytest.mark.enable_socket, pytest.mark.allow_hosts(["127.0.0.1", "::1", "localhost"])]


def share(stage: Stage, name: str, prompt: str, audience: Audience, shows: bool) -> Share:
    video_id = stage.make_clip(name, prompt)
    with stage.database.transaction() as session:
        wish = ShareWish(video_id, audience, shows_prompt=shows)
        return shares.share(session, USUAL_ASSESSOR, stage.caller(name), 24, wish)


@pytest.fixture(scope="module")
def shown(stage: Stage) -> dict[str, Share]:
    stage.add_person("Noor")
    stage.add_person("Ada Unnamed")
    with stage.database.transaction() as session:
        consents.change(session, stage.caller("Noor"), Use.PUBLICITY, True, None)
    found = {
        "named": share(stage, "Noor", "a fox <b>crosses</b> a field", Audience.PUBLIC, True),
        "nameless": share(stage, "Ada Unnamed", "a secret bear", Audience.PUBLIC, False),
        "by link": share(stage, "Noor", "a hidden owl", Audience.LINK, True),
        "warned": share(stage, "Noor", "a bear dances", Audience.PUBLIC, True),
        "withdrawn": share(stage, "Noor", "a regretted moon", Audience.PUBLIC, True),
    }
    with stage.database.transaction() as session:
        shares.withdraw(session, stage.caller("Noor"), found["withdrawn"].id)
        warned = session.get_one(Share, found["warned"].id)
        warned.labels = ["graphic-violence"]
        video = session.get_one(Video, warned.video_id)
        video.result = {**(video.result or {}), "flashes": 7}
    return found


@pytest.fixture
def http(stage: Stage) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=stage.url) as client:
        yield client


def test_everybody_sees_what_is_public_and_nobody_more_than_was_shared(
    shown: dict[str, Share], http: httpx.Client
) -> None:
    feed = http.get("/studio/explore").text
    assert "a fox &lt;b&gt;crosses&lt;/b&gt; a field" in feed
    assert "by Noor" in feed
    assert "by somebody who prefers not to be named" in feed
    for hidden in ("Ada Unnamed", "secret bear", "hidden owl", "regretted moon"):
        assert hidden not in feed
    own = http.get(f"/studio/explore/{shown['nameless'].id}")
    assert own.status_code == 200
    assert "secret bear" not in own.text
    assert "keeps the prompt" in own.text
    assert "Use this prompt" not in http.get(f"/studio/explore/{shown['named'].id}").text


def test_the_first_page_shows_what_is_public_and_harmless(
    shown: dict[str, Share], http: httpx.Client
) -> None:
    page = http.get("/studio").text
    assert f"/studio/explore/{shown['named'].id}" in page
    assert f"/studio/explore/{shown['nameless'].id}" in page
    for hidden in ("by link", "warned", "withdrawn"):
        assert shown[hidden].id not in page
    assert "secret bear" not in page


def test_a_link_opens_what_was_shared_by_link_and_nothing_else_does(
    shown: dict[str, Share], http: httpx.Client
) -> None:
    address = f"/studio/explore/{shown['by link'].id}"
    assert http.get(address).status_code == 404
    assert http.get(f"{address}?token=guess").status_code == 404
    assert "a hidden owl" in http.get(f"{address}?token={shown['by link'].token}").text
    assert http.get(f"/studio/explore/{shown['withdrawn'].id}").status_code == 404
    assert http.get("/studio/explore/share_nothing").status_code == 404


def test_what_is_warned_of_is_blurred_and_what_flashes_does_not_play(
    shown: dict[str, Share], http: httpx.Client
) -> None:
    feed = http.get("/studio/explore").text
    card = feed[feed.index(f"m-{shown['warned'].id}") - 60 :].split("</article>")[0]
    assert "blurred" in card
    assert "data-hover" not in card
    assert "7 flashes a second" in card
    page = http.get(f"/studio/explore/{shown['warned'].id}").text
    assert re.search(r'class="[^"]*blurred[^"]*" id="player"', page)
    assert "seizures" in page
    assert "autoplay" not in page
    again = http.get(f"/studio/explore/{shown['warned'].id}?show=1").text
    assert "blurred" not in again


def test_the_feed_for_readers_says_no_more_than_the_page(
    shown: dict[str, Share], http: httpx.Client
) -> None:
    answer = http.get("/studio/explore/feed.atom")
    assert answer.headers["content-type"].startswith("application/atom+xml")
    assert len(ElementTree.fromstring(answer.content).findall("{*}entry")) == 3
    for hidden in ("Ada Unnamed", "secret bear", "hidden owl", "regretted moon"):
        assert hidden not in answer.text


def test_a_shared_prompt_goes_on_to_create(
    shown: dict[str, Share], visit: Callable[..., Any]
) -> None:
    page = visit("Ada Unnamed")
    page.goto(f"/studio/explore/{shown['named'].id}")
    assert violations(page) == []
    page.click("text=Use this prompt")
    assert page.input_value("#prompt") == "a fox <b>crosses</b> a field"


@pytest.mark.parametrize("settings", [{}, {"color_scheme": "dark"}, {"locale": "ar"}])
def test_explore_can_be_used_by_everybody(
    shown: dict[str, Share], visit: Callable[..., Any], settings: dict[str, str]
) -> None:
    page = visit(**settings)
    page.goto("/studio/explore")
    assert violations(page) == []
    page.locator("[data-reveal]").click()
    assert page.locator(".blurred").count() == 0
    page.goto(f"/studio/explore/{shown['warned'].id}")
    assert violations(page) == []
