"""The library: search, filters, folders, stars and what is done with many clips, with and without scripts."""

import io
import zipfile
from collections.abc import Callable
from typing import Any

import pytest

from pages.conftest import violations
from pages.stage import Stage

pytestmark = [pytest.mark.enable_socket, pytest.mark.allow_hosts(["127.0.0.1", "::1", "localhost"])]


@pytest.fixture(scope="module")
def shelf(stage: Stage) -> Stage:
    stage.add_person("Noor")
    for prompt in ("a fox crosses a snowy field", "a bear sleeps", "ثعلب في الثلج"):
        stage.make_clip("Noor", prompt)
    return stage


def test_without_scripts_clips_are_searched_starred_moved_and_deleted(
    shelf: Stage, visit: Callable[..., Any]
) -> None:
    shelf.make_clip("Noor", "a clip to throw away")
    page = visit("Noor", java_script_enabled=False)
    page.goto("/studio/library?q=throw")
    assert page.locator("article").count() == 1
    page.locator("details summary", has_text="New folder").click()
    page.fill("#new-folder", "Winter")
    page.click("text=Make it")
    assert page.locator("h1").inner_text().endswith("Winter")
    page.goto("/studio/library?q=throw&chosen=all")
    page.select_option("#to-folder", label="Winter")
    page.click("button[value=move]")
    assert "1 clip was moved." in page.content()
    page.click("text=Winter")
    assert page.locator("article").count() == 1
    page.check("input[name=clips]")
    page.click("#chosen-clips button[value=delete]")
    assert "Delete 1 clip for good?" in page.content()
    page.click("text=Delete for good")
    assert "1 clip is deleted." in page.content()
    assert page.locator("article").count() == 0


def test_search_as_you_type_and_the_keyboard_do_the_rest(
    shelf: Stage, visit: Callable[..., Any]
) -> None:
    from playwright.sync_api import expect

    page = visit("Noor")
    page.goto("/studio/library")
    page.fill("#q", "ear sl")
    expect(page.locator("#results article")).to_have_count(1)
    assert "q=ear" in page.url
    page.fill("#q", "")
    expect(page.locator("#results article")).to_have_count(3)
    page.focus("#clips input[type=checkbox]")
    page.keyboard.press("Control+a")
    assert (
        page.locator("#clips input:checked").count()
        == page.locator("#clips input[type=checkbox]").count()
    )
    star = page.locator("[data-star] button").first
    star.focus()
    page.keyboard.press("Enter")
    page.wait_for_selector("[data-star] button[aria-pressed=true]")
    page.goto("/studio/library?starred=yes")
    assert page.locator("article").count() == 1
    with page.expect_download() as loading:
        page.check("input[name=clips]")
        page.click("#chosen-clips button[value=download]")
    content = loading.value.path().read_bytes()
    assert [name[-4:] for name in zipfile.ZipFile(io.BytesIO(content)).namelist()] == [".mp4"]


@pytest.mark.parametrize("settings", [{}, {"color_scheme": "dark"}, {"locale": "ar"}])
def test_the_library_can_be_used_by_everybody(
    shelf: Stage, visit: Callable[..., Any], settings: dict[str, str]
) -> None:
    page = visit("Noor", **settings)
    page.goto("/studio/library")
    assert violations(page) == []
