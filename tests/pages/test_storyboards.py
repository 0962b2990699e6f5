"""The storyboard page, and what is done to clips: forms that ask, scripts that keep drafts."""

import re
from collections.abc import Callable, Iterator
from typing import Any, ClassVar

import httpx
import pytest

from pages.conftest import violations
from pages.stage import Stage
from studio.fakes import FakeGenerator
from unstrung.engine.description import ModelDescription
from unstrung.engine.presets import MINI
from unstrung.studio.pages import languages, site
from unstrung.studio.videos.models import Kind, Video

pytestmark = [pytest.mark.enable_socket, pytest.mark.allow_hosts(["127.0.0.1", "::1", "localhost"])]
PATH = "/studio/storyboard"


@pytest.fixture(scope="module")
def noor(stage: Stage) -> Stage:
    """Somebody with two clips."""
    stage.add_person("Noor")
    stage.make_clip("Noor", "a fox crosses a snowy field")
    stage.make_clip("Noor", "a bear in the rain")
    return stage


@pytest.fixture
def http(noor: Stage) -> Iterator[httpx.Client]:
    """A browser without scripts, signed in."""
    with httpx.Client(base_url=noor.url, headers={"origin": noor.url}) as client:
        token = noor.link_for("Noor").partition("#")[2]
        client.post("/studio/sign-in/code", data={"token": token})
        yield client


def _clips(stage: Stage, kind: Kind) -> list[Video]:
    with stage.database.transaction() as session:
        found: list[Video] = session.query(Video).filter_by(kind=kind).order_by(Video.id).all()
        session.expunge_all()
        return found


def _newest(stage: Stage, kind: Kind) -> Video:
    return _clips(stage, kind)[-1]


@pytest.mark.parametrize(
    ("operation", "kind", "fields", "kept"),
    [
        ("extend", Kind.EXTEND, {"seconds": "2", "direction": "backward"}, {"is_backward": True}),
        ("loop", Kind.LOOP, {"seconds": "1.5"}, {"seconds": "1.5"}),
        ("recut", Kind.RECUT, {"keep[from]": "1", "keep[to]": "2.5"}, {"keep": [1.0, 2.5]}),
        ("edit", Kind.EDIT, {"strength": "mild"}, {"strength": "mild"}),
        ("remix", Kind.REMIX, {}, {"prompt": "it snows"}),
    ],
)
def test_each_form_asks_for_a_clip_and_goes_to_its_page(
    noor: Stage,
    http: httpx.Client,
    operation: str,
    kind: Kind,
    fields: dict[str, str],
    kept: dict[str, Any],
) -> None:
    source = _clips(noor, Kind.CREATE)[0].id
    response = http.post(
        f"/studio/clips/{source}/{operation}", data={"prompt": "it snows", **fields}
    )
    video = _newest(noor, kind)
    assert (response.status_code, response.headers["location"]) == (
        303,
        f"/studio/clips/{video.id}",
    )
    assert video.source_video_id == source
    assert {name: getattr(video, name) for name in kept} == kept


@pytest.mark.parametrize(("operation", "kind"), [("connect", Kind.CONNECT), ("blend", Kind.BLEND)])
def test_a_second_clip_is_chosen_in_the_form(
    noor: Stage, http: httpx.Client, operation: str, kind: Kind
) -> None:
    first, second = (each.id for each in _clips(noor, Kind.CREATE)[:2])
    http.post(f"/studio/clips/{first}/{operation}", data={"prompt": "it snows", "second": second})
    video = _newest(noor, kind)
    assert (video.source_video_id, video.second_video_id) == (first, second)


def test_variations_are_as_many_as_were_asked(noor: Stage, http: httpx.Client) -> None:
    source, before = _clips(noor, Kind.CREATE)[0], len(_clips(noor, Kind.REMIX))
    response = http.post(f"/studio/clips/{source.id}/variations", data={"count": "3"})
    assert response.headers["location"] == "/studio/create"
    made = _clips(noor, Kind.REMIX)[before:]
    assert [each.prompt for each in made] == [source.prompt] * 3
    refused = http.post(f"/studio/clips/{source.id}/variations", data={"count": "90"})
    assert refused.status_code == 400


def test_clips_of_others_are_not_there(noor: Stage, http: httpx.Client) -> None:
    noor.add_person("Sami")
    other = noor.make_clip("Sami", "a secret bear")
    asked = {
        "loop": {"prompt": "x", "seconds": "1"},
        "remix": {"prompt": "x"},
        "variations": {"count": "1"},
        "extend": {"prompt": "x", "seconds": "1"},
    }
    for operation, data in asked.items():
        assert http.post(f"/studio/clips/{other}/{operation}", data=data).status_code == 404


def test_the_plain_form_ignores_empty_cards(noor: Stage, http: httpx.Client) -> None:
    page = http.get(PATH)
    assert page.text.count('name="shots[][prompt]"') == 6 + 1  # and the one in the template
    rows = [("a fox stands", "2"), ("", "2"), ("the fox jumps", "3.5")]
    # A browser sends row by row, which a dictionary does not.
    body = "&".join(f"shots[][prompt]={p.replace(' ', '+')}&shots[][seconds]={s}" for p, s in rows)
    response = http.post(
        PATH, content=body, headers={"content-type": "application/x-www-form-urlencoded"}
    )
    video = _newest(noor, Kind.STORYBOARD)
    assert response.headers["location"] == f"/studio/clips/{video.id}"
    assert video.shots == [[0.0, "a fox stands"], [2.0, "the fox jumps"]]
    assert video.seconds == "5.5"


def test_a_storyboard_of_nothing_is_refused_in_words(http: httpx.Client) -> None:
    response = http.post(PATH, data={"shots[][prompt]": " "})
    assert response.status_code == 400
    assert "at least one card" in response.text


def test_a_text_becomes_cards_and_a_wrong_line_is_named(http: httpx.Client) -> None:
    page = http.get(PATH, params={"text": "0 a fox stands\n2 the fox jumps\n4.5 end"})
    assert re.findall(r'step="any" value="([\d.]+)"', page.text)[:2] == ["2", "2.5"]
    refused = http.get(PATH, params={"text": "a fox without a moment"})
    assert refused.status_code == 400
    assert "line 1" in refused.text


def test_nobody_sees_it_without_signing_in(noor: Stage) -> None:
    with httpx.Client(base_url=noor.url) as client:
        assert client.get(PATH).headers["location"].startswith("/studio/sign-in")


def test_a_draft_outlives_a_reload_and_cards_move_by_keyboard(
    noor: Stage, visit: Callable[..., Any]
) -> None:
    noor.make_waiting()
    page = visit("Noor")
    page.goto(PATH)
    prompts = page.locator("[data-card] textarea")
    prompts.nth(0).fill("a fox stands")
    prompts.nth(1).fill("the fox jumps")
    page.locator("[data-card] input[type=number]").nth(1).fill("3")
    prompts.nth(1).press("Alt+ArrowUp")
    assert prompts.nth(0).input_value() == "the fox jumps"
    assert "1" in page.locator("#announcements").inner_text()
    page.locator("[data-move='1']").nth(0).click()
    page.locator("[data-move='-1']").nth(1).press("Enter")
    assert page.locator("[data-total]").inner_text().startswith("5")
    page.reload()
    assert page.locator("#restored").is_visible()
    assert [each.input_value() for each in prompts.all()][:2] == ["the fox jumps", "a fox stands"]
    assert page.locator("#board-text").input_value() == "0 the fox jumps\n3 a fox stands\n5 end"
    assert violations(page) == []
    page.locator("[data-remove]").nth(2).click()
    page.locator("[data-grip]").nth(1).drag_to(prompts.nth(0))
    assert prompts.nth(0).input_value() == "a fox stands"
    page.get_by_role("button", name="Make it").click()
    page.wait_for_url("**/studio/clips/**")
    assert _newest(noor, Kind.STORYBOARD).prompt == "a fox stands / the fox jumps"


def test_stills_are_made_of_each_card(noor: Stage, visit: Callable[..., Any]) -> None:
    noor.make_waiting()
    page = visit("Noor")
    page.goto(f"{PATH}?text=0 an owl%0A2 a bear%0A4 end")
    page.get_by_role("button", name="See it as stills").click()
    page.wait_for_url("**/studio/create")
    assert [each.prompt for each in _clips(noor, Kind.CREATE)[-2:]] == ["an owl", "a bear"]


@pytest.mark.parametrize(
    "settings", [{"color_scheme": "dark"}, {"viewport": {"width": 390, "height": 800}}]
)
def test_it_reads_from_right_to_left_and_in_the_dark(
    visit: Callable[..., Any], noor: Stage, settings: dict[str, Any]
) -> None:
    noor.make_waiting()
    page = visit("Noor", **settings)
    page.goto(f"{PATH}?lang=ar")
    assert page.locator("html").get_attribute("dir") == "rtl"
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert violations(page) == []


def test_the_panel_offers_what_the_model_can_do() -> None:
    template = site._environment(languages.ENGLISH).from_string(
        '{% from "clip_operations.html" import operations with context %}'
        "{{ operations(clip, model, others) }}"
    )

    class Told:
        id, prompt, duration_seconds = "video_1", "a fox <b>", 4.0

    class Shown:
        told: ClassVar = Told

    full = ModelDescription.of_preset(MINI)
    html = template.render(clip=Shown, model=full, others=[("video_2", "a bear")])
    actions = set(re.findall(r'action="/studio/clips/video_1/(\w+)"', html))
    assert actions == {
        "extend", "loop", "recut", "edit", "remix", "variations", "connect", "blend",
    }  # fmt: skip
    assert "<b>" not in html
    assert len(re.findall(r' id="([^"]+)"', html)) == len(set(re.findall(r' id="([^"]+)"', html)))
    less = FakeGenerator(capabilities=("text_to_video",)).describe()
    assert "<form" not in template.render(clip=Shown, model=less, others=[])
