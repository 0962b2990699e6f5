import json
from collections.abc import Iterator

import pytest

from studio.sharing import Stage, opened
from unstrung.studio.admission.models import ProgrammeRole
from unstrung.studio.making import Workshop
from unstrung.studio.statements import service as statements


@pytest.fixture
def stage(workshop: Workshop) -> Iterator[Stage]:
    with opened(workshop) as found:
        found.add("reviewer", ProgrammeRole.REVIEWER)
        yield found


def test_statements_are_listed_for_whom_they_concern_page_by_page(stage: Stage) -> None:
    for who in ("owner", "owner", "owner", "other"):
        stage.refused("reviewer", stage.share(who, "faces of hate")["id"])
    first = stage.get("owner", "/statements?limit=2")
    rest = stage.get("owner", f"/statements?limit=2&after={first['last_id']}")
    assert (len(first["data"]), first["has_more"]) == (2, True)
    assert (len(rest["data"]), rest["has_more"]) == (1, False)
    assert len({each["id"] for each in first["data"] + rest["data"]}) == 3
    assert len(stage.get("other", "/statements")["data"]) == 1


def test_the_export_is_public_and_names_nobody_and_no_prompt(stage: Stage) -> None:
    for _ in range(3):
        stage.refused("reviewer", stage.share("owner", "faces of hate")["id"])
    asked = {"prompt": "how to commit a crime"}
    stage.ask("owner", "POST", "http://testserver/v1/videos", asked)
    response = stage.ask("nobody", "GET", "/statements/export")
    assert response.headers["content-type"].startswith("application/x-ndjson")
    lines = [json.loads(line) for line in response.text.splitlines()]
    assert len(lines) == 4
    assert {"puid", "decision_facts", "category", "content_type"} <= set(lines[0])
    for secret in (
        stage.ids["owner"],
        stage.ids["reviewer"],
        "Called",
        "commit a crime",
        "faces of",
    ):
        assert secret not in response.text
    with stage.database.transaction() as session:
        first = statements.export_batch(session, limit=3)
        assert statements.export_batch(session, first[-1]["puid"]) == lines[3:]


def test_an_unknown_statement_is_not_found(stage: Stage) -> None:
    response = stage.ask("owner", "GET", "/statements/sor_0")
    assert (response.status_code, response.json()["error"]["code"]) == (404, "statement_not_found")
