"""The words of the studio's pages: collect sentences, and keep the catalogues of five languages in step.

`python runs/words.py` writes `pages/locale/xx.po`: new sentences come in without a translation, old ones that
no page says any more go, translations stay. `--missing fr` prints what is not translated in French as JSON
and changes nothing; `--take FILE fr` reads translations into its catalogue: {"English": "translation"}, and
for plurals {"[\\"one\\", \\"many\\"]": ["form", ...]}, as many forms as the language has.
"""

import argparse
import json
from datetime import UTC, datetime
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

from unstrung.studio.pages.languages import KNOWN

ROOT = Path(__file__).parents[1]
PAGES = ROOT / "src/unstrung/studio/pages"
METHODS = [("**.py", "python"), ("templates/**.html", "jinja2.ext.babel_extract")]
OPTIONS = {
    "templates/**.html": {
        "silent": "false", "trimmed": "true", "newstyle_gettext": "true",
        "extensions": "jinja2.ext.do,jinja2.ext.loopcontrols",
    }
}  # fmt: skip
KEYWORDS = {"_": None, "gettext": None, "ngettext": (1, 2), "say": None, "N_": None}


def collected() -> Catalog:
    """Every sentence that pages say."""
    found = Catalog(project="unstrung", charset="utf-8")
    for name, line, message, comments, context in extract_from_dir(
        str(PAGES), METHODS, OPTIONS, KEYWORDS, comment_tags=("Translators:",)
    ):
        # Without line numbers: a catalogue changes when its words do.
        found.add(
            message, None, [(name, None)] if line else [], auto_comments=comments, context=context
        )
    return found


def catalogue(code: str) -> Catalog:
    """The catalogue of a language; empty if there is none."""
    path = PAGES / "locale" / f"{code}.po"
    if path.exists():
        with path.open("rb") as file:
            return read_po(file, locale=code)
    return Catalog(locale=code, project="unstrung", charset="utf-8")


def write(code: str, kept: Catalog) -> None:
    """Write a catalogue, in the order of its sentences."""
    kept.obsolete.clear()
    kept.revision_date = kept.creation_date = datetime(2026, 1, 1, tzinfo=UTC)
    path = PAGES / "locale" / f"{code}.po"
    path.parent.mkdir(exist_ok=True)
    with path.open("wb") as file:
        write_po(file, kept, width=110, sort_output=True, omit_header=False, no_location=True)


def missing(kept: Catalog) -> list[str | tuple[str, ...]]:
    """Sentences without a translation."""
    return [
        each.id
        for each in kept
        if each.id and not all(each.string if isinstance(each.string, tuple) else (each.string,))
    ]


def main() -> None:
    """Do what is asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--missing", metavar="LANGUAGE")
    parser.add_argument("--take", nargs=2, metavar=("FILE", "LANGUAGE"))
    asked = parser.parse_args()
    if asked.missing:
        found = missing(catalogue(asked.missing))
        keys = [each if isinstance(each, str) else json.dumps(list(each)) for each in found]
        print(json.dumps(dict.fromkeys(keys, ""), ensure_ascii=False, indent=1))
        return
    said = collected()
    for language in KNOWN:
        if language.code == "en":
            continue
        kept = catalogue(language.code)
        kept.update(said, no_fuzzy_matching=True)
        if asked.take and asked.take[1] == language.code:
            taken = json.loads(Path(asked.take[0]).read_text("utf-8"))
            for each in kept:
                key = json.dumps(list(each.id)) if isinstance(each.id, tuple) else each.id
                if key in taken and each.id:
                    given = taken[key]
                    each.string = tuple(given) if isinstance(given, list) else given
        write(language.code, kept)
        print(f"{language.code}: {len(kept)} sentences, {len(missing(kept))} without a translation")


if __name__ == "__main__":
    main()
