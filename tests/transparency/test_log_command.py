"""`unstrung log`: what it prints and which code it returns."""

import json
from pathlib import Path

import pytest

from transparency.builders import LOG_KEY, SALT, WITNESS_KEY, act, grow
from unstrung.cli import main
from unstrung.transparency.notes import VerifierKey, cosign, parse_signature
from unstrung.transparency.receipts import issue
from unstrung.transparency.tiles import TileView, read_folder

KEY = str(LOG_KEY.verifier)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A log of 300 acts in an otherwise empty current folder, with a receipt of act 7."""
    monkeypatch.chdir(tmp_path)
    checkpoint = grow(tmp_path / "log", 0, 300)
    receipt = issue(TileView(read_folder(tmp_path / "log"), 300), 7, checkpoint, SALT, b"act 7")
    note = receipt.checkpoint
    note = note.signed_also(cosign(note.text, WITNESS_KEY, 1_785_000_000))
    (tmp_path / "act.tlog-proof").write_text(str(receipt), "utf-8")
    whole = str(receipt).removesuffix(str(receipt.checkpoint)) + str(note)
    (tmp_path / "cosigned.tlog-proof").write_text(whole, "utf-8")
    (tmp_path / "log.key").write_text(KEY + "\n", "utf-8")
    return tmp_path


def run(*arguments: str) -> int:
    return main(["log", *arguments])


def test_a_receipt_is_verified_with_a_key_or_a_file_of_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    for key in (KEY, "log.key"):
        assert run("verify", "act.tlog-proof", "--key", key) == 0
        out, err = capsys.readouterr()
        assert out.startswith("The receipt is valid.\n")
        assert "7 of 300" in out
        assert "consent.given" in out
        assert err == ""


def test_witnesses_are_demanded_when_they_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    by = ("--witness", str(WITNESS_KEY.verifier))
    assert run("verify", "cosigned.tlog-proof", "--key", KEY, *by) == 0
    assert "witness.example.org/w1 (2026-07-25 17:20 UTC)" in capsys.readouterr().out
    assert run("verify", "act.tlog-proof", "--key", KEY, *by) == 1
    err = capsys.readouterr().err
    assert "must be signed by witness.example.org/w1" in err
    assert err.count("\n") == 1


def test_verify_prints_one_json_object(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("verify", "cosigned.tlog-proof", "--key", KEY, "--json") == 0
    out = capsys.readouterr().out
    assert out.count("\n") == 1
    told = json.loads(out)
    assert (told["valid"], told["index"], told["content_checked"]) == (True, 7, True)
    assert told["type"] == "consent.given"


def test_a_changed_receipt_is_refused_in_a_sentence(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = (folder / "act.tlog-proof").read_text("utf-8")
    (folder / "act.tlog-proof").write_text(text.replace("index 7", "index 8"), "utf-8")
    assert run("verify", "act.tlog-proof", "--key", KEY) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("inclusion proof must lead from entry 8 to the root")
    assert run("verify", "nothing", "--key", KEY) == 1
    assert "receipt must be a file that can be read" in capsys.readouterr().err
    assert run("verify", "act.tlog-proof", "--key", "nonsense") == 1
    assert "key must be a file" in capsys.readouterr().err


def test_a_content_beside_the_receipt_is_checked(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "act.txt").write_bytes(b"act 7")
    (folder / "other.txt").write_bytes(b"act 8")
    call = ("verify", "act.tlog-proof", "--key", KEY, "--content")
    assert run(*call, "act.txt") == 0
    assert run(*call, "other.txt") == 1
    assert "content must be the same" in capsys.readouterr().err


def test_a_witness_cosigns_and_then_refuses_a_fork(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    call = ("--state", "state", "--key", "log.key")
    assert run("witness", "log", *call) == 1
    assert "name of the witness must be given the first time" in capsys.readouterr().err
    assert run("witness", "log", *call, "--name", "example.org/w1", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    key = VerifierKey.parse(told["witness"])
    assert parse_signature(told["cosignature"]).key_id == key.key_id
    assert (told["size"], told["old_size"]) == (300, None)
    grow(folder / "log", 300, 310)
    assert run("witness", "log", *call) == 0
    assert "has 310 entries, 300 when seen last." in capsys.readouterr().out
    grow(folder / "fork", 0, 320, lambda number: act(-number))
    assert run("witness", "fork", *call) == 1
    assert "must begin with the 310 entries seen before" in capsys.readouterr().err


def test_a_whole_log_is_checked(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("check", "log") == 0
    assert "not checked; give --key" in capsys.readouterr().out
    assert run("check", "log", "--key", KEY, "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["size"], told["signature_checked"]) == (300, True)
    assert told["types"] == {"consent.given": 300}
    tile = folder / "log/tile/0/000"
    tile.write_bytes(tile.read_bytes()[:-1] + b"\x00")
    assert run("check", "log") == 1
    assert "hash 255 of tile/0/000 must be" in capsys.readouterr().err


@pytest.mark.parametrize("source", ["http://log.example.org", "ftp://log.example.org", "nowhere"])
def test_other_sources_are_refused(source: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("check", source) == 1
    assert "https://" in capsys.readouterr().err


def test_wrong_usage_is_exit_code_2() -> None:
    assert run("verify", "act.tlog-proof") == 2
