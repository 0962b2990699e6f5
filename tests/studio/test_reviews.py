import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from studio.sharing import REFUSAL, Stage, opened
from unstrung.studio.admission.models import ProgrammeRole
from unstrung.studio.database import now
from unstrung.studio.making import Workshop
from unstrung.studio.pauses import service as pauses


@pytest.fixture
def stage(workshop: Workshop) -> Iterator[Stage]:
    with opened(workshop) as found:
        found.add("reviewer", ProgrammeRole.REVIEWER)
        found.add("second", ProgrammeRole.REVIEWER)
        yield found


@pytest.fixture
def waiting(stage: Stage) -> str:
    """A share of the owner's that waits."""
    return str(stage.share("owner", "faces of hate")["id"])


def _protect(stage: Stage, who: str) -> None:
    with stage.database.transaction() as session:
        pauses.protect(session, stage.ids[who], "letter")


def test_the_queue_is_told_oldest_due_first_and_page_by_page(stage: Stage) -> None:
    ids = [stage.share("owner", "faces of hate")["id"] for _ in range(3)]
    stage.share("owner", "a fox")
    first = stage.get("reviewer", "/reviews?limit=2")
    assert ([each["id"] for each in first["data"]], first["has_more"]) == (ids[:2], True)
    rest = stage.get("reviewer", f"/reviews?after={first['last_id']}")
    assert ([each["id"] for each in rest["data"]], rest["has_more"]) == (ids[2:], False)


def test_whoever_claims_has_half_an_hour_alone(stage: Stage, waiting: str) -> None:
    stage.post("reviewer", f"/reviews/{waiting}/claim")
    path = f"/reviews/{waiting}"
    assert stage.post("second", f"{path}/claim", status=409)["code"] == "review_claimed"
    assert stage.post("second", f"{path}/approve", status=409)["code"] == "not_claimed"
    assert stage.get("second", "/reviews")["data"][0]["claim"] == "another"
    stage.run_out("shares", waiting, "claimed_until")
    assert stage.post("reviewer", f"{path}/approve", status=409)["code"] == "not_claimed"
    assert stage.post("second", f"{path}/claim")["claim"] == "yours"
    assert stage.ask("second", "DELETE", f"{path}/claim").status_code == 200
    assert stage.get("reviewer", "/reviews")["data"][0]["claim"] == "none"


def test_nobody_reviews_a_clip_of_their_own(stage: Stage) -> None:
    mine = stage.share("reviewer", "faces of hate")["id"]
    assert stage.get("reviewer", "/reviews")["data"] == []
    assert stage.post("reviewer", f"/reviews/{mine}/claim", status=403)["code"] == "own_share"


def test_a_reviewer_sees_prompt_and_clip_and_no_name(stage: Stage, waiting: str) -> None:
    seen = stage.post("reviewer", f"/reviews/{waiting}/claim")
    assert seen["prompt"] == "faces of hate"
    assert stage.client.get(seen["links"]["video"]).content[4:8] == b"ftyp"
    for told in (
        seen,
        stage.get("reviewer", "/reviews"),
        stage.get("reviewer", f"/reviews/{waiting}"),
    ):
        assert stage.ids["owner"] not in json.dumps(told)
        assert "Called owner" not in json.dumps(told)
    # The link is the reviewer's, and as good as the claim.
    stage.ask("reviewer", "DELETE", f"/reviews/{waiting}/claim")
    assert stage.client.get(seen["links"]["video"]).status_code == 409


def test_an_approved_clip_is_shared(stage: Stage, waiting: str) -> None:
    stage.post("reviewer", f"/reviews/{waiting}/claim")
    assert stage.post("reviewer", f"/reviews/{waiting}/approve")["state"] == "effective"
    assert stage.get("owner", f"/shares/{waiting}")["release"] == "approved"
    assert stage.ask("nobody", "GET", f"/shared/{waiting}").status_code == 200


def test_a_refusal_tells_its_owner_everything_but_who_decided(stage: Stage, waiting: str) -> None:
    decision = stage.refused("reviewer", waiting, starts_s=1.0, ends_s=2.5)
    told = stage.get("owner", f"/statements/{decision['statement_id']}")
    assert told["decision_facts"] == REFUSAL["facts"]
    assert told["suggested_change"] == REFUSAL["suggested_change"]
    assert told["time_range"] == {"starts_s": 1.0, "ends_s": 2.5}
    assert (told["automated_detection"], told["clause"]) == ("Yes", "sharing")
    assert told["automated_decision"] == "AUTOMATED_DECISION_NOT_AUTOMATED"
    assert stage.ids["reviewer"] not in json.dumps(told)
    shared = stage.get("owner", f"/shares/{waiting}")
    assert (shared["status"], shared["statement_id"]) == ("refused", told["id"])
    again = {"video_id": shared["video_id"], "audience": "link"}
    assert stage.post("owner", "/shares", again, 409)["code"] == "share_refused"
    stage.post("owner", f"/shares/{waiting}/withdraw")
    assert stage.post("owner", "/shares", again, 409)["code"] == "share_refused"


@pytest.mark.parametrize(
    ("changed", "param"),
    [
        ({"facts": None}, "facts"),
        ({"suggested_change": "           "}, "suggested_change"),
        ({"category": "criticises the operator"}, "category"),
        ({"category": "nude"}, "category"),
        ({"clause": "criticism"}, "clause"),
        ({"clause": "never-shared"}, "clause"),
        ({"starts_s": 1.0}, "ends_s"),
        ({"starts_s": 1.0, "ends_s": 60.0}, "ends_s"),
    ],
)
def test_a_refusal_without_complete_reasons_is_none(
    stage: Stage, waiting: str, changed: dict[str, Any], param: str
) -> None:
    stage.post("reviewer", f"/reviews/{waiting}/claim")
    body = {**REFUSAL, **changed}
    assert stage.post("reviewer", f"/reviews/{waiting}/refuse", body, 400)["param"] == param
    assert stage.get("owner", f"/shares/{waiting}")["status"] == "waiting"


def test_after_a_letter_a_refusal_takes_two_reviewers(stage: Stage, waiting: str) -> None:
    _protect(stage, "owner")
    decision = stage.refused("reviewer", waiting)
    assert decision["state"] == "waits_for_second_opinion"
    assert stage.get("owner", f"/shares/{waiting}")["status"] == "waiting"
    path = f"/reviews/{waiting}"
    assert stage.post("reviewer", f"{path}/claim", status=403)["code"] == "second_opinion"
    seen = stage.post("second", f"{path}/claim")
    assert (seen["wants"], seen["proposal"]["facts"]) == ("second_opinion", REFUSAL["facts"])
    assert "letter" not in json.dumps(seen)
    assert stage.post("second", f"{path}/approve", status=409)["code"] == "second_opinion_wanted"
    assert stage.post("second", f"{path}/second", {"agrees": True})["state"] == "effective"
    assert stage.get("owner", f"/shares/{waiting}")["status"] == "refused"


def test_a_second_reviewer_who_disagrees_may_decide_otherwise(stage: Stage, waiting: str) -> None:
    _protect(stage, "owner")
    stage.refused("reviewer", waiting)
    stage.post("second", f"/reviews/{waiting}/claim")
    told = stage.post("second", f"/reviews/{waiting}/second", {"agrees": False})
    assert told["state"] == "dropped"
    stage.post("second", f"/reviews/{waiting}/approve")
    assert stage.get("owner", f"/shares/{waiting}")["status"] == "shared"
    assert stage.count("statements") == 0


def test_a_refusal_without_its_second_reviewer_does_not_stop_the_clock(
    stage: Stage, waiting: str
) -> None:
    _protect(stage, "owner")
    stage.refused("reviewer", waiting)
    stage.run_out("shares", waiting)
    assert stage.ask("nobody", "GET", f"/shared/{waiting}").status_code == 200
    assert stage.post("second", f"/reviews/{waiting}/claim", status=409)["code"] == "review_over"


def test_what_a_reviewer_finds_unlawful_waits_for_the_second_however_long(
    stage: Stage, waiting: str
) -> None:
    _protect(stage, "owner")
    stage.refused("reviewer", waiting, clause="never-shared", category="crime")
    stage.run_out("shares", waiting)
    assert stage.ask("nobody", "GET", f"/shared/{waiting}").status_code == 404
    stage.post("second", f"/reviews/{waiting}/claim")
    stage.post("second", f"/reviews/{waiting}/second", {"agrees": False})
    assert stage.ask("nobody", "GET", f"/shared/{waiting}").status_code == 200


def test_a_decision_after_the_clock_comes_too_late(stage: Stage, waiting: str) -> None:
    stage.post("reviewer", f"/reviews/{waiting}/claim")
    stage.run_out("shares", waiting)
    refused = stage.post("reviewer", f"/reviews/{waiting}/refuse", REFUSAL, 409)
    assert refused["code"] == "review_over"
    assert stage.get("reviewer", "/reviews")["data"] == []


def test_a_revision_is_seen_beside_what_it_revises(stage: Stage, waiting: str) -> None:
    asked = {"video_id": stage.clip("owner", "hate, told otherwise"), "audience": "public"}
    early = stage.post("owner", "/shares", {**asked, "revises": waiting}, 409)
    assert early["code"] == "not_refused"
    stage.refused("reviewer", waiting, starts_s=1.0, ends_s=2.0)
    assert stage.post("other", "/shares", {**asked, "revises": waiting}, 404)
    revision = stage.post("owner", "/shares", {**asked, "revises": waiting, "note": "See 1 s."})
    seen = stage.post("second", f"/reviews/{revision['id']}/claim")
    assert (seen["note"], seen["previous"]["prompt"]) == ("See 1 s.", "faces of hate")
    assert (seen["previous"]["starts_s"], seen["previous"]["ends_s"]) == (1.0, 2.0)
    for links in (seen["links"], seen["previous"]["links"]):
        assert stage.client.get(links["video"]).content[4:8] == b"ftyp"


def test_figures_are_public_and_count_what_happened(stage: Stage) -> None:
    empty = stage.get("nobody", "/figures/reviews")
    assert (empty["decisions"], empty["refusal_rate"], empty["median_review_s"]) == (0, None, None)
    ids = [stage.share("owner", "faces of hate")["id"] for _ in range(3)]
    stage.post("reviewer", f"/reviews/{ids[0]}/claim")
    stage.post("reviewer", f"/reviews/{ids[0]}/approve")
    stage.refused("reviewer", ids[1])
    stage.refused("second", ids[2])
    stage.share("owner", "faces of hate")
    found = stage.get("nobody", "/figures/reviews")
    assert (found["decisions"], found["refusals"], found["waiting"]) == (3, 2, 1)
    assert found["refusal_rate"] == pytest.approx(2 / 3, abs=1e-3)
    assert 0 < found["median_review_s"] <= found["p95_review_s"]
    assert (found["appealed_refusals"], found["precision"]) == (0, None)


def test_a_reviewer_whose_key_is_stopped_decides_nothing(stage: Stage, waiting: str) -> None:
    stage.add("steward", ProgrammeRole.STEWARD)
    order = {
        "level": "person", "target_id": stage.ids["reviewer"], "ground": "leaked-key",
        "reason": "The key was seen in a public place.", "resume_plan": "Make a new key.",
        "expires_at": (now() + timedelta(days=2)).isoformat(),
    }  # fmt: skip
    stage.post("steward", "/pauses", order)
    path = f"/reviews/{waiting}/claim"
    assert stage.post("reviewer", path, status=403)["code"] == "access_paused"
