"""What people are written when they want to sign in, or somebody did: in six languages; words are data."""

import tomllib
from datetime import UTC, datetime
from functools import cache
from importlib.resources import files
from typing import Any

from unstrung.studio.mail import Letter


def link_letter(address: str, link: str, code: str, language: str) -> Letter:
    """The e-mail with a link to sign in.

    Args:
        address: where it goes.
        link: to follow.
        code: the same secret alone, to be pasted.
        language: one of `notices.LANGUAGES`.
    """
    said = _words()[language]
    return Letter(address, said["link_subject"], said["link_text"].format(link=link, code=code))


def no_account_letter(address: str, url: str, language: str) -> Letter:
    """The e-mail to an address that no account has, of which only its reader learns.

    Args:
        address: where it goes.
        url: of the studio.
        language: one of `notices.LANGUAGES`.
    """
    said = _words()[language]
    return Letter(address, said["unknown_subject"], said["unknown_text"].format(url=url))


def notice_letter(address: str, url: str, program: str, moment: datetime, language: str) -> Letter:
    """The e-mail about a sign-in that somebody may not have made.

    Args:
        address: where it goes.
        url: of the studio.
        program: family of the browser.
        moment: of the sign-in, told in UTC.
        language: that the person reads; one that we have no words in becomes English.
    """
    said = _words().get(language) or _words()["en"]
    text = said["notice_text"].format(url=url, program=program, moment=_told(moment))
    return Letter(address, said["notice_subject"], text)


def ended_letter(address: str, url: str, moment: datetime, language: str) -> Letter:
    """The e-mail to somebody whose sessions were ended for them.

    It does not say why: others may read the mailbox, which may be the reason. The receipts do.

    Args:
        address: where it goes.
        url: of the studio.
        moment: when it was done, told in UTC.
        language: that the person reads; one that we have no words in becomes English.
    """
    said = _words().get(language) or _words()["en"]
    text = said["ended_text"].format(
        url=url, moment=_told(moment), receipts=f"{url}/studio/programme/receipts"
    )
    return Letter(address, said["ended_subject"], text)


def _told(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


@cache
def _words() -> dict[str, Any]:
    return tomllib.loads((files("unstrung.studio") / "sign_in_letters.toml").read_text("utf-8"))
