"""Figures for pages: what a pause would stop, and a refusal that is read before it is sent."""

from collections.abc import Iterator

import pytest

from studio.sharing import FakeAssessor, Stage, opened
from unstrung.studio.access.models import Scope
from unstrung.studio.access.service import Caller
from unstrung.studio.admission.models import ProgrammeRole
from unstrung.studio.errors import Forbidden, NotFound
from unstrung.studio.figures import service as figures
from unstrung.studio.making import Workshop
from unstrung.studio.pauses.models import Level
from unstrung.studio.reviews import service as reviews
from unstrung.studio.reviews.models import ReviewDecision
from unstrung.studio.reviews.service import Refusal

TOLD = Refusal(
    "sharing", "A man shouts that a village must burn.", "hate", "Show who is shouted at."
)


@pytest.fixture
def stage(workshop: Workshop) -> Iterator[Stage]:
    with opened(workshop) as found:
        found.add("reviewer", ProgrammeRole.REVIEWER)
        found.add("warden", ProgrammeRole.STEWARD)
        yield found


def caller(stage: Stage, name: str) -> Caller:
    return Caller(stage.ids[name], "key_figures", False, frozenset(map(str, Scope)))


def test_a_pause_of_one_person_concerns_one_and_leaves_the_others(stage: Stage) -> None:
    with stage.database.transaction() as session:
        warden, owner = caller(stage, "warden"), stage.ids["owner"]
        one = figures.effects_of_pause(session, warden, Level.PERSON, owner)
        everybody = figures.effects_of_pause(session, warden, Level.EVERYBODY, None)
    assert (one.people, everybody.others) == (1, 0)
    assert one.people + one.others == everybody.people
    assert everybody.why_second, "a pause of everybody needs two stewards"


def test_effects_are_for_stewards_and_of_somebody_who_exists(stage: Stage) -> None:
    with stage.database.transaction() as session:
        with pytest.raises(Forbidden):
            figures.effects_of_pause(session, caller(stage, "owner"), Level.EVERYBODY, None)
        with pytest.raises(NotFound):
            figures.effects_of_pause(session, caller(stage, "warden"), Level.PERSON, "nobody")


def test_reading_a_refusal_decides_nothing(stage: Stage) -> None:
    share_id = str(stage.share("owner", "faces of hate")["id"])
    stage.post("reviewer", f"/reviews/{share_id}/claim")
    with stage.database.transaction() as session:
        read = reviews.previewed(session, FakeAssessor(), caller(stage, "reviewer"), share_id, TOLD)
        assert (read.facts, read.suggested_change) == (TOLD.facts, TOLD.suggested_change)
        assert session.query(ReviewDecision).count() == 0
        assert figures.review_time_of_nine_in_ten(session) is None
