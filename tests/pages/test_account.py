"""The account: name, passkeys, sessions and keys."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from pages.conftest import passkey_device, violations
from pages.stage import Stage

pytestmark = [pytest.mark.enable_socket, pytest.mark.allow_hosts(["127.0.0.1", "::1", "localhost"])]


@pytest.fixture(scope="module")
def noor(stage: Stage) -> Stage:
    stage.add_person("Noor")
    stage.add_person("Ada")
    return stage


def test_somebody_adds_a_passkey_and_makes_a_key_that_works(
    noor: Stage, visit: Callable[..., Any]
) -> None:
    page = visit("Noor")
    with passkey_device(page):
        page.goto("/studio/account")
        assert page.get_by_text("You have no passkey yet.").count() == 1
        page.fill("#key-name", "script")
        page.click("text=Make the key")
        page.wait_for_selector(".problem-place .notice")
        page.fill("#passkey-name", "my telephone")
        page.click("[data-passkey=add]")
        page.wait_for_selector("th:has-text('my telephone')")
        assert page.get_by_text("You have no passkey yet.").count() == 0
        page.fill("#key-name", "script")
        page.click("text=Make the key")
        page.wait_for_selector("#new-key, [data-passkey=again]")
        if page.locator("[data-passkey=again]").count():
            page.click("[data-passkey=again]")
        secret = page.wait_for_selector("#new-key").inner_text()
        assert f"export OPENAI_API_KEY={secret}" in page.inner_text("#new-key-lines")
        assert violations(page) == []
        headers = {"authorization": f"Bearer {secret}"}
        assert httpx.get(f"{noor.url}/v1/videos", headers=headers).status_code == 200
        page.goto("/studio/account")
        assert secret not in page.content()
        page.get_by_role("button", name="Revoke script").click()
        page.wait_for_selector(".badge:has-text('Revoked')")
        assert httpx.get(f"{noor.url}/v1/videos", headers=headers).status_code == 401


def test_name_and_sessions_without_scripts(noor: Stage, visit: Callable[..., Any]) -> None:
    elsewhere = visit("Ada")
    page = visit("Ada", java_script_enabled=False)
    page.goto("/studio/account")
    page.fill("#f-name", "  Ada   Lovelace ")
    page.click("text=Save the name")
    assert page.input_value("#f-name") == "Ada Lovelace"
    page.click("text=End all others")
    assert page.get_by_text("End it").count() == 0
    elsewhere.goto("/studio/account")
    assert "/studio/sign-in" in elsewhere.url
    assert "Adding a passkey needs scripts." in page.content()


def test_nobody_ends_what_is_somebody_elses(noor: Stage, visit: Callable[..., Any]) -> None:
    page = visit("Noor")
    for path in (
        "keys/key_nothing/revoke",
        "sessions/session_nothing/end",
        "passkeys/passkey_no/remove",
    ):
        answer = page.request.post(f"/studio/account/{path}", headers={"origin": noor.url})
        assert answer.status in (401, 404), path


@pytest.mark.parametrize("settings", [{}, {"color_scheme": "dark"}, {"locale": "ar"}])
def test_the_account_can_be_used_by_everybody(
    noor: Stage, visit: Callable[..., Any], settings: dict[str, str]
) -> None:
    page = visit("Noor", **settings)
    page.goto("/studio/account")
    assert violations(page) == []
