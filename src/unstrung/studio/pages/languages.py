"""Languages of the pages: which one a visitor reads, its words, and its numbers and dates.

Sentences are English in the templates and gettext catalogues (`locale/xx.po`) in five languages; a
sentence without a translation stays English, and every page that is not says that a machine translated it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from importlib.resources import files
from io import BytesIO
from typing import Final

from babel.dates import format_date, format_datetime, format_timedelta
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import format_decimal, format_percent
from babel.support import NullTranslations, Translations

_KIB: Final = 1024


@dataclass(frozen=True)
class Language:
    """A language that pages are shown in.

    Attributes:
        code: as in `notices.LANGUAGES`.
        name: as its readers call it.
        direction: "ltr" or "rtl".
    """

    code: str
    name: str
    direction: str = "ltr"

    @property
    def words(self) -> NullTranslations:
        """Sentences by their English ones."""
        return _catalogue(self.code)

    def number(self, value: float, digits: int = 0) -> str:
        """A number with so many decimals at most."""
        return format_decimal(round(value, digits), locale=self.code)

    def percent(self, share: float) -> str:
        """A share in [0, 1] as whole percents."""
        return format_percent(share, locale=self.code)

    def day(self, moment: datetime) -> str:
        """A date, in UTC."""
        return format_date(moment, "d MMM y", locale=self.code)

    def moment(self, moment: datetime) -> str:
        """A date and time, in UTC."""
        return f"{format_datetime(moment, 'd MMM y, HH:mm', locale=self.code)} UTC"

    def ago(self, since: timedelta) -> str:
        """How long ago something was."""
        return format_timedelta(-since, add_direction=True, locale=self.code)

    def span(self, length: timedelta) -> str:
        """How long something takes."""
        return format_timedelta(length, locale=self.code)

    def size(self, num_bytes: int) -> str:
        """A number of bytes in kB or MB."""
        unit, factor = ("MB", _KIB**2) if num_bytes >= _KIB**2 else ("kB", _KIB)
        return f"{self.number(num_bytes / factor, 1)} {unit}"


ENGLISH: Final = Language("en", "English")
KNOWN: Final = (
    ENGLISH,
    Language("it", "Italiano"),
    Language("fr", "Français"),
    Language("es", "Español"),
    Language("ar", "العربية", "rtl"),
    Language("id", "Bahasa Indonesia"),
)


def language_of(code: str | None) -> Language | None:
    """The language of a code such as `fr` or `fr-CA`, if pages are shown in it."""
    wanted = (code or "").lower().partition("-")[0]
    return next((each for each in KNOWN if each.code == wanted), None)


def preferred(accept_language: str) -> Language:
    """The first language of a browser's list that we have (RFC 9110, section 12.5.4); else English."""
    weighed = []
    for place, part in enumerate(accept_language.split(",")):
        code, _, parameter = part.strip().partition(";")
        try:
            weight = float(parameter.strip().removeprefix("q=")) if parameter else 1.0
        except ValueError:
            weight = 0.0
        weighed.append((-weight, place, code))
    found = (language_of(code) for weight, _, code in sorted(weighed) if weight < 0)
    return next((each for each in found if each is not None), ENGLISH)


def choose(chosen: Sequence[str | None], accept_language: str) -> Language:
    """The first of what was chosen that we have, else what the browser prefers."""
    found = (language_of(code) for code in chosen)
    return next((each for each in found if each is not None), preferred(accept_language))


@cache
def _catalogue(code: str) -> NullTranslations:
    path = files("unstrung.studio.pages") / "locale" / f"{code}.po"
    if not path.is_file():
        return NullTranslations()
    compiled = BytesIO()
    write_mo(compiled, read_po(BytesIO(path.read_bytes()), locale=code))
    compiled.seek(0)
    return Translations(compiled)
