"""`unstrung serve` and its parts as a person runs them: in a terminal, to the end."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from unstrung.cli import main


def run(*arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "unstrung.cli", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def test_serve_prints_the_first_key_once_and_stops_in_order(tmp_path: Path) -> None:
    data = str(tmp_path / "studio")
    command = [
        sys.executable, "-m", "unstrung.cli", "serve", "--data", data, "--port", "0", "--workers", "1",
    ]  # fmt: skip
    printed = []
    for _ in range(2):
        log = tmp_path / "log"
        with (
            log.open("w") as errors,
            subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True) as process,
        ):
            assert process.stdout is not None
            deadline = time.monotonic() + 60
            while "Application startup complete" not in log.read_text():
                assert process.poll() is None, log.read_text()
                assert time.monotonic() < deadline, log.read_text()
                time.sleep(0.05)
            process.send_signal(signal.SIGTERM)
            printed.append(process.stdout.read())
            assert process.wait(60) == 0, log.read_text()
    assert "First admin key" in printed[0]
    assert "Open the studio" in printed[0]
    assert "/studio/sign-in/code#" in printed[0]
    assert "First admin key" not in printed[1]
    assert "Open the studio" not in printed[1]
    made = run("keys", "create", "Ada", "--data", data, "--json")
    assert json.loads(made.stdout)["scopes"] == ["read", "generate"]
    listed = json.loads(run("keys", "list", "--data", data, "--json").stdout)["keys"]
    assert [row["person"] for row in listed] == ["Ada", "admin"]
    assert "is revoked" in run("keys", "revoke", listed[0]["id"], "--data", data).stdout
    assert oct(Path(data, "secret").stat().st_mode)[-3:] == "600"


@pytest.mark.parametrize("part", ["api", "worker"])
def test_a_part_says_what_it_needs(
    part: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("DATABASE_URL", raising=False)
    assert main([part]) == 2
    assert "DATABASE_URL must name a PostgreSQL" in capsys.readouterr().err


def test_a_folder_that_cannot_be_used_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    assert main(["migrate", "--data", str(tmp_path / "file")]) == 2
    assert "cannot be used" in capsys.readouterr().err
