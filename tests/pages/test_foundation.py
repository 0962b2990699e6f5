"""What all pages share: ways in, languages, looks, refusals, files, and the policy that they are under."""

import re
from collections.abc import Callable, Iterator
from dataclasses import fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import jinja2
import jinja2.meta
import jinja2.nodes
import pytest

from pages.conftest import violations
from pages.stage import Stage
from unstrung.studio.pages import languages, site
from unstrung.studio.pages.site import Page
from unstrung.studio.pages.visits import own_path

pytestmark = [pytest.mark.enable_socket, pytest.mark.allow_hosts(["127.0.0.1", "::1", "localhost"])]
EXTENSIONS = ["jinja2.ext.i18n", "jinja2.ext.do", "jinja2.ext.loopcontrols"]
TEMPLATES = Path(site.__file__).parent / "templates"
GLOBALS = {
    *site._globals(languages.ENGLISH),
    "_",
    "gettext",
    "ngettext",
    "reader",
    "languages",
    "looks",
}


@pytest.fixture(scope="module")
def somebody(stage: Stage) -> Stage:
    stage.add_person("Noor")
    stage.make_clip("Noor", "a fox crosses a snowy field")
    return stage


@pytest.fixture
def http(stage: Stage) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=stage.url) as client:
        yield client


def every_page() -> Iterator[type[Page]]:
    waiting = [Page]
    while waiting:
        found = waiting.pop()
        waiting += found.__subclasses__()
        if found is not Page:
            yield found


@pytest.mark.parametrize("page", sorted(every_page(), key=lambda each: each.__name__))
def test_a_template_reads_nothing_that_its_page_does_not_say(page: type[Page]) -> None:
    known = {field.name for field in fields(page)} | GLOBALS
    for name in filter(None, (page.template, page.part)):
        tree = jinja2.Environment(extensions=EXTENSIONS).parse(
            (TEMPLATES / name).read_text("utf-8")
        )
        imports = tree.find_all(jinja2.nodes.FromImport)
        parts = {
            each if isinstance(each, str) else each[1] for part in imports for each in part.names
        }
        parts |= {each.name for each in tree.find_all(jinja2.nodes.Macro)}
        parts |= {each.name for each in tree.find_all(jinja2.nodes.Name) if each.ctx == "store"}
        assert jinja2.meta.find_undeclared_variables(tree) <= known | parts, name
    documented = (page.__doc__ or "") + (Page.__doc__ or "")
    assert all(f"{field.name}" in documented for field in fields(page)), page


def test_moments_say_themselves_to_programs_too() -> None:
    then = datetime(2026, 11, 26, 18, 5, tzinfo=UTC)
    said = site._globals(languages.KNOWN[2])
    start = '<time datetime="2026-11-26T18:05:00+00:00">'
    assert said["day"](then) == f"{start}26 nov. 2026</time>"
    assert said["moment"](then) == f"{start}26 nov. 2026, 18:05 UTC</time>"
    assert said["ago"](then).startswith(start)
    assert said["at"](then.timestamp()) == then


def test_no_moment_stands_where_only_text_may() -> None:
    wrong = re.compile(
        r"""="[^"<>]*\{\{[^}]*\b(day|moment|ago)\((?![^}]*striptags)"""
        r"""|<option[^<]*\b(day|moment|ago)\((?![^}]*striptags)"""
    )
    found = {
        path.name: wrong.search(path.read_text("utf-8")) for path in TEMPLATES.glob("**/*.html")
    }
    assert [name for name, each in found.items() if each] == []


def test_every_sentence_of_templates_is_marked_for_translation() -> None:
    bare = re.compile(r">\s*([A-Z][a-z]+ [a-z]+[^<{]*)<")
    found = {
        path.name: bare.findall(path.read_text("utf-8")) for path in TEMPLATES.glob("**/*.html")
    }
    assert {name: sentences for name, sentences in found.items() if sentences} == {}


def test_the_first_address_leads_to_the_studio_and_work_asks_who_one_is(http: httpx.Client) -> None:
    assert http.get("/").headers["location"] == "/studio"
    assert http.get("/studio").status_code == 200
    mark = http.get("/favicon.ico")
    assert mark.status_code == 302
    assert http.get(mark.headers["location"]).headers["content-type"] == "image/svg+xml"
    asked = http.get("/studio/create?prompt=a+fox")
    assert (asked.status_code, asked.headers["location"]) == (
        303, "/studio/sign-in?next=/studio/create%3Fprompt%3Da%2Bfox",
    )  # fmt: skip


def test_pages_load_nothing_from_elsewhere_and_nothing_inline(http: httpx.Client) -> None:
    page = http.get("/studio/patterns")
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert not re.search(r"https?://(?!www\.w3\.org)", page.text)
    assert " style=" not in page.text
    assert not re.search(r"<script(?![^>]*src=)", page.text)


def test_files_of_the_site_are_kept_for_good_under_their_digest(http: httpx.Client) -> None:
    address = site.address_of_static("studio.css")
    first = http.get(address)
    assert "immutable" in first.headers["cache-control"]
    assert "immutable" not in http.get("/studio/static/studio.css").headers["cache-control"]
    again = http.get(address, headers={"if-none-match": first.headers["etag"]})
    assert again.status_code == 304
    for wrong in ("..%2fsite.py", "nothing.css", ".hidden.css", "fonts"):
        assert http.get(f"/studio/static/{wrong}").status_code == 404


@pytest.mark.parametrize(
    ("wanted", "code"),
    [("fr-CA, en;q=0.5", "fr"), ("de, ar;q=0.7, en;q=0.1", "ar"), ("de", "en"), ("x;q=z", "en")],
)
def test_a_browser_is_answered_in_its_language(http: httpx.Client, wanted: str, code: str) -> None:
    page = http.get("/studio", headers={"accept-language": wanted})
    assert page.headers["content-language"] == code
    assert f'<html lang="{code}" dir="{"rtl" if code == "ar" else "ltr"}"' in page.text


@pytest.mark.parametrize(
    "path", ["https://evil.example", "//evil.example", "/studio\\evil", "/v1", ""]
)
def test_nobody_is_sent_elsewhere_after_signing_in(path: str) -> None:
    assert own_path(path) == "/studio"


def test_a_choice_from_another_site_is_refused(http: httpx.Client) -> None:
    body = {"look": "dark", "next": "/studio/explore"}
    refused = http.post("/studio/look", data=body, headers={"origin": "https://evil.example"})
    assert refused.status_code == 403
    chosen = http.post("/studio/look", data=body, headers={"origin": str(http.base_url)})
    assert (chosen.status_code, chosen.headers["location"]) == (303, "/studio/explore")
    assert (
        'data-look="dark"'
        in http.get("/studio/patterns", headers={"cookie": "unstrung_look=dark"}).text
    )


def test_somebody_signs_in_asks_for_a_clip_and_sees_it_finish(
    somebody: Stage, visit: Callable[..., Any]
) -> None:
    page = visit("Noor")
    page.fill("#prompt", "a rabbit jumps on the beach")
    page.click("text=Make it")
    page.wait_for_selector("article[data-video]")
    with somebody.working():
        page.wait_for_selector("article:has-text('a rabbit jumps') video", state="attached")
    page.click("summary:has-text('Account of Noor')")
    page.click("text=Sign out")
    page.wait_for_url("**/studio")
    assert page.locator("text=Sign in").count()


def test_the_same_works_without_scripts(somebody: Stage, visit: Callable[..., Any]) -> None:
    page = visit("Noor", java_script_enabled=False)
    page.fill("#prompt", "a cow stays in the desert")
    page.click("text=Make it")
    assert page.locator("article:has-text('a cow stays')").count() == 1
    page.goto("/studio/clips/nothing/card")
    assert page.locator("h1").inner_text() == "Not here"


@pytest.mark.parametrize("language", ["en", "ar"])
@pytest.mark.parametrize(
    "path", ["/studio", "/studio/sign-in", "/studio/sign-in/code", "/studio/patterns"]
)
def test_open_pages_have_no_barriers(visit: Callable[..., Any], path: str, language: str) -> None:
    page = visit()
    page.goto(f"{path}?lang={language}")
    assert violations(page) == []
