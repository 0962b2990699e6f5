import socket
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.receivers import listening
from unstrung.studio import mail
from unstrung.studio.errors import ConfigurationError, InvalidField
from unstrung.studio.mail import Letter, MailFailed
from unstrung.studio.notices import LANGUAGES
from unstrung.studio.settings import Settings, load_settings
from unstrung.studio.sign_in_letters import link_letter, no_account_letter

LETTER = Letter("owner@example.org", "Sign in", "A link.\n")


def mail_server(received: list[str], refuses: str = "") -> Callable[[socket.socket], None]:
    """A server that takes one e-mail, or refuses a command."""

    def answer(connection: socket.socket) -> None:
        connection.sendall(b"220 here\r\n")
        in_data = False
        for line in connection.makefile("rb"):
            told = line.decode().rstrip("\r\n")
            received.append(told)
            if in_data:
                if told == ".":
                    in_data = False
                    connection.sendall(b"250 taken\r\n")
                continue
            if refuses and told.startswith(refuses):
                connection.sendall(b"550 owner@example.org is not here\r\n")
                continue
            in_data = told.upper() == "DATA"
            is_over = told.upper() == "QUIT"
            connection.sendall(
                b"354 go on\r\n" if in_data else b"221 bye\r\n" if is_over else b"250 good\r\n"
            )
            if is_over:
                return

    return answer


def test_an_e_mail_becomes_one_private_file_where_no_server_is_set_up(tmp_path: Path) -> None:
    settings = Settings(studio_data=tmp_path)
    for _ in range(2):
        mail.send(settings, LETTER)
    found = sorted((tmp_path / "mail").iterdir())
    assert [path.suffix for path in found] == [".eml", ".eml"]
    assert (tmp_path / "mail").stat().st_mode & 0o077 == 0
    assert all(path.stat().st_mode & 0o077 == 0 for path in found)
    text = found[0].read_text()
    assert "To: owner@example.org" in text
    assert "Auto-Submitted: auto-generated" in text


@pytest.mark.enable_socket
@pytest.mark.allow_hosts(["127.0.0.1"])
def test_an_e_mail_goes_to_the_server_that_is_set_up(tmp_path: Path) -> None:
    received: list[str] = []
    with listening(mail_server(received)) as port:
        settings = Settings(
            studio_data=tmp_path, smtp_host="127.0.0.1", smtp_port=port, smtp_security="none"
        )
        mail.send(settings, LETTER)
    assert "rcpt TO:<owner@example.org>" in received
    assert "Subject: Sign in" in received
    assert not (tmp_path / "mail").exists()


@pytest.mark.enable_socket
@pytest.mark.allow_hosts(["127.0.0.1"])
def test_a_server_that_refuses_is_told_of_without_the_address(tmp_path: Path) -> None:
    with listening(mail_server([], "rcpt")) as port:
        settings = Settings(
            studio_data=tmp_path, smtp_host="127.0.0.1", smtp_port=port, smtp_security="none"
        )
        with pytest.raises(MailFailed) as caught:
            mail.send(settings, LETTER)
    assert "owner" not in str(caught.value)


@pytest.mark.enable_socket
@pytest.mark.allow_hosts(["127.0.0.1"])
def test_nothing_is_sent_in_clear_where_tls_was_asked_for(tmp_path: Path) -> None:
    received: list[str] = []
    with listening(mail_server(received, "STARTTLS")) as port:
        settings = Settings(studio_data=tmp_path, smtp_host="127.0.0.1", smtp_port=port)
        with pytest.raises(MailFailed):
            mail.send(settings, LETTER)
    assert not any("rcpt" in line.lower() or "A link" in line for line in received)


def test_e_mails_in_clear_are_refused_beyond_this_machine() -> None:
    with pytest.raises(ConfigurationError, match="SMTP_SECURITY"):
        load_settings({"smtp_host": "mail.example.org", "smtp_security": "none"})


def test_a_folder_that_cannot_be_written_to_is_told_of(tmp_path: Path) -> None:
    (tmp_path / "mail").write_text("in the way")
    with pytest.raises(MailFailed):
        mail.send(Settings(studio_data=tmp_path), LETTER)


@given(st.text(max_size=40))
def test_an_address_has_one_spelling_and_no_line_breaks(given_address: str) -> None:
    try:
        found = mail.checked_address(given_address)
    except InvalidField:
        return
    assert found == mail.checked_address(found) == found.lower()
    assert found.isascii()
    assert found.isprintable()
    assert found.count("@") == 1


def test_a_domain_in_another_alphabet_gets_its_ascii_form() -> None:
    assert mail.checked_address("Name@B\u00fccher.example") == "name@xn--bcher-kva.example"


@pytest.mark.parametrize("language", LANGUAGES)
def test_letters_say_the_same_in_every_language(language: str) -> None:
    letter = link_letter("a@example.org", "https://studio.example/x#secret", "secret", language)
    assert "https://studio.example/x#secret" in letter.text
    assert "15" in letter.text
    unknown = no_account_letter("a@example.org", "https://studio.example", language)
    assert "https://studio.example" in unknown.text
    assert "secret" not in unknown.text
    assert letter.subject != unknown.subject
