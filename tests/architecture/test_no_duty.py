"""The no-duty guarantee: nothing counts what people do, or fail to do, against their place in the programme.

What can be checked of "no activity floor": the columns that say how lately or how much somebody used the
studio are read nowhere but where this file says why, and the domains that decide on entry, seats, roles and
pauses look at no works or feedback but to stop what is being made. tests/studio/test_no_duty.py shows what
follows from it.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

STUDIO = Path(__file__).parents[2] / "src" / "unstrung" / "studio"
# Columns that say how lately, or how much, somebody used the studio.
ACTIVITY = {"last_used_at", "last_seen_at", "num_videos"}
READERS = {
    "access.service.recognise": "notes the last use, at most once a minute",
    "queue.service.take_turn": "deals out a person's videos over their places",
    "sessions.service.is_open": "ends an idle session of a browser; to sign in again is enough",
    "sessions.service.recognise": "notes the last use of a session",
}
# Domains that decide on entry, seats, roles and pauses, and rows that are somebody's works or words.
DECIDING = (
    "admission", "applications", "charters", "confidences", "invitations", "lotteries", "pauses",
    "roles", "stages", "waitlist",
)  # fmt: skip
WORKS = {"Appeal", "Character", "Consent", "Feedback", "Share", "Signal", "Video", "started_since"}
STOPPERS = {
    "pauses.service._begin": "gives what is being made back to the queue",
    "pauses.service.note_stop": "notes how long stopping took",
    "pauses.service.of_video": "says which videos wait for the end of a pause",
}


def functions(path: Path) -> Iterator[tuple[str, ast.AST]]:
    """Every outermost function or method of a module, by its name under `unstrung.studio`."""
    module = ".".join(path.relative_to(STUDIO).with_suffix("").parts)
    tree = ast.parse(path.read_text("utf-8"))
    for node in tree.body:
        inner = node.body if isinstance(node, ast.ClassDef) else [node]
        for each in inner:
            if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef):
                yield f"{module}.{each.name}", each
            else:
                yield f"{module}.<module>", each


def reads(node: ast.AST, names: set[str]) -> set[str]:
    """Which names a piece of code reads: as an attribute, or inside a text such as SQL."""
    found = set()
    for each in ast.walk(node):
        if isinstance(each, ast.Attribute) and isinstance(each.ctx, ast.Load):
            found |= {each.attr} & names
        elif isinstance(each, ast.Constant) and isinstance(each.value, str):
            found |= {name for name in names if f"{name} " in f"{each.value} "}
    return found


def modules() -> list[Path]:
    """Where rules may be: everything but tables, the wire and migrations."""
    skipped = {"models.py", "schemas.py"}
    return [
        path
        for path in sorted(STUDIO.rglob("*.py"))
        if path.name not in skipped and "migrations" not in path.parts
    ]


def test_what_says_how_active_somebody_is_is_read_only_where_it_decides_nothing() -> None:
    readers = {
        name for path in modules() for name, node in functions(path) if reads(node, ACTIVITY)
    }
    assert readers - set(READERS) == set(), "say in READERS why this is no floor of activity"
    assert set(READERS) - readers == set(), "a reason that is not needed any more"


def test_whoever_decides_on_seats_roles_and_pauses_looks_at_no_works() -> None:
    found = set()
    for domain in DECIDING:
        for path in sorted((STUDIO / domain).glob("*.py")):
            for name, node in functions(path):
                named = {each.id for each in ast.walk(node) if isinstance(each, ast.Name)}
                if (named | reads(node, WORKS)) & WORKS:
                    found.add(name)
    assert found - set(STOPPERS) == set(), "say in STOPPERS why this counts nobody's works"
    assert set(STOPPERS) - found == set(), "a reason that is not needed any more"


def test_the_search_finds_what_it_is_for() -> None:
    def found(code: str) -> set[str]:
        return reads(ast.parse(code), ACTIVITY)

    assert found("select(Seat).where(Key.last_used_at < moment)") == {"last_used_at"}
    assert found("text('DELETE FROM seats WHERE num_videos = 0')") == {"num_videos"}
    assert found("update(Key).values(last_used_at=moment)") == set()
