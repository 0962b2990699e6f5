"""E-mails: to a server by SMTP, or, where none is set up, one file each in a folder.

What people are told by e-mail is decided elsewhere; here it is only put together and sent.
"""

import os
import re
import smtplib
import ssl
from dataclasses import dataclass
from email.errors import HeaderParseError
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid, parseaddr
from pathlib import Path
from typing import Final

from unstrung.studio.database import now
from unstrung.studio.errors import InvalidField, StudioError
from unstrung.studio.identity import new_id
from unstrung.studio.settings import Settings

_TIMEOUT_S: Final = 20.0
_MAX_CHARACTERS: Final = 254
# Letters of ASCII only: other alphabets have letters that become ASCII when they are made small, and then
# two people have one address.
_LOCAL: Final = re.compile(r"[a-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[a-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_LABEL: Final = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
_DOMAIN: Final = re.compile(rf"({_LABEL}\.)*{_LABEL}")


class MailFailed(StudioError):
    """An e-mail could not be handed over."""


@dataclass(frozen=True)
class Letter:
    """An e-mail.

    Attributes:
        to: one address, as `checked_address` gives it.
        subject: one line.
        text: plain text.
    """

    to: str
    subject: str
    text: str


def checked_address(given: str) -> str:
    """An address in the one spelling that it is kept in.

    Args:
        given: as a person wrote it; a domain in other letters than ASCII becomes its `xn--` form.

    Raises:
        InvalidField: if it is none.
    """
    address = given.strip()
    local, _, domain = address.rpartition("@")
    try:
        domain = domain.encode("idna").decode() if not domain.isascii() else domain
    except UnicodeError:
        domain = ""
    local, domain = (part.lower() if part.isascii() else "" for part in (local, domain))
    is_good = (
        len(local) <= 64
        and len(local) + 1 + len(domain) <= _MAX_CHARACTERS
        and _LOCAL.fullmatch(local)
        and _DOMAIN.fullmatch(domain)
    )
    if not is_good:
        raise InvalidField(
            f"address must be an e-mail address such as name@example.org, got {given[:80]!a}.",
            "address",
        )
    return f"{local}@{domain}"


def send(settings: Settings, letter: Letter) -> None:
    """Hand an e-mail over.

    Raises:
        MailFailed: if the server or the folder does not take it.
    """
    message = _message(settings, letter)
    if settings.smtp_host:
        _to_server(settings, message)
    else:
        _to_folder(settings.studio_data / "mail", message)


def _message(settings: Settings, letter: Letter) -> EmailMessage:
    message = EmailMessage()
    try:
        message["From"] = settings.mail_from
        message["To"] = letter.to
        message["Subject"] = letter.subject
    except (ValueError, HeaderParseError) as error:
        raise MailFailed(f"The e-mail has a header that cannot be sent: {error}.") from error
    message["Date"] = format_datetime(now())
    # Without a domain the library would look this machine's name up.
    sender = parseaddr(settings.mail_from)[1]
    message["Message-ID"] = make_msgid(domain=sender.rpartition("@")[2] or "localhost")
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(letter.text)
    return message


def _to_server(settings: Settings, message: EmailMessage) -> None:
    context = ssl.create_default_context()
    host, port = settings.smtp_host, settings.smtp_port
    try:
        with (
            smtplib.SMTP_SSL(host, port, timeout=_TIMEOUT_S, context=context)
            if settings.smtp_security == "tls"
            else smtplib.SMTP(host, port, local_hostname="localhost", timeout=_TIMEOUT_S)
        ) as server:
            if settings.smtp_security == "starttls":
                server.starttls(context=context)
            if settings.smtp_user:
                server.login(settings.smtp_user, settings.smtp_password.get_secret_value())
            server.send_message(message)
    except (OSError, smtplib.SMTPException) as error:
        # What the server says may repeat the address; only its kind goes into the log.
        raise MailFailed(
            f"The mail server {host}:{port} did not take the e-mail ({type(error).__name__})."
        ) from None


def _to_folder(folder: Path, message: EmailMessage) -> None:
    name = new_id("mail")
    partial = folder / f"{name}.partial"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(message.as_bytes())
        partial.rename(folder / f"{name}.eml")
    except OSError as error:
        raise MailFailed(f"The e-mail cannot be written to {folder}: {error.strerror}.") from error
