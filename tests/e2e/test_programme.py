"""`unstrung programme` as an operator runs it, from an empty folder to a checked lottery."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from unstrung.cli import main
from unstrung.lottery import hash_of, seal_of, secret_hash_of, share_of
from unstrung.studio.embedded import EmbeddedPostgres

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A studio's folder, its database running so that no command has to start it."""
    folder = tmp_path_factory.mktemp("studio")
    postgres = EmbeddedPostgres(folder / "postgres")
    postgres.start()
    yield folder
    postgres.stop()


@pytest.fixture
def run(data: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs a command and returns exit code, output and errors."""
    for name in ("DATABASE_URL", "UNSTRUNG_DATABASE_URL"):
        monkeypatch.delenv(name, raising=False)

    def running(*arguments: str) -> tuple[int, str, str]:
        code = main(["programme", *arguments, "--data", str(data)])
        said = capsys.readouterr()
        return code, said.out, said.err

    return running


def test_an_operator_sets_up_a_programme_from_the_shell(run: Run, tmp_path: Path) -> None:
    code, out, _ = run("steward", "Ada", "--json")
    assert code == 0
    assert set(json.loads(out)["scopes"]) == {"read", "generate", "share", "admin"}
    code, out, _ = run("cohort", "Film", "--seats", "3", "--purpose", "Films of artists.", "--json")
    assert json.loads(out)["seats"] == 3
    criteria = tmp_path / "criteria.json"
    criteria.write_text(json.dumps({"text": "We look for films.", "clauses": {"own": "Own work."}}))
    assert "Version 1" in run("criteria", "Film", str(criteria))[1]
    code, out, _ = run("invite", "Film", "--role", "film-maker", "--uses", "2", "--json")
    assert json.loads(out)["code"].startswith("inv_")
    assert "0 of 3 seats taken, 0 promised, 3 free" in run("cohorts")[1]
    code, out, err = run("stage", "red-team")
    assert (code, "has no gates" in err) == (1, True)
    run("gate", "red-team", "The scope of testing is published.")
    (gate,) = json.loads(run("stage", "--json")[1])["gates"]
    assert run("gate-open", gate["id"], "--evidence", "https://example.org/scope")[0] == 0
    assert "The release is at red-team." in run("stage", "red-team")[1]
    code, _, err = run("stage", "internal")
    assert (code, "why the release goes back" in err) == (1, True)


def test_roles_are_given_and_taken_with_a_reason(run: Run) -> None:
    run("steward", "Bo")
    assert "Bo is juror now" in run("role", "Bo", "juror")[1]
    code, _, err = run("role", "Bo", "juror", "--withdraw")
    assert (code, "reason must say" in err) == (1, True)
    told = run("role", "Bo", "juror", "--withdraw", "--reason", "The jury's round has ended.")
    assert "is juror no more" in told[1]
    code, _, err = run("role", "Bo", "king")
    assert (code, "role must be one of artist, designer" in err) == (1, True)


def test_sessions_of_somebody_are_ended_with_a_reason(run: Run) -> None:
    run("steward", "Cy")
    code, _, err = run("end-sessions", "Cy", "--reason", "so")
    assert (code, "reason must say" in err) == (1, True)
    code, out, _ = run("end-sessions", "Cy", "--reason", "A telephone was stolen.", "--json")
    assert (code, json.loads(out)["ended"]) == (0, 0)
    code, _, err = run("end-sessions", "Nobody", "--reason", "A telephone was stolen.")
    assert (code, "There is no person" in err) == (1, True)


def test_a_lottery_is_checked_from_a_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "lottery.json"
    told: dict[str, Any] = {"drawn_at": None}
    file.write_text(json.dumps(told))
    assert main(["programme", "lottery-check", str(file)]) == 1
    assert "not drawn yet" in capsys.readouterr().out
    from test_lottery import lottery  # the maker of honest lotteries, beside its own tests

    told = lottery(bytes(32), ["ticket_b"], 1, sealed={"ticket_a": "a phrase of mine"})
    assert told["secret_hash"] == secret_hash_of(bytes(32))
    file.write_text(json.dumps(told))
    assert main(["programme", "lottery-check", str(file), "--ticket", told["order"][1]]) == 0
    out = capsys.readouterr().out
    assert "The draw is right" in out
    assert "your place  2" in out
    assert "did not know the outcome" in out
    own = ["programme", "lottery-check", str(file), "--ticket", "ticket_a", "--phrase"]
    assert main([*own, "a phrase of mine"]) == 0
    assert main([*own, "another phrase"]) == 1
    assert "another phrase of ticket_a" in capsys.readouterr().out
    told["tickets_hash"] = hash_of(["ticket_x"])
    file.write_text(json.dumps(told))
    assert main(["programme", "lottery-check", str(file), "--json"]) == 1
    assert not json.loads(capsys.readouterr().out)["right"]
    file.write_text("[]")
    assert main(["programme", "lottery-check", str(file)]) == 1
    assert "must hold a JSON object" in capsys.readouterr().err
    assert main(["programme", "lottery-check", str(tmp_path / "none.json")]) == 1


def test_a_phrase_is_sealed_offline(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["programme", "lottery-seal", "--json"]) == 0
    made = json.loads(capsys.readouterr().out)
    assert len(made["phrase"]) >= 16
    assert made["seal"] == seal_of(share_of(made["phrase"]))
    assert main(["programme", "lottery-seal", "the sea is never the same"]) == 0
    assert seal_of(share_of("the sea is never the same")) in capsys.readouterr().out


def test_one_item_is_asked_to_be_kept_confidential_and_ended(run: Run) -> None:
    run("cohort", "Desk", "--seats", "3", "--purpose", "Films of artists.")
    words = ["--covers", "That there is a next model.", "--why", "Its licence is not settled."]
    code, out, _ = run("confidence", "ask", "Next", "--cohort", "Desk", *words, "--days", "30")
    assert (code, "Working conditions and pay." in out) == (0, True)
    code, _, err = run("confidence", "ask", "Next", "--cohort", "Desk", *words, "--days", "181")
    assert (code, "within 180 days" in err) == (1, True)
    (item,) = json.loads(run("confidence", "list", "--json")[1])["confidences"]
    assert (item["state"], item["accepted"]) == ("in force", 0)
    ended = run("confidence", "end", item["id"], "--reason", "The model is announced.")
    assert "confidential no more" in ended[1]
