"""A stage for each module of tests, and Debian's Chromium on it where it is installed (`make browsers`)."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from pages.stage import Stage, open_stage

CHROMIUM = Path("/usr/bin/chromium")
AXE = Path(sys.prefix) / "sdks/axe/node_modules/axe-core/axe.min.js"
_FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update",
]  # fmt: skip


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """A running studio with nobody in it."""
    with open_stage(tmp_path_factory.mktemp("stage")) as opened:
        yield opened


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """A browser without windows, for one module: its event loop must not reach the tests of others."""
    if not CHROMIUM.exists():
        pytest.skip("no browser is installed; `make browsers` installs Debian's Chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=str(CHROMIUM), args=_FLAGS)
        yield opened
        opened.close()


@pytest.fixture
def visit(chromium: Any, stage: Stage) -> Callable[..., Any]:
    """Opens a page of the stage in a browser of its own, for somebody who is signed in or for nobody."""
    contexts = []

    def opened(name: str | None = None, **settings: Any) -> Any:
        context = chromium.new_context(base_url=stage.url, **settings)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(10_000)
        if name is not None:
            link = stage.link_for(name)
            page.goto(link)
            if settings.get("java_script_enabled") is False:
                page.fill("[name=token]", link.partition("#")[2])
            page.click("#code-form [type=submit]")
            page.wait_for_url("**/studio/create")
        return page

    yield opened
    for context in contexts:
        context.close()


@contextmanager
def passkey_device(page: Any) -> Iterator[None]:
    """A virtual authenticator that says yes, for passkeys (Chrome DevTools protocol, WebAuthn)."""
    client = page.context.new_cdp_session(page)
    client.send("WebAuthn.enable")
    client.send(
        "WebAuthn.addVirtualAuthenticator",
        {
            "options": {
                "protocol": "ctap2", "transport": "internal", "hasResidentKey": True,
                "hasUserVerification": True, "isUserVerified": True,
                "automaticPresenceSimulation": True,
            }
        },
    )  # fmt: skip
    yield
    client.send("WebAuthn.disable")


@cache
def _axe() -> str:
    if not AXE.exists():
        pytest.skip("axe-core is not installed; `make browsers` installs it")
    return AXE.read_text("utf-8")


def violations(page: Any) -> list[str]:
    """What axe finds wrong with a page, by WCAG 2.2 AA and best practice."""
    page.evaluate(_axe())
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [
        f"{each['id']} ({each['impact']}): {node['target']} {node['failureSummary']}"
        for each in found["violations"]
        for node in each["nodes"]
    ]
