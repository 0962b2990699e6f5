"""The command `unstrung`: the one place where errors become a sentence and an exit code.

    0    done
    1    the engine could not do it: a file, the disk, the weights, memory
    2    the request breaks a rule, or the command line cannot be read
    130  stopped by ctrl-C (143 when terminated)

Nothing heavy is imported before the person's wish is known, and nothing at all outside `main` that
takes long enough for a ctrl-C to fall into it.
"""

import os
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from unstrung.commands.session import Load, Session

_INTERRUPTED: Final = 130
_TERMINATED: Final = 143
_DOUBLE_PRESS_S: Final = 1.0
# Fields of a request as the command line spells them.
_OPTIONS: Final = {
    "seconds": "--seconds",
    "size": "--size",
    "seed": "--seed",
    "num_steps": "--steps",
    "guidance_scale": "--guidance",
    "count": "--count",
    "out": "--out",
    "preset": "--preset",
    "at": "--at",
    "keep": "--keep",
    "strength": "--strength",
    "character": "--character",
}


def main(argv: Sequence[str] | None = None, load: "Load | None" = None) -> int:
    """Run one command and return its exit code.

    Args:
        argv: arguments without the program's name; None takes those of the process.
        load: makes the pipeline; None loads the real one.
    """
    try:
        from unstrung.commands.session import Session, load_pipeline

        session = Session(load or load_pipeline)
        with _signals_stop(session, is_process=argv is None):
            code = _run(argv, session)
    except KeyboardInterrupt:  # before the session existed or after it ended
        _say("Stopped; nothing was written.")
        code = _INTERRUPTED
    return _flushed(code)


def _run(argv: Sequence[str] | None, session: "Session") -> int:
    try:
        from unstrung.commands.app import run_app

        run_app(argv, session)
        return 0
    except SystemExit as stop:
        code = stop.code if isinstance(stop.code, int) else 1
        if code in (_INTERRUPTED, _TERMINATED):
            _say(session.stop_message)
        return code
    except KeyboardInterrupt:
        _say(session.stop_message)
        return _INTERRUPTED
    except BrokenPipeError:
        return 1
    except Exception as error:  # whatever it is, people get a sentence
        return _tell(error, session)


def _tell(error: Exception, session: "Session") -> int:
    """Say in one sentence what went wrong and return the exit code."""
    from unstrung.engine.errors import Cancelled, EngineError, InvalidRequest, OutOfMemory
    from unstrung.studio.errors import ConfigurationError, StudioError
    from unstrung.transparency.errors import TransparencyError

    if session.debug:
        traceback.print_exception(error)
    if session.interrupted_at is not None or isinstance(error, Cancelled):
        # Foreign code may turn ctrl-C into an error of its own, an ImportError for instance.
        _say(session.stop_message)
        return _INTERRUPTED
    if _ran_out_of_memory(error):
        error = OutOfMemory(
            "There is not enough memory for this; try fewer seconds or a smaller size"
        )
    if isinstance(error, InvalidRequest):
        option = _OPTIONS.get(error.field, error.field)
        _say(option + str(error).removeprefix(error.field))
        return 2
    if isinstance(error, ConfigurationError):
        _say(str(error))
        return 2
    if isinstance(error, EngineError | StudioError | TransparencyError):
        _say(str(error))
        return 1
    _say(
        f"Something went wrong that should not have ({type(error).__name__}: {error}); "
        "run the same command with --debug and report what it shows"
    )
    return 1


def _ran_out_of_memory(error: Exception) -> bool:
    # torch raises RuntimeError("... DefaultCPUAllocator: can't allocate memory ...").
    return isinstance(error, MemoryError) or "DefaultCPUAllocator" in str(error)


def _say(sentence: str) -> None:
    """Write one line to standard error, whatever letters that can show."""
    line = " ".join(sentence.split()).rstrip(".") + "."
    encoding = sys.stderr.encoding or "ascii"
    try:
        sys.stderr.write(line.encode(encoding, "backslashreplace").decode(encoding) + "\n")
        sys.stderr.flush()
    except OSError:
        pass  # nobody is listening


def _flushed(code: int) -> int:
    """Hand over what was printed; a reader that left early is no error worth a traceback."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        # Python flushes once more at exit and would complain then.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return code or 1
    except OSError as error:
        _say(f"The result could not be printed: {error.strerror}")
        return code or 1
    return code


@contextmanager
def _signals_stop(session: "Session", is_process: bool) -> Iterator[None]:
    """Let ctrl-C and termination unwind the run, so that temporary files are removed.

    While only imports and weights are being loaded there is nothing to remove, and the process ends
    at once. A second press within a second is ignored: it would hit the clean-up of the first. A process
    that is about to end ignores ctrl-C altogether, since unloading torch takes a moment.
    """

    def stop(number: int, _frame: FrameType | None) -> None:
        if is_process and not session.has_begun:
            # An exception inside the import of a C++ library may abort the process with a core dump.
            session.leave_terminal()
            _say(session.stop_message)
            os._exit(_TERMINATED if number == signal.SIGTERM else _INTERRUPTED)
        if number == signal.SIGTERM:
            raise SystemExit(_TERMINATED)
        now, before = time.monotonic(), session.interrupted_at
        if before is None or now - before > _DOUBLE_PRESS_S:
            session.interrupted_at = now
            raise KeyboardInterrupt

    changed: list[tuple[signal.Signals, Callable[..., object] | int | None]] = []
    for number, default in (
        (signal.SIGINT, signal.default_int_handler),
        (signal.SIGTERM, signal.SIG_DFL),
    ):
        # A parent that ignores a signal (nohup, a background job) means us to ignore it as well.
        if signal.getsignal(number) == default:
            changed.append((number, signal.signal(number, stop)))
    try:
        yield
    finally:
        for restored, before in changed:
            ends = is_process and restored == signal.SIGINT
            signal.signal(restored, signal.SIG_IGN if ends else before)


if __name__ == "__main__":
    sys.exit(main())
