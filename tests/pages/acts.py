"""What stories in several languages look for on a page: direction, barriers, sentences left in English."""

import re
from functools import cache
from importlib.resources import files
from io import BytesIO
from typing import Any

from babel.messages.pofile import read_po

from pages.conftest import violations
from unstrung.studio.pages.languages import language_of

_PLACE = re.compile(r"%\(\w+\)s")
# The text of everything that holds words of its own, without what is marked as being in another language.
_TEXTS = """(code) => {
  const said = new Set();
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const holder = walker.currentNode.parentElement;
    if (holder.closest('script, style, noscript, pre, code, textarea, option[lang]')) continue;
    if (holder.closest('[lang]')?.lang !== code) continue;
    for (const words of [walker.currentNode.textContent, holder.textContent])
      said.add(words.replace(/\\s+/g, ' ').trim());
  }
  for (const each of document.querySelectorAll('[aria-label], [placeholder], [title], img[alt]'))
    for (const name of ['aria-label', 'placeholder', 'title', 'alt'])
      if (each.closest('[lang]')?.lang === code) said.add((each.getAttribute(name) ?? '').trim());
  return [...said];
}"""


@cache
def _english(code: str) -> re.Pattern[str]:
    """Sentences of ours that a language says otherwise than English does."""
    found = read_po(BytesIO((files("unstrung.studio.pages") / f"locale/{code}.po").read_bytes()))
    sentences = [
        sentence
        for message in found
        for sentence in (message.id if isinstance(message.id, tuple) else [message.id])
        if sentence
        and sentence not in (message.string, *message.string)
        # Names and units may look alike; a sentence of which little is fixed would match anything.
        and len(re.findall("[A-Za-z]", _PLACE.sub("", sentence))) > 3
    ]
    escaped = (".+".join(map(re.escape, _PLACE.split(each))) for each in sentences)
    return re.compile("|".join(escaped))


def english_left(page: Any, code: str) -> list[str]:
    """Sentences of ours that a page in another language still says in English."""
    if code == "en":
        return []
    said = page.evaluate(_TEXTS, code)
    return [f"{page.url}: {each}" for each in said if _english(code).fullmatch(each)]


def look_at(page: Any, code: str) -> list[str]:
    """What is wrong with a page for whoever reads it in a language.

    Barriers are looked for in languages other than English alone: the markup is the same, and it takes long.
    """
    html = page.locator("html")
    assert html.get_attribute("lang") == code
    assert html.get_attribute("dir") == language_of(code).direction
    if code == "en":
        return []
    return english_left(page, code) + [f"{page.url}: {each}" for each in violations(page)]
