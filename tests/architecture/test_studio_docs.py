"""What docs/api.md promises of the studio."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
STUDIO = ROOT / "src" / "unstrung" / "studio"
ERRORS = {
    "WireError", "ServiceFault", "RequestError", "InvalidField", "UnsupportedByModel",
    "Unauthenticated", "Forbidden", "NotFound", "Conflict", "BodyTooLarge", "TooMany",
}  # fmt: skip


def codes_in(path: Path) -> set[str]:
    """Codes of errors: attributes of their classes, and what their constructors are given."""
    found: list[ast.expr] = []
    for node in ast.walk(ast.parse(path.read_text())):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and node.func.id in ERRORS
        ):
            found += node.args[2:3]
            found += [each.value for each in node.keywords if each.arg == "code"]
        elif isinstance(node, ast.ClassDef):
            for each in node.body:
                is_code = isinstance(each, ast.Assign) and ast.unparse(each.targets[0]) == "code"
                if isinstance(each, ast.Assign) and is_code:
                    found.append(each.value)
    return {each.value for each in found if isinstance(each, ast.Constant) and each.value}


def test_every_code_of_an_error_is_explained() -> None:
    told = set(re.findall(r"`([a-z_]+)`", (ROOT / "docs" / "api.md").read_text()))
    used = set().union(*(codes_in(path) for path in STUDIO.rglob("*.py")))
    assert len(used) > 20
    assert used - told == set()
