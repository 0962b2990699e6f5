"""The command line: what it prints, which code it returns, and what it leaves on the disk."""

import io
import json
import os
import pty
import re
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from fakes import GradientPipeline
from unstrung import __version__
from unstrung.cli import main
from unstrung.commands.display import Display, preview_text
from unstrung.commands.making import default_name
from unstrung.commands.session import Load, Session
from unstrung.engine.errors import CheckpointError, DataError, EngineError
from unstrung.engine.image_io import write_image
from unstrung.engine.request import Step
from unstrung.engine.video_io import probe, read_recipe, read_video

FIELDS = {
    "path",
    "prompt",
    "caption",
    "unplaced",
    "seed",
    "width",
    "height",
    "fps",
    "num_frames",
    "seconds",
    "steps",
    "model",
    "timings_s",
    "peak_memory_mb",
    "notes",
}


def run(*arguments: str, load: Load | None = None) -> int:
    return main(list(arguments), load or (lambda _: GradientPipeline()))


def raising(error: BaseException) -> Load:
    def load(weights: Path | None) -> GradientPipeline:
        raise error

    return load


def stopping_at(index: int, error: BaseException) -> Load:
    def at_step(now: int) -> None:
        if now == index:
            raise error

    return lambda _: GradientPipeline(at_step)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Run each test in an empty current folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_generate_prints_one_json_object_with_every_field(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run("generate", "a fox", "--seed", "7", "--json") == 0
    out, err = capsys.readouterr()
    result = json.loads(out)
    assert out.count("\n") == 1
    assert err == ""
    assert set(result) >= FIELDS
    assert list(result["timings_s"]) == ["load", "text", "denoise", "decode", "write"]
    assert (result["seed"], result["fps"], result["num_frames"]) == (7, 12, 49)
    assert result["unplaced"] == ["zeppelin"]
    assert result["notes"][0].startswith("seconds 4 is delivered as 4.08 s")
    assert result["peak_memory_mb"] > 10


def test_generate_writes_a_playable_file_with_its_recipe(folder: Path) -> None:
    assert run("generate", "a fox", "--seed", "7", "--seconds", "3.75", "--size", "96x64") == 0
    path = folder / "a-fox-7.mp4"
    assert read_video(path).frames.shape == (45, 64, 96, 3)
    recipe = read_recipe(path)
    assert (recipe["prompt"], recipe["seed"], recipe["steps"]) == ("a fox", 7, 4)
    assert recipe["program"] == f"unstrung {__version__}"


def test_the_same_seed_gives_the_same_file(folder: Path) -> None:
    for name in ("a.mp4", "b.mp4"):
        assert run("generate", "a fox", "--seed", "7", "--out", name) == 0
    assert (folder / "a.mp4").read_bytes() == (folder / "b.mp4").read_bytes()


def test_people_read_path_caption_and_every_adjustment(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("generate", "a fox", "--seconds", "3.9", "--seed", "1") == 0
    out = capsys.readouterr().out
    assert out.splitlines()[0] == "a-fox-1.mp4"
    assert "a fox crosses snow" in out
    assert "zeppelin" in out
    assert "seconds 3.9 is delivered as 3.75 s (45 frames), the nearest legal length." in out


def test_a_taken_name_is_left_alone_and_said(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "a-fox-7.mp4").write_bytes(b"mine")
    assert run("generate", "a fox", "--seed", "7", "--json") == 0
    result = json.loads(capsys.readouterr().out)
    assert result["path"] == "a-fox-7-2.mp4"
    assert result["notes"][-1] == "a-fox-7.mp4 was there already, so this clip is a-fox-7-2.mp4."
    assert (folder / "a-fox-7.mp4").read_bytes() == b"mine"


def test_a_named_target_is_replaced(folder: Path) -> None:
    (folder / "a.mp4").write_bytes(b"old")
    assert run("generate", "a fox", "--out", "a.mp4") == 0
    assert probe(folder / "a.mp4").num_frames == 49


def test_several_clips_get_a_file_each(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("generate", "a fox", "--seed", "7", "--count", "2", "--json") == 0
    result = json.loads(capsys.readouterr().out)
    assert result["paths"] == ["a-fox-7.mp4", "a-fox-8.mp4"]
    assert result["seeds"] == [7, 8]
    assert [read_recipe(folder / path)["seed"] for path in result["paths"]] == [7, 8]
    assert run("generate", "a fox", "--count", "2", "--out", "b.mp4") == 0
    assert (folder / "b-1.mp4").exists()
    assert (folder / "b-2.mp4").exists()


@pytest.mark.parametrize(
    ("prompt", "name"),
    [
        ("A fox crosses; a SNOWY field!", "a-fox-crosses-a-snowy-field-7.mp4"),
        ("ثعلب في الثلج", "ثعلب-في-الثلج-7.mp4"),
        ("../../etc/passwd", "etc-passwd-7.mp4"),
        ("\N{FOX FACE}", "clip-7.mp4"),
    ],
)
def test_names_come_from_the_prompt_and_are_safe(prompt: str, name: str) -> None:
    assert default_name(prompt, 7) == name


@pytest.mark.parametrize("prompt", ["x" * 32_000, "ثعلب " * 6000])
def test_long_prompts_still_make_a_file(folder: Path, prompt: str) -> None:
    assert run("generate", prompt, "--seconds", "0.1") == 0
    (path,) = folder.iterdir()
    assert len(path.name.encode()) < 120
    assert read_recipe(path)["prompt"] == prompt


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ([""], "prompt must say what should be seen, got nothing"),
        (["x" * 40_000], "prompt must have at most 32,000 characters, got x"),
        (["a fox", "--size", "huge"], "--size must be WIDTHxHEIGHT"),
        (["a fox", "--size", "9999x9999"], "--size must have at most 9,216 pixels"),
        (["a fox", "--seconds", "0"], "--seconds must be a number above 0, got 0.0; try 4"),
        (["a fox", "--seconds", "-1"], "--seconds must be a number above 0"),
        (["a fox", "--seconds", "nan"], "--seconds must be a number above 0"),
        (["a fox", "--seconds", "10000"], "--seconds must be at most 60, got 10000.0; try 60"),
        (["a fox", "--count", "5"], "--count must be a whole number from 1 to 4"),
        (["a fox", "--steps", "0"], "--steps must be a whole number from 1 to 1000"),
        (["a fox", "--guidance", "0.5"], "--guidance must lie within 1 to 20"),
        (["a fox", "--seed", "-3"], "--seed must be a whole number from 0"),
        (["a fox", "--out", "clip.avi"], "--out must end in .mp4, got clip.avi; try clip.mp4"),
    ],
)
def test_a_wrong_value_is_one_sentence_and_code_2(
    folder: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], sentence: str
) -> None:
    assert run("generate", *arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(sentence)
    assert err.count("\n") == 1
    assert not list(folder.iterdir())


@pytest.mark.parametrize(
    "arguments",
    [["generate"], ["generate", "a", "--seconds", "long"], ["generat"], ["train", "x"], []],
)
def test_an_unreadable_command_line_is_code_2(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(*arguments) == 2
    assert "Traceback" not in capsys.readouterr().err


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (CheckpointError("The weight file w is missing"), "The weight file w is missing.\n"),
        (MemoryError(), "There is not enough memory for this; try fewer seconds or a smaller size"),
        (RuntimeError("[enforce fail] DefaultCPUAllocator: can't"), "There is not enough memory"),
        (TypeError("odd"), "Something went wrong that should not have (TypeError: odd); run"),
    ],
)
def test_a_failure_of_the_engine_is_one_sentence_and_code_1(
    folder: Path, capsys: pytest.CaptureFixture[str], error: Exception, sentence: str
) -> None:
    assert run("generate", "a fox", "--json", load=raising(error)) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(sentence)
    assert err.count("\n") == 1
    assert not list(folder.iterdir())


def test_debug_shows_the_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("generate", "a fox", "--debug", load=raising(DataError("broken"))) == 1
    err = capsys.readouterr().err
    assert "Traceback" in err
    assert err.endswith("broken.\n")


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(143)])
def test_stopping_while_denoising_leaves_nothing(
    folder: Path, capsys: pytest.CaptureFixture[str], error: BaseException
) -> None:
    code = run("generate", "a fox", load=stopping_at(2, error))
    assert code == (143 if isinstance(error, SystemExit) else 130)
    assert capsys.readouterr().err == "Stopped; nothing was written.\n"
    assert not list(folder.iterdir())


def test_a_full_disk_is_one_sentence_and_the_old_file_stays(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "a.mp4").write_bytes(b"old")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (900, before[1]))
    try:
        assert run("generate", "a fox", "--out", "a.mp4") == 1
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert "disk is full" in capsys.readouterr().err
    assert [path.name for path in folder.iterdir()] == ["a.mp4"]
    assert (folder / "a.mp4").read_bytes() == b"old"


def test_a_target_that_cannot_work_is_refused_before_the_model_is_loaded(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "films.mp4").mkdir()
    never = raising(AssertionError("loaded"))
    assert run("generate", "a fox", "--out", "no/a.mp4", load=never) == 1
    assert run("generate", "a fox", "--out", "films.mp4", load=never) == 1
    assert capsys.readouterr().err.splitlines() == [
        "The folder no does not exist; create it first.",
        "films.mp4 is a folder; give the name of a file.",
    ]


def test_info_gives_the_recipe_back(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run("generate", "a fox", "--seed", "7", "--json")
    made = json.loads(capsys.readouterr().out)
    assert run("info", "a-fox-7.mp4", "--json") == 0
    found = json.loads(capsys.readouterr().out)
    for field in ("prompt", "caption", "seed", "width", "height", "fps", "num_frames", "steps"):
        assert found["recipe"][field] == made[field]
    assert (found["codec"], found["pixel_format"]) == ("h264", "yuv420p")
    assert run("info", "a-fox-7.mp4") == 0
    assert "a fox crosses snow" in capsys.readouterr().out


def test_info_refuses_what_is_no_video(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "a.mp4").write_text("no video")
    assert run("info", "a.mp4") == 1
    assert run("info", "b.mp4") == 1
    assert capsys.readouterr().err.splitlines() == [
        "a.mp4 is damaged or not a video file.",
        "b.mp4 does not exist.",
    ]


def test_info_says_when_there_is_no_recipe(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_image(folder / "a.png", np.zeros((16, 16, 3), np.uint8))
    assert run("info", "a.png") == 0
    assert "carries no recipe" in capsys.readouterr().out


def test_text_from_a_file_cannot_steer_the_terminal(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("generate", "a \x1b[2Jfox", "--seed", "1") == 0
    (path,) = folder.iterdir()
    run("info", str(path))
    assert "\x1b" not in capsys.readouterr().out


def test_doctor_describes_the_machine(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("doctor", "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert found["precision"]["dtype"] in ("bfloat16", "float32")
    assert found["precision"]["fp32_gflops"] > 0
    assert found["processor"]["num_cores"] >= 1
    assert run("doctor") == 0
    assert "GFLOP/s" in capsys.readouterr().out


def test_the_cast_can_be_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("data", "cast", "--language", "it") == 0
    assert re.search(r"^ +box +scatola$", capsys.readouterr().out, re.MULTILINE)


def test_the_version_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--version") == 0
    assert capsys.readouterr().out == f"unstrung {__version__}\n"


def test_help_names_every_command_without_heavy_imports() -> None:
    code = (
        "import sys\nfrom unstrung.cli import main\nmain(['--help'])\n"
        "sys.exit(sorted({'torch', 'numpy', 'av', 'cv2', 'PIL'} & set(sys.modules)) or 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment(), check=False
    )
    assert done.returncode == 0, done.stderr
    for command in ("generate", "evaluate", "train", "data", "info", "doctor"):
        assert command in done.stdout


def test_a_preview_is_drawn_with_two_pixels_to_a_character() -> None:
    frame = np.zeros((32, 64, 3), np.uint8)
    frame[:16] = (255, 0, 0)
    text = preview_text(frame, columns=16)
    assert text.plain == ("\N{UPPER HALF BLOCK}" * 16 + "\n") * 4
    styles = {str(span.style) for span in text.spans}
    assert styles == {"#ff0000 on #ff0000", "#000000 on #000000"}
    assert preview_text(frame, columns=64, max_rows=2).plain.count("\n") == 2


def test_without_a_terminal_no_preview_is_computed() -> None:
    def never() -> np.ndarray:
        raise AssertionError("preview was computed")

    console = Console(file=io.StringIO())
    with Display(Session(raising(EngineError())), console, True) as display:
        display.on_step(Step(0, 2, never))


# A test run started in the background inherits an ignored ctrl-C, and Python then leaves it ignored.
PROGRAM = """
import signal, sys, time
signal.signal(signal.SIGINT, signal.default_int_handler)
from pathlib import Path
from fakes import GradientPipeline
from unstrung.cli import main
def at_step(index):
    Path("started").touch()
    time.sleep(0.05)
def load(weights):
    if weights:
        Path("loading").touch()
        time.sleep(60)
    return GradientPipeline(at_step)
sys.exit(main(None, load))
"""


def environment() -> dict[str, str]:
    tests = Path(__file__).parents[1]
    path = os.pathsep.join([str(tests.parent / "src"), str(tests)])
    return {**os.environ, "PYTHONPATH": path, "TERM": "xterm-256color", "COLORTERM": "truecolor"}


def start(*arguments: str, stderr: int = subprocess.PIPE) -> subprocess.Popen[str]:
    """Run the command line in a process of its own, with a pipeline that takes its time."""
    command = [sys.executable, "-c", PROGRAM, *arguments]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=stderr, text=True, env=environment()
    )


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=["ctrl-c", "terminate"]
)
def test_a_signal_ends_the_run_in_one_sentence(
    folder: Path, number: signal.Signals, code: int
) -> None:
    with start("generate", "a fox", "--steps", "200") as process:
        while not (folder / "started").exists():
            time.sleep(0.01)
        process.send_signal(number)
        out, err = process.communicate(timeout=10)
    assert (process.returncode, out, err) == (code, "", "Stopped; nothing was written.\n")
    assert [path.name for path in folder.iterdir()] == ["started"]


def test_ctrl_c_while_loading_ends_at_once(folder: Path) -> None:
    with start("generate", "a fox", "--weights", "slow") as process:
        while not (folder / "loading").exists():
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=5)
    assert (process.returncode, out, err) == (130, "", "Stopped; nothing was written.\n")


def test_a_reader_that_leaves_early_causes_no_traceback() -> None:
    with start("data", "cast") as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        err = process.stderr.read()
    assert err == ""
    assert process.returncode == 1


def test_a_terminal_shows_progress_and_the_forming_picture(folder: Path) -> None:
    ours, theirs = pty.openpty()
    os.set_blocking(ours, False)
    shown = b""
    with start("generate", "a fox", "--json", "--steps", "20", stderr=theirs) as process:
        os.close(theirs)
        while process.poll() is None:
            time.sleep(0.02)
            try:
                shown += os.read(ours, 1 << 20)
            except OSError:  # nothing to read yet, or the other end is closed
                continue
        assert process.stdout is not None
        result = json.loads(process.stdout.read())
    os.close(ours)
    assert result["steps"] == 20
    text = shown.decode("utf-8", "ignore")
    assert "Denoising" in text
    assert re.search(r"\d+/20", text)
    assert "\N{UPPER HALF BLOCK}" in text
