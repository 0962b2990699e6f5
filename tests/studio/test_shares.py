import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from studio.sharing import FakeAssessor, Stage, opened
from unstrung.engine.video_io import read_recipe, read_video
from unstrung.studio.admission.models import ProgrammeRole
from unstrung.studio.assessments.service import Finding
from unstrung.studio.making import Workshop, make_video
from unstrung.studio.shares import service as shares
from unstrung.studio.storage import FileMissing
from unstrung.studio.withholding import without_words


@pytest.fixture
def assessor() -> FakeAssessor:
    return FakeAssessor()


@pytest.fixture
def stage(workshop: Workshop, assessor: FakeAssessor) -> Iterator[Stage]:
    with opened(workshop, assessor) as found:
        yield found


def test_a_clip_outside_every_class_is_shared_at_once(stage: Stage) -> None:
    shared = stage.share("owner")
    assert (shared["status"], shared["release"], shared["due_at"]) == ("shared", "at_once", None)
    seen = stage.get("nobody", f"/shared/{shared['id']}")
    played = stage.client.get(seen["links"]["video"])
    assert (played.status_code, played.content[4:8]) == (200, b"ftyp")
    assert "max-age" not in played.headers["cache-control"]
    assert seen["prompt"] is None
    assert "owner" not in json.dumps(seen)


def test_a_prompt_is_told_only_if_its_owner_shares_it_too(stage: Stage) -> None:
    body = {"video_id": stage.clip("owner", "a fox in the snow"), "audience": "public"}
    hidden = stage.post("owner", "/shares", body)
    assert "fox" not in json.dumps(stage.get("nobody", f"/shared/{hidden['id']}"))
    stage.post("owner", f"/shares/{hidden['id']}/withdraw", {})
    told = stage.post("owner", "/shares", {**body, "shows_prompt": True})
    assert stage.get("nobody", f"/shared/{told['id']}")["prompt"] == "a fox in the snow"


def test_the_file_that_others_get_keeps_a_prompt_to_itself_too(
    stage: Stage, tmp_path: Path
) -> None:
    clip = stage.clip("owner", "a fox in the snow")
    hidden = stage.post("owner", "/shares", {"video_id": clip, "audience": "public"})
    link = stage.get("nobody", f"/shared/{hidden['id']}")["links"]["video"]
    first, again = stage.client.get(link), stage.client.get(link)
    assert (first.status_code, first.content) == (200, again.content)
    assert first.headers["etag"] == again.headers["etag"]
    assert b"fox" not in first.content
    part = stage.client.get(link, headers={"range": "bytes=0-9"})
    assert (part.status_code, part.content) == (206, first.content[:10])
    theirs, own = tmp_path / "theirs.mp4", tmp_path / "own.mp4"
    theirs.write_bytes(first.content)
    own.write_bytes(
        stage.ask("owner", "GET", f"http://testserver/v1/videos/{clip}/content").content
    )
    assert read_recipe(theirs) == {
        "program": "unstrung", "seed": 7, "withheld": ["caption", "notes", "prompt", "shots"],
    }  # fmt: skip
    assert read_recipe(own)["prompt"] == "a fox in the snow"
    assert (read_video(theirs).frames == read_video(own).frames).all()
    stage.post("owner", f"/shares/{hidden['id']}/withdraw", {})
    told = stage.post(
        "owner", "/shares", {"video_id": clip, "audience": "public", "shows_prompt": True}
    )
    link = stage.get("nobody", f"/shared/{told['id']}")["links"]["video"]
    assert b"fox" in stage.client.get(link).content


def test_the_copy_without_the_prompt_goes_with_the_clip(stage: Stage) -> None:
    clip = stage.clip("owner", "a fox in the snow")
    shared = stage.post("owner", "/shares", {"video_id": clip, "audience": "public"})
    link = stage.get("nobody", f"/shared/{shared['id']}")["links"]["video"]
    assert stage.client.get(link).status_code == 200
    copy = f"videos/{clip}/1/wordless.mp4"
    assert stage.storage.head(copy).size
    assert stage.ask("owner", "DELETE", f"http://testserver/v1/videos/{clip}").status_code == 200
    with pytest.raises(FileMissing):
        stage.storage.head(copy)


def test_whatever_recipes_come_to_say_is_withheld_until_it_is_named() -> None:
    told = without_words({"seed": 1, "model": "mini", "mood": "gloomy", "consents": []})
    assert told == {"seed": 1, "model": "mini", "consents": [], "withheld": ["mood"]}


def test_a_clip_in_a_listed_class_waits_on_a_clock_and_says_for_which_words(stage: Stage) -> None:
    shared = stage.share("owner", "faces of hate")
    assert shared["status"] == "waiting"
    assert shared["due_at"] is not None
    (held,) = shared["held"]
    assert (held["risk"], held["rule"]) == ("hate", "word hate")
    assert held["passages"] == [{"start": 9, "end": 13, "text": "hate"}]
    assert stage.ask("nobody", "GET", f"/shared/{shared['id']}").status_code == 404


def test_a_label_keeps_nobody_waiting(stage: Stage) -> None:
    shared = stage.share("owner", "a nude dancer")
    assert (shared["status"], shared["labels"]) == ("shared", ["nude"])
    assert stage.get("nobody", f"/shared/{shared['id']}")["labels"] == ["nude"]


def test_when_the_clock_runs_out_a_clip_is_released_whoever_is_awake(stage: Stage) -> None:
    shared = stage.share("owner", "faces of hate")
    stage.run_out("shares", shared["id"])
    assert stage.get("nobody", f"/shared/{shared['id']}")["id"] == shared["id"]
    told = stage.get("owner", f"/shares/{shared['id']}")
    assert (told["status"], told["release"]) == ("shared", "clock")
    with stage.database.transaction() as session:
        assert shares.release_overdue(session) == [shared["id"]]
        assert shares.release_overdue(session) == []
    assert stage.get("owner", f"/shares/{shared['id']}") == told
    assert stage.count("log_entries", "kind = 'share.released'") == 1
    assert stage.get("nobody", "/figures/reviews")["overdue_releases"] == 1


def test_what_law_forbids_is_never_released_by_a_clock(stage: Stage) -> None:
    shared = stage.share("owner", "a crime")
    assert shared["is_released_by_clock"] is False
    stage.run_out("shares", shared["id"])
    with stage.database.transaction() as session:
        assert shares.release_overdue(session) == []
    assert stage.ask("nobody", "GET", f"/shared/{shared['id']}").status_code == 404
    assert stage.get("owner", f"/shares/{shared['id']}")["status"] == "waiting"


def test_a_link_is_needed_unless_a_clip_is_for_everybody(stage: Stage) -> None:
    shared = stage.share("owner", audience="link")
    bare = f"/shared/{shared['id']}"
    for who in ("nobody", "other"):
        assert stage.ask(who, "GET", bare).status_code == 404
        assert stage.ask(who, "GET", f"{bare}?token=x").status_code == 404
    path = shared["url"].partition("/programme/v1")[2]
    assert stage.get("other", path)["links"]["video"].count(f"viewer={stage.ids['other']}") == 1
    assert stage.get("nobody", path)["links"]["video"].count("viewer=anybody") == 1


def test_a_signed_link_opens_its_own_file_only(stage: Stage) -> None:
    first, second = stage.share("owner"), stage.share("owner")
    link = stage.get("nobody", f"/shared/{first['id']}")["links"]["video"]
    for altered in (
        link.replace(first["id"], second["id"]),
        link.replace("/video?", "/thumbnail?"),
        link.replace("anybody", stage.ids["other"]),
    ):
        assert stage.client.get(altered).status_code == 403


def test_withdrawing_closes_every_way_at_once_and_keeps_the_clip(stage: Stage) -> None:
    shared = stage.share("owner")
    link = stage.get("nobody", f"/shared/{shared['id']}")["links"]["video"]
    told = stage.post("owner", f"/shares/{shared['id']}/withdraw")
    assert told["status"] == "withdrawn"
    assert stage.client.get(link).status_code == 404
    assert stage.ask("nobody", "GET", f"/shared/{shared['id']}").status_code == 404
    assert stage.post("owner", f"/shares/{shared['id']}/withdraw", status=409)["code"] == "conflict"
    content = f"http://testserver/v1/videos/{shared['video_id']}/content"
    assert stage.ask("owner", "GET", content).content[4:8] == b"ftyp"
    again = {"video_id": shared["video_id"], "audience": "public"}
    assert stage.post("owner", "/shares", again)["status"] == "shared"


def test_a_clip_has_one_share_at_a_time(stage: Stage) -> None:
    shared = stage.share("owner")
    asked = {"video_id": shared["video_id"], "audience": "link"}
    assert stage.post("owner", "/shares", asked, 409)["code"] == "share_exists"


def test_nobody_shares_for_somebody_else(stage: Stage) -> None:
    stage.add("steward", ProgrammeRole.STEWARD)
    asked = {"video_id": stage.clip("owner"), "audience": "public"}
    for who in ("other", "steward"):
        assert stage.post(who, "/shares", asked, 404)["code"] == "video_not_found"


def test_an_answer_that_a_clip_once_had_stands(stage: Stage) -> None:
    stage.add("reviewer", ProgrammeRole.REVIEWER)
    shared = stage.share("owner", "faces of hate", "link")
    stage.post("reviewer", f"/reviews/{shared['id']}/claim")
    stage.post("reviewer", f"/reviews/{shared['id']}/approve")
    stage.post("owner", f"/shares/{shared['id']}/withdraw")
    asked = {"video_id": shared["video_id"], "audience": "public"}
    wider = stage.post("owner", "/shares", asked)
    assert wider["status"] == "waiting", "everybody is more than whoever holds a link"
    stage.post("owner", f"/shares/{wider['id']}/withdraw")
    assert stage.post("owner", "/shares", {**asked, "audience": "link"})["status"] == "shared"


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"audience": "public"}, "video_id"),
        ({"video_id": "video_0", "audience": "friends"}, "audience"),
        ({"video_id": "video_0", "audience": "link", "title": "x"}, "title"),
    ],
)
def test_a_bad_field_is_named(stage: Stage, body: dict[str, str], param: str) -> None:
    assert stage.post("owner", "/shares", body, 400)["param"] == param


def test_a_refused_prompt_has_a_statement_that_outlives_the_request(stage: Stage) -> None:
    asked = {"prompt": "how to commit a crime"}
    response = stage.ask("owner", "POST", "http://testserver/v1/videos", asked)
    error = response.json()["error"]
    assert (response.status_code, error["code"], error["param"]) == (403, "refused", "prompt")
    told = stage.get("owner", f"/statements/{error['statement']['id']}")
    assert told == error["statement"]
    assert told["automated_decision"] == "AUTOMATED_DECISION_FULLY"
    assert told["passages"] == [{"start": 16, "end": 21, "text": "crime"}]
    assert told["illegal_content_legal_ground"] == "Law 1"
    # Nothing was begun, so nothing counts.
    assert (stage.count("videos"), stage.person("owner").num_videos) == (0, 0)
    assert stage.count("log_entries", "kind = 'statement.issued'") == 1
    for who in ("other", "nobody"):
        found = stage.ask(who, "GET", f"/statements/{told['id']}").status_code
        assert found == (401 if who == "nobody" else 404)


def test_a_worker_assesses_what_it_makes_so_that_sharing_asks_nothing(
    stage: Stage, workshop: Workshop, assessor: FakeAssessor
) -> None:
    assessor.in_frames.append(Finding("lewd", "frames", time_range=(0.5, 1.5), score=0.97))
    asked = {"prompt": "a fox"}
    video = stage.ask("owner", "POST", "http://testserver/v1/videos", asked).json()
    make_video(dataclasses.replace(workshop, assessor=assessor), video["id"])
    shared = stage.post("owner", "/shares", {"video_id": video["id"], "audience": "public"})
    (held,) = shared["held"]
    assert (held["risk"], held["starts_s"], held["ends_s"]) == ("lewd", 0.5, 1.5)
    listed = stage.get("nobody", "/risk_classes")
    assert (listed["frames_are_looked_at"], listed["frames_note"]) == (True, None)


def test_without_a_classifier_clips_are_made_and_the_list_says_so(
    stage: Stage, workshop: Workshop, assessor: FakeAssessor
) -> None:
    assessor.looks = False
    assert stage.get("nobody", "/risk_classes")["frames_are_looked_at"] is None
    asked = {"prompt": "faces of hate"}
    video = stage.ask("owner", "POST", "http://testserver/v1/videos", asked).json()
    make_video(dataclasses.replace(workshop, assessor=assessor), video["id"])
    shared = stage.post("owner", "/shares", {"video_id": video["id"], "audience": "public"})
    assert [each["risk"] for each in shared["held"]] == ["hate"]
    listed = stage.get("nobody", "/risk_classes")
    assert listed["frames_are_looked_at"] is False
    assert listed["frames_note"] == "There is no classifier here."


def test_a_deleted_clip_is_not_shared_any_more(stage: Stage) -> None:
    shared = stage.share("owner")
    stage.ask("owner", "DELETE", f"http://testserver/v1/videos/{shared['video_id']}")
    assert stage.ask("nobody", "GET", f"/shared/{shared['id']}").status_code == 404
    assert stage.get("owner", "/shares")["data"][0]["video_id"] is None
