"""Items to keep confidential: asked for one by one, answered freely, over by the clock, never silencing."""

import io
import json
import re
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text, update
from sqlalchemy.exc import IntegrityError

from studio.sharing import Stage, opened
from studio.stewarding import publish_all
from unstrung.studio.admission import service as admission
from unstrung.studio.admission.models import ProgrammeRole
from unstrung.studio.confidences import service as confidences
from unstrung.studio.confidences.models import Confidence
from unstrung.studio.log.models import EntryKind
from unstrung.studio.making import Workshop
from unstrung.studio.pauses import service as pauses
from unstrung.studio.statements import service as statements
from unstrung.studio.statements.models import SubjectKind
from unstrung.transparency.receipts import parse_receipt

STUDIO = Path(__file__).parents[2] / "src" / "unstrung" / "studio"
NEVER = {"criticism", "work", "law", "safety", "own-works"}
ITEM = {
    "kind": "model-version",
    "title": "The next model",
    "covers": "That there is a next model, what it can do, and when it comes.",
    "why": "Its licence is not settled before that day.",
    "content": "It is called mini-2, see the desk.",
}


@pytest.fixture
def stage(workshop: Workshop) -> Iterator[Stage]:
    """An owner with a seat, somebody without one, and two stewards."""
    with opened(workshop) as found:
        found.add("steward", ProgrammeRole.STEWARD)
        found.add("second", ProgrammeRole.STEWARD)
        with found.database.transaction() as session:
            found.ids["cohort"] = admission.create_cohort(session, "Film", 9, "Films.").id
            admission.seat(session, found.ids["owner"], found.ids["cohort"])
        yield found


def moment(days: float) -> str:
    return (datetime.now(UTC) + timedelta(days=days)).isoformat()


def asked(stage: Stage, days: float = 30, status: int = 200, **other: Any) -> Any:
    body = {**ITEM, "ends_at": moment(days), "cohort_ids": [stage.ids["cohort"]], **other}
    return stage.post("steward", "/confidences", body, status)


def shifted(stage: Stage, item_id: str, days: float) -> None:
    """Let an item have begun, and end, so many days earlier."""
    gone = timedelta(days=days)
    with stage.database.transaction() as session:
        session.execute(
            update(Confidence)
            .where(Confidence.id == item_id)
            .values(begins_at=Confidence.begins_at - gone, ends_at=Confidence.ends_at - gone)
        )


def breach(stage: Stage, item_id: str | None, **other: Any) -> dict[str, Any]:
    return {
        "level": "person", "target_id": stage.ids["owner"], "ground": "breach-of-confidence",
        "reason": "The name of the next model was published.",
        "resume_plan": "We talk about it on Monday.", "expires_at": moment(3),
        "confidence_id": item_id, **other,
    }  # fmt: skip


def test_an_item_binds_only_those_who_accept_it_and_is_shown_only_to_them(stage: Stage) -> None:
    item_id = asked(stage)["id"]
    path = f"/confidences/{item_id}"
    before = stage.get("owner", path)
    assert (before["your_answer"], before["binds_you"], before["content"]) == (None, False, None)
    assert before["covers"] == ITEM["covers"]
    assert set(before["never_covered"]) == NEVER
    accepted = stage.post("owner", f"{path}/accept")
    assert (accepted["binds_you"], accepted["content"]) == (True, ITEM["content"])
    # To say it again changes nothing.
    assert stage.post("owner", f"{path}/accept")["receipt_id"] == accepted["receipt_id"]
    assert stage.post("owner", f"{path}/decline", status=409)["code"] == "confidence_accepted"
    assert [each["id"] for each in stage.get("owner", "/confidences")["data"]] == [item_id]
    # Whoever is not asked is told nothing, not even that it is there.
    assert stage.get("other", "/confidences")["data"] == []
    for call in ("", "/accept", "/decline"):
        answer = stage.ask("other", "POST" if call else "GET", f"{path}{call}")
        assert answer.json()["error"]["code"] == "confidence_not_found"
    (told,) = stage.get("steward", "/confidences/asked")["data"]
    assert (told["num_accepted"], told["state"]) == (1, "in force")


def test_a_no_costs_nothing_but_the_sight_of_the_item_and_is_told_to_nobody(stage: Stage) -> None:
    item_id = asked(stage)["id"]
    declined = stage.post("owner", f"/confidences/{item_id}/decline")
    assert (declined["your_answer"], declined["content"]) == ("declined", None)
    assert stage.get("owner", "/seat")["cohort_id"] == stage.ids["cohort"]
    told = json.dumps(stage.get("steward", "/confidences/asked"))
    assert stage.ids["owner"] not in told
    assert "declined" not in told
    # A no is not final.
    accepted = stage.post("owner", f"/confidences/{item_id}/accept")
    assert (accepted["your_answer"], accepted["content"]) == ("accepted", ITEM["content"])
    assert stage.count("confidence_answers") == 2


def test_no_rule_reads_an_answer_but_those_of_confidences() -> None:
    readers = {
        path.relative_to(STUDIO).parts[0]
        for path in STUDIO.rglob("*.py")
        if re.search(r"ConfidenceAnswer|confidence_answers|Answer\.DECLINED", path.read_text())
    }
    assert readers == {"confidences", "tables.py", "migrations"}
    rules = (STUDIO / "confidences" / "service.py").read_text()
    # Once: to name the entry of the log.
    assert (
        rules.count("DECLINED") == rules.count("Answer.DECLINED: EntryKind.CONFIDENCE_DECLINED") * 2
    )


@pytest.mark.parametrize(
    ("changed", "param"),
    [
        ({"ends_at": moment(181)}, "ends_at"),
        ({"ends_at": moment(-1)}, "ends_at"),
        ({"begins_at": moment(-1)}, "begins_at"),
        ({"begins_at": moment(10), "ends_at": moment(191)}, "ends_at"),
        ({"why": "Because."}, "why"),
        ({"cohort_ids": []}, "cohort_ids"),
        ({"cohort_ids": ["nothing"]}, "cohort_id"),
        ({"renews": "nothing"}, "confidence_id"),
        ({"carve_outs": {}}, "carve_outs"),
        ({"kind": "opinion"}, "kind"),
    ],
)
def test_what_is_asked_has_an_end_a_reason_and_all_exceptions(
    stage: Stage, changed: dict[str, Any], param: str
) -> None:
    status = 404 if param in ("cohort_id", "confidence_id") else 400
    error = asked(stage, status=status, **changed)
    assert error["param"].startswith(param)
    assert stage.count("confidences") == 0


def test_an_end_cannot_be_left_out(stage: Stage) -> None:
    body = {**ITEM, "cohort_ids": [stage.ids["cohort"]]}
    error = stage.post("steward", "/confidences", body, 400)
    assert (error["code"], error["param"]) == ("missing_required_parameter", "ends_at")
    assert stage.post("owner", "/confidences", {**body, "ends_at": moment(1)}, 403)


@pytest.mark.parametrize(
    "change",
    ["carve_outs = carve_outs - 'law'", "ends_at = begins_at + interval '181 days'"],
)
def test_not_even_the_database_takes_an_item_without_exceptions_or_end(
    stage: Stage, change: str
) -> None:
    asked(stage)
    with pytest.raises(IntegrityError), stage.database.transaction() as session:
        session.execute(text(f"UPDATE confidences SET {change}"))


def test_an_item_lapses_by_the_clock_and_then_everybody_may_see_it(stage: Stage) -> None:
    item_id = asked(stage, 30)["id"]
    stage.post("owner", f"/confidences/{item_id}/accept")
    shifted(stage, item_id, 31)
    # It is over at once, whether or not a worker has noted it.
    told = stage.get("owner", f"/confidences/{item_id}")
    assert (told["state"], told["binds_you"]) == ("ended", False)
    with stage.database.transaction() as session:
        assert confidences.lapse(session) == [item_id]
        assert confidences.lapse(session) == []
    told = stage.get("owner", f"/confidences/{item_id}")
    assert told["end_reason"] == "It lapsed by the clock."
    assert stage.count("log_entries", f"kind = '{EntryKind.CONFIDENCE_LAPSED}'") == 1
    stage.add("late")
    with stage.database.transaction() as session:
        admission.seat(session, stage.ids["late"], stage.ids["cohort"])
    assert stage.get("late", f"/confidences/{item_id}")["content"] == ITEM["content"]
    refused = stage.post("late", f"/confidences/{item_id}/accept", status=409)
    assert refused["code"] == "confidence_ended"


def test_a_renewal_is_a_new_item_that_can_be_declined(stage: Stage) -> None:
    first = asked(stage, 30)["id"]
    stage.post("owner", f"/confidences/{first}/accept")
    second = asked(stage, 60, renews=first)
    assert second["renews"] == first
    told = stage.get("owner", f"/confidences/{second['id']}")
    assert (told["your_answer"], told["binds_you"]) == (None, False)
    stage.post("owner", f"/confidences/{second['id']}/decline")
    shifted(stage, first, 31)
    assert not any(each["binds_you"] for each in stage.get("owner", "/confidences")["data"])


def test_a_steward_ends_an_item_early_with_a_reason(stage: Stage) -> None:
    item_id = asked(stage)["id"]
    path = f"/confidences/{item_id}/end"
    reason = {"reason": "The model is announced."}
    assert stage.post("owner", path, reason, 403)["code"] == "insufficient_scope"
    assert stage.post("steward", path, {"reason": "no"}, 400)["param"] == "reason"
    assert stage.post("steward", path, reason)["state"] == "ended"
    assert stage.post("steward", path, reason, 409)["code"] == "confidence_ended"
    told = stage.get("owner", f"/confidences/{item_id}")
    assert (told["content"], told["end_reason"]) == (ITEM["content"], reason["reason"])


def test_what_begins_later_is_neither_binding_nor_shown_before(stage: Stage) -> None:
    item_id = asked(stage, 30, begins_at=moment(1))["id"]
    told = stage.post("owner", f"/confidences/{item_id}/accept")
    assert (told["state"], told["binds_you"], told["content"]) == ("ahead", False, None)
    shifted(stage, item_id, 2)
    assert stage.get("owner", f"/confidences/{item_id}")["binds_you"]


def test_asking_answering_and_ending_are_in_the_log_with_receipts(stage: Stage) -> None:
    item_id = asked(stage)["id"]
    accepted = stage.post("owner", f"/confidences/{item_id}/accept")
    stage.post("steward", f"/confidences/{item_id}/end", {"reason": "The model is announced."})
    publish_all(stage.client.app, stage.database)  # type: ignore[arg-type]
    own = stage.ask("owner", "GET", f"/receipts/{accepted['receipt_id']}").text
    content = json.loads(parse_receipt(own).content or b"")
    assert (content["id"], set(content["carve_outs"])) == (item_id, NEVER)
    assert "content" not in content
    receipts = stage.get("owner", f"/confidences/{item_id}")["receipts"]
    types = [parse_receipt(receipts[act]).entry.type for act in ("asked", "ended")]
    assert types == ["confidence.asked", "confidence.ended"]


def test_a_breach_can_be_held_against_somebody_only_with_an_accepted_item_in_force(
    stage: Stage,
) -> None:
    item_id = asked(stage, 30)["id"]

    def refused(item: str | None, status: int, **other: Any) -> Any:
        return stage.post("steward", "/pauses", breach(stage, item, **other), status)

    assert refused(item_id, 409)["code"] == "confidence_not_binding"
    stage.post("owner", f"/confidences/{item_id}/decline")
    assert refused(item_id, 409)["code"] == "confidence_not_binding"
    stage.post("owner", f"/confidences/{item_id}/accept")
    assert refused(None, 400)["param"] == "confidence_id"
    assert refused("nothing", 409)["code"] == "confidence_not_binding"
    assert refused(item_id, 400, ground="harm-to-others")["param"] == "confidence_id"
    cohort = {"level": "cohort", "target_id": stage.ids["cohort"]}
    assert refused(item_id, 400, **cohort)["param"] == "confidence_id"
    shifted(stage, item_id, 28)
    assert refused(item_id, 400)["param"] == "expires_at"
    shifted(stage, item_id, 3)
    assert refused(item_id, 409)["code"] == "confidence_not_binding"
    shifted(stage, item_id, -31)
    paused = stage.post("steward", "/pauses", breach(stage, item_id))
    assert (paused["status"], paused["confidence_id"]) == ("in force", item_id)
    (told,) = stage.get("owner", "/statements")["data"]
    assert (told["clause"], told["confidence_id"]) == ("confidentiality", item_id)
    for words in confidences.CARVE_OUTS.values():
        assert words in told["incompatible_content_explanation"]
    # The public export says what is never covered, and neither the item's name nor what it is.
    public = stage.ask("nobody", "GET", "/statements/export").text
    assert "Working conditions and pay." in public
    assert ITEM["title"] not in public
    assert item_id in told["incompatible_content_explanation"]


def test_no_statement_at_all_cites_confidentiality_without_an_item(stage: Stage) -> None:
    reasons = statements.Reasons(
        clause="confidentiality", facts="Something was told.", explanation="It was secret.",
        category="STATEMENT_CATEGORY_OTHER_VIOLATION_TC",
    )  # fmt: skip
    with (
        stage.database.transaction() as session,
        pytest.raises(Exception, match="single items only"),
    ):
        statements.issue(session, stage.ids["owner"], (SubjectKind.PROMPT, None), reasons)


def test_a_second_steward_cannot_agree_once_the_item_is_over(stage: Stage) -> None:
    item_id = asked(stage, 30)["id"]
    stage.post("owner", f"/confidences/{item_id}/accept")
    with stage.database.transaction() as session:
        pauses.protect(session, stage.ids["owner"], "complaint")
    proposed = stage.post("steward", "/pauses", breach(stage, item_id))
    assert proposed["status"] == "proposed"
    stage.post("steward", f"/confidences/{item_id}/end", {"reason": "The model is announced."})
    refused = stage.post("second", f"/pauses/{proposed['id']}/second", status=409)
    assert refused["code"] == "confidence_not_binding"


def test_an_export_holds_what_was_asked_and_erasure_takes_the_answer(stage: Stage) -> None:
    seen, unseen = asked(stage)["id"], asked(stage, title="Another")["id"]
    stage.post("owner", f"/confidences/{seen}/accept")
    stage.post("owner", f"/confidences/{unseen}/decline")
    archive = zipfile.ZipFile(io.BytesIO(stage.ask("owner", "GET", "/export").content))
    items = {each["id"]: each for each in json.loads(archive.read("confidences.json"))}
    assert items[seen]["content"] == ITEM["content"]
    assert items[unseen]["content"] is None
    assert set(items[seen]["carve_outs"]) == NEVER
    said = json.loads(archive.read("confidence_answers.json"))
    assert {each["answer"] for each in said} == {"accepted", "declined"}
    erased = stage.ask("owner", "DELETE", "/me", {"confirm": stage.ids["owner"]})
    assert erased.json()["deleted"]["confidence_answers"] == 2
    assert stage.count("confidences") == 2
