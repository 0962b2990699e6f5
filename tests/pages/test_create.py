"""Create and the page of a clip: asking, following, making again, comparing, sharing, saying something."""

import io
import json
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import httpx
import pytest
from PIL import Image

from pages.conftest import violations
from pages.stage import Stage
from unstrung.studio.catalogue import service as catalogue
from unstrung.studio.errors import Forbidden
from unstrung.studio.pages.drafts import Draft, draft_of_recipe
from unstrung.studio.pages.programs import programs_of
from unstrung.studio.videos import service as videos
from unstrung.studio.videos.models import Kind, Status, Video

pytestmark = [pytest.mark.enable_socket, pytest.mark.allow_hosts(["127.0.0.1", "::1", "localhost"])]
FOX = "a fox crosses a snowy field in watercolour"


@pytest.fixture(scope="module")
def studio(stage: Stage) -> Stage:
    stage.add_person("Noor")
    stage.add_person("Mira")
    return stage


@pytest.fixture(scope="module")
def fox(studio: Stage) -> str:
    return studio.make_clip("Noor", FOX, lambda wish: replace(wish, seed=11))


@pytest.fixture
def noor(studio: Stage) -> Iterator[httpx.Client]:
    with signed_in(studio, "Noor") as client:
        yield client


@contextmanager
def signed_in(studio: Stage, name: str) -> Iterator[httpx.Client]:
    headers = {"origin": studio.url, "referer": f"{studio.url}/studio/create"}
    with httpx.Client(base_url=studio.url, headers=headers, timeout=20) as client:
        token = studio.link_for(name).partition("#")[2]
        client.post("/studio/sign-in/code", data={"token": token})
        yield client


def until(page: Any, condition: str) -> None:
    """Wait for something that only a script can see; pages allow none to be evaluated in them."""
    for _ in range(100):
        if page.evaluate(condition):
            return
        page.wait_for_timeout(50)
    raise AssertionError(condition)


def a_picture() -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (64, 64), (200, 80, 40)).save(buffer, "PNG")
    return buffer.getvalue()


def newest(studio: Stage, count: int = 1) -> list[Video]:
    with studio.database.transaction() as session:
        return session.query(Video).order_by(Video.id.desc()).limit(count).all()


def test_variations_get_seeds_that_follow_one_another(studio: Stage, noor: httpx.Client) -> None:
    asked = noor.post("/studio/create", data={
        "prompt": "two dogs", "count": "3", "seed": "40", "size": "224x128", "seconds": "2",
        "num_steps": "6", "guidance_scale": "", "verbatim": "true",
    })  # fmt: skip
    assert (asked.status_code, asked.headers["location"]) == (303, "/studio/create")
    found = newest(studio, 3)
    assert sorted(each.seed or 0 for each in found) == [40, 41, 42]
    assert {(v.size, v.seconds, v.num_steps, v.guidance_scale, v.verbatim) for v in found} == {
        ("224x128", "2", 6, None, True)
    }
    assert noor.post("/studio/create", data={"prompt": "x", "count": "5"}).status_code == 400


def test_of_several_clips_all_are_made_or_none(studio: Stage, noor: httpx.Client) -> None:
    before = newest(studio)[0].id
    refused = noor.post(
        "/studio/create", data={"prompt": "x", "count": "2", "seed": str(2**63 - 1)}
    )
    assert refused.status_code == 400
    assert newest(studio)[0].id == before


def test_a_clip_begins_with_a_picture_or_where_another_one_ends(
    studio: Stage, noor: httpx.Client, fox: str
) -> None:
    picture = {"input_reference": ("p.png", a_picture(), "image/png")}
    assert (
        noor.post("/studio/create", data={"prompt": "it moves"}, files=picture).status_code == 303
    )
    assert newest(studio)[0].reference_file
    page = noor.get(f"/studio/create?reference_clip={fox}").text
    assert f'name="reference_clip" value="{fox}"' in page
    nothing = {"input_reference": ("", b"", "application/octet-stream")}
    body = {"prompt": "it goes on", "reference_clip": fox}
    assert noor.post("/studio/create", data=body, files=nothing).status_code == 303
    assert newest(studio)[0].reference_file


def test_how_a_prompt_will_be_understood_is_shown(noor: httpx.Client) -> None:
    shown = noor.get("/studio/create/understood", params={"prompt": f"{FOX} with flurbish"}).text
    assert "in watercolour" in shown
    assert "flurbish" in shown
    as_it_stands = noor.get(
        "/studio/create/understood", params={"prompt": FOX, "verbatim": "true"}
    ).text
    assert FOX in as_it_stands
    assert noor.get("/studio/create/understood", params={"prompt": "  !? "}).status_code == 200


def test_a_character_is_made_from_a_picture_and_chosen(studio: Stage, noor: httpx.Client) -> None:
    file = {"file": ("mila.png", a_picture(), "image/png")}
    assert noor.post("/studio/characters", data={"name": "Mila"}, files=file).status_code == 303
    page = noor.get("/studio/create").text
    (character,) = [part.split('"')[0] for part in page.split('characters[][id]" value="')[1:]]
    shown = noor.get(
        "/studio/create/understood",
        params={"prompt": "Mila and a fox in the snow", "characters[][id]": character},
    ).text
    assert "Mila</span>" not in shown
    body = {"prompt": "Mila in the snow", "characters[][id]": character}
    assert noor.post("/studio/create", data=body).status_code == 303
    assert newest(studio)[0].characters == [character]


def test_a_file_tells_its_recipe_and_is_not_kept(
    studio: Stage, noor: httpx.Client, fox: str
) -> None:
    film = noor.get(f"/v1/videos/{fox}/content").content
    page = noor.post("/studio/recall", files={"file": ("fox.mp4", film, "video/mp4")})
    assert page.status_code == 200
    assert FOX in page.text
    assert 'name="seed" type="number" inputmode="numeric"' in page.text
    assert 'value="11"' in page.text
    for wrong in (a_picture(), b"nothing", b""):
        refused = noor.post("/studio/recall", files={"file": ("x", wrong, "video/mp4")})
        assert refused.status_code == 400


def test_a_recipe_of_anybody_s_is_taken_as_plain_values_only() -> None:
    wild = {"prompt": ["x"], "width": "9", "height": 3, "seed": True, "model": "other", "steps": {}}
    assert draft_of_recipe(wild, ("mini",)) == Draft(source="file")


def test_a_failed_clip_is_asked_for_again_with_a_copy_of_its_picture(
    studio: Stage, noor: httpx.Client
) -> None:
    picture = {"input_reference": ("p.png", a_picture(), "image/png")}
    noor.post(
        "/studio/create", data={"prompt": "it fails", "seed": "5", "seconds": "2"}, files=picture
    )
    (failed,) = newest(studio)
    assert noor.post(f"/studio/clips/{failed.id}/cancel").status_code == 303
    assert "Try again" in noor.get("/studio/create").text
    assert noor.post(f"/studio/clips/{failed.id}/again").status_code == 303
    (again,) = newest(studio)
    assert (again.prompt, again.seed, again.seconds) == ("it fails", 5, "2")
    assert again.reference_file not in (None, failed.reference_file)
    noor.post(f"/studio/clips/{failed.id}/delete")
    assert studio.workshop.storage.read(str(again.reference_file)) == a_picture()
    studio.make_waiting()


def test_controls_of_what_a_model_cannot_do_are_absent(studio: Stage, noor: httpx.Client) -> None:
    able = studio.workshop.generator.describe()
    with studio.database.transaction() as session:
        catalogue.offer(session, replace(able, name="words", capabilities=("text_to_video",)))
    page = noor.get("/studio/create?model=words").text
    assert '<option value="words" selected>' in page
    assert "input_reference" not in page
    assert "character-file" not in page


def test_the_page_of_a_clip_fills_create_and_is_its_owner_s_alone(
    studio: Stage, noor: httpx.Client, fox: str
) -> None:
    page = noor.get(f"/studio/clips/{fox}").text
    for part in (FOX, "Recipe", "Use these settings", 'id="program-curl"', "not allowed"):
        assert part in page
    filled = noor.get(f"/studio/create?again={fox}&understood=true").text
    assert 'id="verbatim" name="verbatim" value="true" checked' in filled
    with signed_in(studio, "Mira") as mira:
        for path in (
            f"/studio/clips/{fox}",
            f"/studio/create?again={fox}",
            f"/studio/compare?a={fox}&b={fox}",
        ):
            assert mira.get(path).status_code == 404
        assert mira.post(f"/studio/clips/{fox}/delete").status_code == 404


def test_the_curl_and_python_texts_ask_for_this_very_clip(studio: Stage, fox: str) -> None:
    with studio.database.transaction() as session:
        video = session.get_one(Video, fox)
    programs = programs_of(replace_prompt(video, 'it\'s "a fox" $HOME `ls`\nin snow'), studio.url)
    for text in (programs.python, programs_of(video, studio.url).python):
        compile(text, "made", "exec")
    call = programs.curl.split(" \\\n  | ")[0].removeprefix("id=$(")
    script = f"curl() {{ printf '%s\\0' \"$@\" >&2; }}\n{call}"
    sent = subprocess.run(
        ["bash", "-c", script], capture_output=True, check=False, env={"OPENAI_API_KEY": "ust_x"}
    )
    words = sent.stderr.decode().split("\0")
    body = json.loads(words[words.index("-d") + 1])
    assert body["prompt"] == 'it\'s "a fox" $HOME `ls`\nin snow'
    assert (body["seed"], body["size"], body["seconds"]) == (11, video.size, "4")
    assert "Authorization: Bearer ust_x" in words
    assert f"{studio.url}/v1/videos" in words


def replace_prompt(video: Video, prompt: str) -> Video:
    return Video(
        id=video.id, kind=Kind.CREATE, model=video.model, resolved_model=video.resolved_model,
        prompt=prompt, size=video.size, seconds=video.seconds, seed=video.seed, characters=[],
        recipe=video.recipe, verbatim=False, status=Status.COMPLETED,
    )  # fmt: skip


def test_sharing_withdrawing_and_saying_something(noor: httpx.Client, fox: str) -> None:
    shared = noor.post(f"/studio/clips/{fox}/share", data={"audience": "link", "note": ""})
    assert shared.status_code == 303
    page = noor.get(f"/studio/clips/{fox}").text
    assert "Whoever has the link may see it." in page
    share = page.split("/shares/")[1].split("/")[0]
    assert noor.post(f"/studio/clips/{fox}/shares/{share}/withdraw").status_code == 303
    assert "withdrawn" in noor.get(f"/studio/clips/{fox}").text
    note = {"kind": "bug", "text": "The tail flickers.", "starts_s": "0.2", "ends_s": "0.5"}
    assert noor.post(f"/studio/clips/{fox}/notes", data=note).status_code == 303
    assert "The tail flickers." in noor.get(f"/studio/clips/{fox}").text
    assert noor.post(f"/studio/clips/{fox}/notes", data={**note, "ends_s": "99"}).status_code == 400


def test_a_script_that_is_led_to_a_part_of_its_own_page_loads_it_again(
    studio: Stage, noor: httpx.Client, fox: str
) -> None:
    note = {"kind": "praise", "text": "The snow glitters.", "starts_s": "0.2", "ends_s": "0.5"}
    page = f"/studio/clips/{fox}"
    for here in (page, f"{page}#notes"):
        headers = {"hx-request": "true", "hx-current-url": f"{studio.url}{here}"}
        led = noor.post(f"{page}/notes", data=note, headers=headers)
        assert (led.headers.get("hx-refresh"), led.headers.get("hx-redirect")) == ("true", None)
    headers["hx-current-url"] = f"{studio.url}/studio/library"
    led = noor.post(f"{page}/notes", data=note, headers=headers)
    assert (led.headers.get("hx-refresh"), led.headers["hx-redirect"]) == (None, f"{page}#notes")


def test_what_keeps_somebody_from_making_stands_where_the_button_was(
    studio: Stage, noor: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise Forbidden("no", code="no_seat")

    with monkeypatch.context() as patched:
        patched.setattr(videos, "must_be_let", refuse)
        page = noor.get("/studio/create").text
    assert "Making clips needs a seat." in page
    assert "Make it" not in page
    assert "Make it" in noor.get("/studio/create").text


def test_with_the_keyboard_alone_and_nothing_is_lost_on_reload(
    studio: Stage, visit: Callable[..., Any]
) -> None:
    page = visit("Noor")
    page.focus("#prompt")
    page.keyboard.type("an owl rises in the forest")
    page.click("button[data-words*='watercolour']")
    page.wait_for_selector("#understood:has-text('watercolour')")
    page.reload()
    assert "an owl rises in the forest" in page.input_value("#prompt")
    page.focus("#prompt")
    page.keyboard.press("Control+Enter")
    page.wait_for_selector("article[data-video]:has-text('an owl rises')")
    with studio.working():
        page.wait_for_selector("article:has-text('an owl rises') video", state="attached")
    assert "an owl rises" in page.inner_text("#announcements")


def test_a_picture_is_shown_and_can_be_removed(studio: Stage, visit: Callable[..., Any]) -> None:
    page = visit("Noor")
    page.set_input_files(
        "#reference", {"name": "p.png", "mimeType": "image/png", "buffer": a_picture()}
    )
    page.wait_for_selector("[data-chosen] img")
    page.click("[data-remove]")
    assert page.locator("[data-chosen]").is_hidden()


def test_players_step_by_frames_and_go_together(
    studio: Stage, visit: Callable[..., Any], fox: str
) -> None:
    other = studio.make_clip("Noor", "a rabbit jumps on the beach")
    page = visit("Noor")
    page.goto(f"/studio/compare?a={fox}&b={other}")
    until(page, "[...document.querySelectorAll('video')].every((v) => v.readyState >= 2)")
    page.focus("[data-player] video")
    page.keyboard.press(".")
    page.keyboard.press(".")
    until(
        page,
        "[...document.querySelectorAll('video')].every((v) => Math.abs(v.currentTime * 12 - 2.25) < 0.1)",
    )
    assert violations(page) == []


def test_without_scripts_clips_are_asked_for_and_deleted(
    studio: Stage, visit: Callable[..., Any]
) -> None:
    page = visit("Noor", java_script_enabled=False)
    page.fill("#prompt", "a cat that goes again")
    page.click("text=Make it")
    studio.make_waiting()
    page.goto("/studio/create")
    page.click("article:has-text('a cat that goes again') a")
    page.click("text=Delete this clip")
    page.click("text=Delete for good")
    assert page.locator("article:has-text('a cat that goes again')").count() == 0


@pytest.mark.parametrize(("language", "scheme"), [("en", "light"), ("en", "dark"), ("ar", "light")])
def test_no_barriers(
    studio: Stage, visit: Callable[..., Any], fox: str, language: str, scheme: str
) -> None:
    page = visit("Noor", color_scheme=scheme, reduced_motion="reduce")
    for path in (
        "/studio/create?prompt=a+fox+zzzz&seed=1",
        f"/studio/clips/{fox}?",
        f"/studio/clips/{fox}/delete?",
    ):
        page.goto(f"{path}&lang={language}")
        assert violations(page) == [], path
