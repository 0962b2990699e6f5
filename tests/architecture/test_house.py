"""The rules of ARCHITECTURE.md and CONTRIBUTING.md that a program can check."""

import ast
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import ModuleType

import pytest

import unstrung.engine

ROOT = Path(__file__).parents[2]
SRC = ROOT / "src"
MODULES = sorted((SRC / "unstrung").rglob("*.py"))

# Longer modules than 500 lines and functions than 60, each with its reason; empty is the goal.
LONG_MODULES: dict[str, str] = {}
LONG_FUNCTIONS: dict[str, str] = {}
# Alembic writes these, and a released migration is never reworded.
MIGRATIONS = "unstrung.studio.migrations.versions"

ENGINE = "unstrung.engine"
STUDIO = "unstrung.studio"


def engine_rooms(names: str) -> tuple[str, ...]:
    return tuple(f"{ENGINE}.{name}" for name in names.split())


TENSORS_ONLY = engine_rooms("flow schedules guidance sampling")
WIRING = engine_rooms("pipeline prompt evaluation")
# (room, what it must not import). A room is a module or a package with everything inside it.
FORBIDDEN: list[tuple[str, tuple[str, ...]]] = [
    (ENGINE, ("unstrung.studio", "unstrung.cli", "fastapi", "starlette", "sqlalchemy")),
    # Progress bars and colours belong to the command line: a library neither prints nor draws.
    (ENGINE, ("rich", "typer", "click")),
    (
        f"{ENGINE}.models",
        (*TENSORS_ONLY, *WIRING, *engine_rooms("presets checkpoints theatre data training")),
    ),
    *(
        (room, (*WIRING, *engine_rooms("models presets checkpoints theatre data training")))
        for room in TENSORS_ONLY
    ),
    (f"{ENGINE}.flow", engine_rooms("schedules guidance sampling")),
    (f"{ENGINE}.schedules", engine_rooms("sampling")),
    (f"{ENGINE}.guidance", engine_rooms("sampling")),
    (
        f"{ENGINE}.theatre",
        (*TENSORS_ONLY, *WIRING, *engine_rooms("models presets data training")),
    ),
    (f"{ENGINE}.training", engine_rooms("pipeline evaluation")),
    (f"{ENGINE}.pipeline", engine_rooms("training evaluation")),
    # Rules of the programme that know neither the service nor the engine.
    *(
        (
            f"unstrung.{room}",
            (STUDIO, ENGINE, "unstrung.cli", "unstrung.commands", "fastapi", "sqlalchemy"),
        )
        for room in ("transparency", "charter", "risk")
    ),
    (STUDIO, ("unstrung.cli", "unstrung.commands", "rich", "typer", "openai")),
    (STUDIO, engine_rooms("training evaluation theatre models data")),
]
# What each module of a studio's domain may not know: tables know no rules, rules know no routes.
DOMAIN_RULES = {
    "models": ("schemas", "service", "routes"),
    "schemas": ("service", "routes"),
    "service": ("routes",),
}
DOMAINS = sorted(path.parent.name for path in (SRC / "unstrung/studio").glob("*/service.py"))


def module_name(path: Path) -> str:
    parts = path.relative_to(SRC).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"), str(path))


def imported_names(path: Path) -> set[str]:
    """Every module that a file imports, also inside functions; `from a import b` counts as a.b."""
    name = module_name(path)
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    names: set[str] = set()
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parents = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join([*parents, *filter(None, [node.module])])
            names |= {base} | {f"{base}.{alias.name}" for alias in node.names}
    return names


def is_inside(name: str, room: str) -> bool:
    return name == room or name.startswith(room + ".")


def files_of(room: str) -> list[Path]:
    return [path for path in MODULES if is_inside(module_name(path), room)]


def functions_of(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def tracked_files() -> list[Path]:
    """What git knows or would add; in an unpacked archive everything that is not hidden."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if listed.returncode == 0 and listed.stdout:
        paths = [ROOT / line for line in listed.stdout.split("\0") if line]
    else:
        paths = [p for p in ROOT.rglob("*") if not p.relative_to(ROOT).parts[0].startswith(".")]
    return [path for path in paths if path.is_file()]


def tracked_texts() -> Iterator[tuple[Path, str]]:
    for path in tracked_files():
        if path.suffix in {".safetensors", ".png", ".webp", ".jpg", ".mp4", ".npz", ".npy"}:
            continue
        try:
            yield path, path.read_text("utf-8")
        except UnicodeDecodeError:
            continue


@pytest.mark.parametrize(("room", "forbidden"), FORBIDDEN, ids=lambda value: str(value)[:60])
def test_no_room_imports_what_it_must_not_know(room: str, forbidden: tuple[str, ...]) -> None:
    found = [
        f"{module_name(path)} imports {name}"
        for path in files_of(room)
        for name in sorted(imported_names(path))
        for other in forbidden
        if is_inside(name, other)
    ]
    assert found == []


@pytest.mark.parametrize("domain", DOMAINS)
def test_a_domain_holds_nothing_but_its_four_modules(domain: str) -> None:
    folder = SRC / "unstrung" / "studio" / domain
    known = {"__init__", "models", "schemas", "service", "routes"}
    assert {path.stem for path in folder.glob("*.py")} <= known
    for name, forbidden in DOMAIN_RULES.items():
        path = folder / f"{name}.py"
        imported = imported_names(path) if path.exists() else set()
        for other in forbidden:
            assert not any(re.search(rf"studio\.\w+\.{other}(\.|$)", each) for each in imported)
        if name in ("models", "service"):
            assert not any(is_inside(each, "fastapi") for each in imported), path


def test_only_the_database_module_commits_and_only_services_ask() -> None:
    studio = [path for path in MODULES if "studio" in path.parts]
    commits = [path.name for path in studio if re.search(r"\.commit\(\)", path.read_text())]
    assert set(commits) <= {"env.py", "database.py"}
    routes = [path for path in studio if path.name == "routes.py"]
    asking = [
        path for path in routes if re.search(r"\b(select|insert|update|text)\(", path.read_text())
    ]
    assert asking == []


def test_errors_import_nothing_of_ours_and_shapes_only_errors() -> None:
    rooms = (("errors", set()), ("layout", set()), ("shapes", {f"{ENGINE}.errors"}))
    for room, allowed in rooms:
        (path,) = files_of(f"{ENGINE}.{room}")
        ours = {name for name in imported_names(path) if is_inside(name, "unstrung")}
        assert [n for n in ours if not any(is_inside(n, a) for a in allowed)] == []


def test_every_module_has_a_docstring() -> None:
    assert [module_name(path) for path in MODULES if not ast.get_docstring(tree(path))] == []


def test_no_module_is_longer_than_500_lines() -> None:
    lengths = {module_name(path): len(path.read_text("utf-8").splitlines()) for path in MODULES}
    long = {name: length for name, length in lengths.items() if length > 500}
    assert sorted(long) == sorted(LONG_MODULES), long


def test_no_function_is_longer_than_60_lines() -> None:
    long = {
        f"{module_name(path)}.{node.name}": node.end_lineno - node.lineno + 1
        for path in MODULES
        if not is_inside(module_name(path), MIGRATIONS)
        for node in functions_of(path)
        if node.end_lineno is not None and node.end_lineno - node.lineno >= 60
    }
    assert sorted(long) == sorted(LONG_FUNCTIONS), long


def test_no_function_swallows_keyword_arguments() -> None:
    found = [
        f"{module_name(path)}.{node.name}"
        for path in MODULES
        for node in functions_of(path)
        if node.args.kwarg is not None
    ]
    # A decorator hands on what it is handed; its signature says what that is.
    assert found == ["unstrung.commands.wishes.wrapped"]


def test_no_module_is_named_after_nothing() -> None:
    nameless = {"utils", "util", "helpers", "helper", "common", "misc", "core", "base"}
    assert [path for path in MODULES if nameless & set(path.with_suffix("").parts)] == []


def test_nothing_is_done_at_import_time() -> None:
    """A bare call at module level is work; the command line may wire its commands together."""
    found = [
        f"{module_name(path)}:{node.lineno}"
        for path in files_of(ENGINE)
        for node in tree(path).body
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)
    ]
    assert found == []


def test_only_shapes_divides_by_the_size_of_a_cell() -> None:
    """`height // 16` and `num_frames % 4` are geometry, and geometry has one owner."""
    cells = {16: r"\b(height|width|H|W)\b", 4: r"\b(num_frames|frames|F)\b"}
    found = [
        f"{module_name(path)}:{node.lineno}: {ast.unparse(node)}"
        for path in files_of(ENGINE)
        if module_name(path) != f"{ENGINE}.shapes"
        for node in ast.walk(tree(path))
        if isinstance(node, ast.BinOp)
        and isinstance(node.op, ast.FloorDiv | ast.Mod)
        and isinstance(node.right, ast.Constant)
        and node.right.value in cells
        and re.search(cells[node.right.value], ast.unparse(node.left))
    ]
    assert found == []


def test_the_transformer_holds_no_guidance_no_noise_and_moves_no_device() -> None:
    found = []
    for path in files_of(f"{ENGINE}.models.transformer"):
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.Name | ast.arg):
                name = node.id if isinstance(node, ast.Name) else node.arg
                if re.search(r"guidance|negative_prompt|\bcfg\b|unconditional", name):
                    found.append(f"line {node.lineno}: {name}")
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                call = ast.unparse(node)
                moves = node.func.attr == "to" and "device" in call
                if moves or node.func.attr in {"cuda", "cpu", "randn", "randn_like", "normal"}:
                    found.append(f"line {node.lineno}: {call}")
    assert found == []


def test_the_public_names_of_the_engine_are_what_it_holds() -> None:
    named = unstrung.engine.__all__
    held = [
        name
        for name, value in vars(unstrung.engine).items()
        if not name.startswith("_") and not isinstance(value, ModuleType)
    ]
    assert sorted(named) == sorted(held)
    assert len(named) == len(set(named))


@pytest.mark.parametrize(
    "module",
    [
        "unstrung",
        "unstrung.engine",
        "unstrung.cli",
        "unstrung.studio.app",
        "unstrung.studio.worker",
        "unstrung.studio.serving",
    ],
)
def test_command_line_and_api_start_without_loading_torch(module: str) -> None:
    probe = f"import sys, {module}; sys.exit('torch' in sys.modules)"
    environment = {**os.environ, "PYTHONPATH": str(SRC)}
    started = subprocess.run(
        [sys.executable, "-c", probe], env=environment, capture_output=True, text=True, check=False
    )
    assert started.returncode == 0, started.stderr or f"{module} imports torch"


def test_no_tracked_text_names_this_machine_or_a_package_registry() -> None:
    # Spelled in two parts, so that this file does not name them either.
    machine = re.compile(r"(?<![\w.~>}$)-])/(?:work|root|home|Users|opt)" + r"/\w")
    hosts = ("pypi" + ".org", "python" + "hosted", "registry.npm" + "js", "npm" + "mirror")
    registry = re.compile("|".join([*map(re.escape, hosts), "download.py" + "torch"]))
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()[:80]}"
        for path, text in tracked_texts()
        if machine.search(text) or registry.search(text)
        for number, line in enumerate(text.splitlines(), 1)
        if machine.search(line) or registry.search(line)
    ]
    assert found == []


def test_every_decision_record_has_its_four_headings_and_its_number() -> None:
    records = sorted((ROOT / "docs" / "decisions").glob("*.md"))
    headings = ["## Context", "## Decision", "## Consequences", "## Alternatives"]
    assert records
    for number, record in enumerate(records, 1):
        lines = record.read_text("utf-8").splitlines()
        assert record.name.startswith(f"{number:04d}-"), record.name
        assert lines[0].startswith(f"# {number:04d} "), record.name
        assert [line for line in lines if line.startswith("## ")] == headings, record.name
        assert len(lines) <= 60, f"{record.name} is longer than a page"


def test_the_shipped_weights_are_small_and_each_has_its_words() -> None:
    weights = SRC / "unstrung" / "engine" / "weights"
    files = sorted(weights.glob("*.safetensors"))
    assert sum(path.stat().st_size for path in files) <= 80_000_000
    cards = sorted(path.name for path in weights.glob("*.md"))
    assert not files or cards, "weights without a model card"


def test_every_make_target_explains_itself() -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    (phony,) = re.findall(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)
    assert sorted(re.findall(r"^([a-z-]+):.*## ", makefile, re.MULTILINE)) == sorted(phony.split())


def test_links_between_our_documents_lead_somewhere() -> None:
    found = []
    for path, text in tracked_texts():
        if path.suffix != ".md":
            continue
        for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", text):
            if "://" not in target and not (path.parent / target).exists():
                found.append(f"{path.relative_to(ROOT)}: {target}")
    assert found == []
