import json
from collections.abc import Iterator
from datetime import timedelta

import pytest

from studio.sharing import APPEAL, Stage, opened
from unstrung.studio.admission.models import ProgrammeRole
from unstrung.studio.appeals import service as appeals
from unstrung.studio.database import now
from unstrung.studio.making import Workshop

UPHOLD = {"outcome": "upheld", "reasons": "The scene calls for violence."}
OVERTURN = {"outcome": "overturned", "reasons": "The scene tells of violence."}
JURORS = ("juror-1", "juror-2", "juror-3", "juror-4")


@pytest.fixture
def stage(workshop: Workshop) -> Iterator[Stage]:
    with opened(workshop) as found:
        found.add("reviewer", ProgrammeRole.REVIEWER)
        found.add("hearer", ProgrammeRole.REVIEWER)
        found.add("steward", ProgrammeRole.STEWARD)
        yield found


@pytest.fixture
def refused(stage: Stage) -> str:
    """A share of the owner's that the reviewer refused."""
    share_id = str(stage.share("owner", "faces of hate")["id"])
    stage.refused("reviewer", share_id)
    return share_id


def _heard(stage: Stage, who: str, appeal_id: str, decision: dict[str, str]) -> None:
    stage.post(who, f"/hearings/{appeal_id}/take")
    stage.post(who, f"/hearings/{appeal_id}/decision", decision)


def _drawn(stage: Stage, appeal_id: str) -> list[str]:
    """Who was drawn for a panel."""
    found = []
    for who in JURORS:
        hearings = stage.get(who, "/hearings")["data"]
        if any(each["id"] == appeal_id and each["your_part"] == "juror" for each in hearings):
            found.append(who)
    return found


def _second_appeal(stage: Stage, share_id: str) -> str:
    """An appeal to the panel, the first being lost."""
    _heard(stage, "hearer", stage.appealed("owner", share_id), UPHOLD)
    return stage.appealed("owner", share_id)


def test_a_reviewer_never_hears_the_appeal_against_their_own_decision(
    stage: Stage, refused: str
) -> None:
    appeal_id = stage.appealed("owner", refused)
    assert stage.get("reviewer", "/hearings")["data"] == []
    path = f"/hearings/{appeal_id}"
    assert stage.post("reviewer", f"{path}/take", status=403)["code"] == "took_part"
    assert stage.post("reviewer", f"{path}/decision", UPHOLD, 409)["code"] == "not_taken"
    assert [each["id"] for each in stage.get("hearer", "/hearings")["data"]] == [appeal_id]


def test_nobody_hears_an_appeal_of_their_own(stage: Stage) -> None:
    share_id = stage.share("hearer", "faces of hate")["id"]
    stage.refused("reviewer", share_id)
    appeal_id = stage.appealed("hearer", share_id)
    assert stage.get("hearer", "/hearings")["data"] == []
    assert stage.post("hearer", f"/hearings/{appeal_id}/take", status=403)["code"] == "took_part"


def test_whoever_seconded_a_refusal_does_not_hear_its_appeal(stage: Stage) -> None:
    first = stage.share("owner", "faces of hate")["id"]
    stage.refused("reviewer", first)
    stage.appealed("owner", first)
    # From now on the owner is protected.
    share_id = stage.share("owner", "faces of hate")["id"]
    stage.refused("reviewer", share_id)
    stage.post("hearer", f"/reviews/{share_id}/claim")
    stage.post("hearer", f"/reviews/{share_id}/second", {"agrees": True})
    appeal_id = stage.appealed("owner", share_id)
    for who in ("reviewer", "hearer"):
        assert stage.post(who, f"/hearings/{appeal_id}/take", status=403)["code"] == "took_part"
    stage.post("steward", f"/hearings/{appeal_id}/take")


def test_a_won_appeal_releases_the_clip_and_marks_the_statement(stage: Stage, refused: str) -> None:
    appeal_id = stage.appealed("owner", refused)
    seen = stage.post("hearer", f"/hearings/{appeal_id}/take")
    assert (seen["prompt"], seen["text"]) == ("faces of hate", APPEAL["text"])
    assert stage.client.get(seen["links"]["video"]).content[4:8] == b"ftyp"
    assert stage.ids["owner"] not in json.dumps(seen)
    assert stage.ids["reviewer"] not in json.dumps(seen)
    stage.post("hearer", f"/hearings/{appeal_id}/decision", OVERTURN)
    told = stage.get("owner", f"/appeals/{appeal_id}")
    assert (told["outcome"], told["reasons"]) == ("overturned", OVERTURN["reasons"])
    assert stage.ids["hearer"] not in json.dumps(told)
    shared = stage.get("owner", f"/shares/{refused}")
    assert (shared["status"], shared["release"]) == ("shared", "appeal")
    assert stage.get("owner", f"/statements/{shared['statement_id']}")["reversed_at"] is not None
    assert stage.ask("nobody", "GET", f"/shared/{refused}").status_code == 200
    # What the hearer could watch is not the hearer's to keep.
    assert stage.client.get(seen["links"]["video"]).status_code == 404
    found = stage.get("nobody", "/figures/reviews")
    assert (found["appealed_refusals"], found["precision"], found["overturn_rate"]) == (1, 0, 1)


def test_what_its_owner_withdrew_is_not_published_by_a_won_appeal(
    stage: Stage, refused: str
) -> None:
    appeal_id = stage.appealed("owner", refused)
    stage.post("owner", f"/shares/{refused}/withdraw")
    _heard(stage, "hearer", appeal_id, OVERTURN)
    assert stage.ask("nobody", "GET", f"/shared/{refused}").status_code == 404
    asked = {"video_id": stage.get("owner", f"/shares/{refused}")["video_id"], "audience": "public"}
    assert stage.post("owner", "/shares", asked)["status"] == "waiting"


def test_an_appeal_is_lodged_once_for_each_stage(stage: Stage, refused: str) -> None:
    for who in JURORS:
        stage.add(who, ProgrammeRole.JUROR)
    appeal_id = stage.appealed("owner", refused)
    statement_id = stage.get("owner", f"/appeals/{appeal_id}")["statement_id"]
    asked = {"statement_id": statement_id, **APPEAL}
    assert stage.post("owner", "/appeals", asked, 409)["code"] == "appeal_open"
    assert stage.post("other", "/appeals", asked, 404)["code"] == "statement_not_found"
    _heard(stage, "hearer", appeal_id, UPHOLD)
    second = stage.post("owner", "/appeals", asked)
    assert second["stage"] == "panel"
    for who in _drawn(stage, second["id"])[:2]:
        stage.post(who, f"/hearings/{second['id']}/vote", UPHOLD)
    assert stage.get("owner", f"/appeals/{second['id']}")["outcome"] == "upheld"
    assert stage.post("owner", "/appeals", asked, 409)["code"] == "appeals_exhausted"
    found = stage.get("nobody", "/figures/reviews")
    assert (found["appealed_refusals"], found["precision"]) == (1, 1)
    assert stage.count("protected_acts", "kind = 'appeal'") == 2


def test_a_panel_of_three_who_had_no_part_decides_by_majority(stage: Stage, refused: str) -> None:
    for who in JURORS:
        stage.add(who, ProgrammeRole.JUROR)
    # This juror has heard the first appeal, and is not drawn for the second.
    _heard(stage, "juror-1", stage.appealed("owner", refused), UPHOLD)
    appeal_id = stage.appealed("owner", refused)
    assert _drawn(stage, appeal_id) == ["juror-2", "juror-3", "juror-4"]
    path = f"/hearings/{appeal_id}"
    assert stage.post("hearer", f"{path}/take", status=409)["code"] == "panel_hears"
    for who in ("hearer", "juror-1"):
        assert stage.post(who, f"{path}/vote", UPHOLD, 404)["code"] == "appeal_not_found"
    assert stage.get("juror-2", path)["prompt"] == "faces of hate"
    stage.post("juror-2", f"{path}/vote", UPHOLD)
    assert stage.post("juror-2", f"{path}/vote", OVERTURN, 409)["code"] == "already_voted"
    assert stage.post("juror-3", f"{path}/vote", OVERTURN)["outcome"] is None
    assert stage.post("juror-4", f"{path}/vote", OVERTURN)["outcome"] == "overturned"
    assert stage.get("owner", f"/shares/{refused}")["status"] == "shared"


def test_a_panel_without_jurors_is_filled_when_there_are_some(stage: Stage, refused: str) -> None:
    appeal_id = _second_appeal(stage, refused)
    for who in JURORS:
        stage.add(who, ProgrammeRole.JUROR)
    with stage.database.transaction() as session:
        appeals.lapse(session)
    assert len(_drawn(stage, appeal_id)) == 3


def test_an_appeal_that_nobody_decides_is_won(stage: Stage, refused: str) -> None:
    appeal_id = stage.appealed("owner", refused)
    stage.run_out("appeals", appeal_id)
    told = stage.get("owner", f"/appeals/{appeal_id}")
    assert (told["outcome"], told["by_clock"]) == ("overturned", True)
    assert stage.get("owner", f"/shares/{refused}")["release"] == "appeal"


def test_the_worker_decides_overdue_appeals_too(stage: Stage, refused: str) -> None:
    appeal_id = stage.appealed("owner", refused)
    stage.run_out("appeals", appeal_id)
    with stage.database.transaction() as session:
        assert appeals.lapse(session) == [appeal_id]
        assert appeals.lapse(session) == []


def test_an_appeal_about_what_law_forbids_waits_for_a_decision(stage: Stage) -> None:
    share_id = stage.share("owner", "a crime")["id"]
    stage.refused("reviewer", share_id, clause="never-shared", category="crime")
    appeal_id = stage.appealed("owner", share_id)
    stage.run_out("appeals", appeal_id)
    assert stage.get("owner", f"/appeals/{appeal_id}")["outcome"] is None
    assert stage.ask("nobody", "GET", f"/shared/{share_id}").status_code == 404
    _heard(stage, "hearer", appeal_id, OVERTURN)
    assert stage.ask("nobody", "GET", f"/shared/{share_id}").status_code == 200


def test_a_milder_reason_does_not_put_what_law_forbids_on_a_clock(stage: Stage) -> None:
    share_id = stage.share("owner", "a crime")["id"]
    stage.refused("reviewer", share_id)
    appeal_id = stage.appealed("owner", share_id)
    stage.run_out("appeals", appeal_id)
    assert stage.get("owner", f"/appeals/{appeal_id}")["outcome"] is None


def test_a_refused_prompt_can_be_appealed_against(stage: Stage) -> None:
    asked = {"prompt": "how to commit a crime"}
    error = stage.ask("owner", "POST", "http://testserver/v1/videos", asked).json()["error"]
    appeal = {"statement_id": error["statement"]["id"], **APPEAL}
    appeal_id = stage.post("owner", "/appeals", appeal)["id"]
    seen = stage.post("hearer", f"/hearings/{appeal_id}/take")
    assert (seen["prompt"], seen["links"]) == (asked["prompt"], None)
    stage.post("hearer", f"/hearings/{appeal_id}/decision", OVERTURN)
    told = stage.get("owner", f"/statements/{error['statement']['id']}")
    assert told["reversed_at"] is not None
    assert stage.post("owner", "/appeals", appeal, 409)["code"] == "statement_reversed"


def test_whoever_is_paused_appeals_all_the_same_and_a_won_appeal_ends_the_pause(
    stage: Stage,
) -> None:
    stage.add("other-steward", ProgrammeRole.STEWARD)
    order = {
        "level": "person", "target_id": stage.ids["owner"], "ground": "shared-access",
        "reason": "The key was used in two places.", "resume_plan": "Make a new key and tell us.",
        "expires_at": (now() + timedelta(days=2)).isoformat(),
    }  # fmt: skip
    stage.post("steward", "/pauses", order)
    asked = {"video_id": stage.clip("owner"), "audience": "public"}
    assert stage.post("owner", "/shares", asked, 403)["code"] == "access_paused"
    (statement,) = stage.get("owner", "/statements")["data"]
    appeal_id = stage.post("owner", "/appeals", {"statement_id": statement["id"], **APPEAL})["id"]
    assert stage.post("steward", f"/hearings/{appeal_id}/take", status=403)["code"] == "took_part"
    _heard(stage, "other-steward", appeal_id, OVERTURN)
    assert stage.post("owner", "/shares", asked)["status"] == "shared"


def test_only_those_whom_a_pause_of_many_stops_appeal_against_it(stage: Stage) -> None:
    stage.add("other-steward", ProgrammeRole.STEWARD)
    order = {
        "level": "everybody", "ground": "security-incident", "reason": "Something leaks somewhere.",
        "resume_plan": "The leak is found and closed.",
        "expires_at": (now() + timedelta(hours=2)).isoformat(),
    }  # fmt: skip
    pause = stage.post("steward", "/pauses", order)
    stage.post("other-steward", f"/pauses/{pause['id']}/second")
    (statement,) = stage.get("owner", "/statements")["data"]
    asked = {"statement_id": statement["id"], **APPEAL}
    ids = [stage.post(who, "/appeals", asked)["id"] for who in ("owner", "other")]
    for who in ("steward", "other-steward"):
        assert stage.post(who, f"/hearings/{ids[0]}/take", status=403)["code"] == "took_part"
    _heard(stage, "hearer", ids[0], OVERTURN)
    # One won appeal ends the pause for everybody, and decides the others.
    assert stage.get("other", f"/appeals/{ids[1]}")["outcome"] == "overturned"
    assert stage.get("nobody", "/pauses")["data"][0]["ended_at"] is not None


@pytest.mark.parametrize(("text", "status"), [("x" * 9, 400), ("x" * 5_001, 400), (" " * 20, 400)])
def test_an_appeal_has_words(stage: Stage, refused: str, text: str, status: int) -> None:
    statement_id = stage.get("owner", f"/shares/{refused}")["statement_id"]
    asked = {"statement_id": statement_id, "text": text}
    assert stage.post("owner", "/appeals", asked, status)["param"] == "text"


def test_an_appeal_that_was_taken_and_left_is_anybody_elses_after_two_days(
    stage: Stage, refused: str
) -> None:
    appeal_id = stage.appealed("owner", refused)
    stage.post("hearer", f"/hearings/{appeal_id}/take")
    path = f"/hearings/{appeal_id}"
    assert stage.post("steward", f"{path}/take", status=409)["code"] == "appeal_taken"
    stage.run_out("appeals", appeal_id, "taken_until")
    assert stage.post("hearer", f"{path}/decision", UPHOLD, 409)["code"] == "not_taken"
    _heard(stage, "steward", appeal_id, OVERTURN)


def test_every_step_is_in_the_log(stage: Stage, refused: str) -> None:
    _heard(stage, "hearer", stage.appealed("owner", refused), OVERTURN)
    for kind, times in (
        ("share.made", 1), ("statement.issued", 1), ("review.decided", 1),
        ("appeal.lodged", 1), ("appeal.decided", 1), ("share.released", 1),
    ):  # fmt: skip
        assert stage.count("log_entries", f"kind = '{kind}'") == times, kind
