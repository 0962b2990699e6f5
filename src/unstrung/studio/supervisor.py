"""Keeps the processes of `unstrung serve` alive, and lets none of them outlive it.

The supervisor knows names and commands, not what they do. Every child holds the reading end of a pipe as its
standard input; when the supervisor is gone, even by kill -9, the pipe ends and the child ends itself.
"""

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from types import FrameType
from typing import Final, Protocol

from unstrung.studio.errors import StudioError

SUPERVISED: Final = "UNSTRUNG_SUPERVISED"

_FIRST_PAUSE_S: Final = 0.5
_LONGEST_PAUSE_S: Final = 10.0
_STEADY_S: Final = 30.0
_WATCH_S: Final = 1.0
_TICK_S: Final = 0.1
_ORPHAN_GRACE_S: Final = 30.0


class WatchedDatabase(Protocol):
    """What the supervisor asks of a database."""

    def start(self) -> str:
        """Start it if it does not run, and return its address."""

    def stop(self) -> None:
        """Stop it and wait for its end."""

    def is_alive(self) -> bool:
        """Whether it accepts connections."""


@dataclass(frozen=True)
class Child:
    """A process to keep alive.

    Attributes:
        name: what people call it.
        command: program and arguments.
        environment: all of its environment variables.
    """

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str]


@dataclass
class _Watch:
    """A child in time: its process, or when to start the next one."""

    child: Child
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    due_at: float = 0.0
    pause_s: float = 0.0


class Supervisor:
    """Runs children until told to stop, and starts again what died."""

    def __init__(
        self,
        children: Sequence[Child],
        database: WatchedDatabase | None,
        on_event: Callable[[str], None],
        grace_s: float = 30.0,
    ) -> None:
        """Start nothing yet.

        Args:
            children: started in this order.
            database: watched as well and stopped last; None if it is looked after elsewhere.
            on_event: told what happens, a sentence each; also from the thread that watches the database.
            grace_s: seconds that children have to end after SIGTERM.
        """
        self._watches = [_Watch(child) for child in children]
        self._database = database
        self._on_event = on_event
        self._grace_s = grace_s
        self._num_signals = 0

    def run(self) -> int:
        """Run until SIGTERM or SIGINT; only the main thread may, as it is the one that gets signals.

        Returns:
            0 if everything ended as it should, 1 if something had to be killed or did not stop.
        """
        over = threading.Event()
        watcher = threading.Thread(
            target=self._watch_database, args=(over,), name="database-watch", daemon=True
        )
        with self._signals():
            watcher.start()
            try:
                while not self._num_signals:
                    for watch in self._watches:
                        self._attend(watch)
                    time.sleep(_TICK_S)
            finally:
                all_ended = self._end_children()
                over.set()
                # A start that hangs must not keep us.
                watcher.join(self._grace_s)
                has_stopped = self._stop_database()
        return 0 if all_ended and has_stopped else 1

    @contextmanager
    def _signals(self) -> Iterator[None]:
        def count(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 (signal's signature)
            self._num_signals += 1

        previous = {
            number: signal.signal(number, count) for number in (signal.SIGTERM, signal.SIGINT)
        }
        try:
            yield
        finally:
            for number, handler in previous.items():
                signal.signal(number, handler)

    def _attend(self, watch: _Watch) -> None:
        """Start a child that is due, or note that one has died."""
        now = time.monotonic()
        if watch.process is None:
            if now >= watch.due_at:
                self._start(watch, now)
            return
        code = watch.process.poll()
        if code is None:
            return
        _release(watch.process)
        watch.process = None
        alive_s = now - watch.started_at
        self._pause(watch, now, alive_s, f"{_ended(code)} after {alive_s:.1f} s")

    def _start(self, watch: _Watch, now: float) -> None:
        watch.started_at = now
        try:
            watch.process = subprocess.Popen(
                watch.child.command,
                env={**watch.child.environment, SUPERVISED: "1"},
                stdin=subprocess.PIPE,
                # Ctrl-C in a terminal is for the supervisor; children hear of it by SIGTERM.
                start_new_session=True,
            )
        except OSError as error:
            self._pause(watch, now, 0.0, f"cannot be started ({error})")
        else:
            self._on_event(f"{watch.child.name} has started as process {watch.process.pid}.")

    def _pause(self, watch: _Watch, now: float, alive_s: float, what: str) -> None:
        watch.pause_s = next_pause(watch.pause_s, alive_s)
        watch.due_at = now + watch.pause_s
        self._on_event(f"{watch.child.name} {what}; it is started again in {watch.pause_s:g} s.")

    def _end_children(self) -> bool:
        """Ask all children to end; kill those that have not when the grace, or a second signal, is over."""
        running = [(w.child.name, w.process) for w in self._watches if w.process is not None]
        names = ", ".join(name for name, _ in running) or "nothing"
        self._on_event(f"Stopping {names}; a second signal ends the wait of {self._grace_s:g} s.")
        for _, process in running:
            process.terminate()
        signals_before = self._num_signals
        give_up = time.monotonic() + self._grace_s
        while any(process.poll() is None for _, process in running):
            if time.monotonic() > give_up or self._num_signals > signals_before:
                break
            time.sleep(_TICK_S / 2)
        all_ended = True
        for name, process in running:
            if process.poll() is None:
                all_ended = False
                # The whole group: what the child has started would be left behind.
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait()
                self._on_event(f"{name} did not end in time and was killed.")
            _release(process)
        return all_ended

    def _watch_database(self, over: threading.Event) -> None:
        """Start the database again when it does not answer; apart from children, as it may take its time."""
        pause_s = _WATCH_S
        while self._database is not None and not over.wait(pause_s):
            pause_s = _WATCH_S
            if self._database.is_alive():
                continue
            self._on_event("The database does not answer; it is started again.")
            try:
                self._database.start()
            except StudioError as error:
                pause_s = _LONGEST_PAUSE_S
                self._on_event(f"{error} It is tried again in {pause_s:g} s.")
            else:
                self._on_event("The database answers again.")

    def _stop_database(self) -> bool:
        if self._database is None:
            return True
        try:
            self._database.stop()
        except StudioError as error:
            self._on_event(str(error))
            return False
        self._on_event("The database has stopped.")
        return True


def next_pause(pause_s: float, alive_s: float) -> float:
    """Seconds to wait before a child starts again, so that one that cannot live does not burn the machine.

    Args:
        pause_s: the wait before; 0 if there was none.
        alive_s: how long the child lived since.
    """
    if alive_s >= _STEADY_S or pause_s == 0:
        return _FIRST_PAUSE_S
    return min(pause_s * 2, _LONGEST_PAUSE_S)


def stop_when_orphaned() -> None:
    """Let this process end with its supervisor, if it has one; called once, when it starts.

    Standard input must not be read by anything else.
    """
    if os.environ.get(SUPERVISED) == "1":
        threading.Thread(target=_end_with_input, daemon=True, name="orphan-watch").start()


def _end_with_input() -> None:
    # Not sys.stdin: a thread that waits inside its lock stops Python from ending.
    while os.read(0, 1024):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
    # Whoever is too busy to end in time ends without manners.
    time.sleep(_ORPHAN_GRACE_S)
    os.kill(os.getpid(), signal.SIGKILL)


def _release(process: subprocess.Popen[bytes]) -> None:
    if process.stdin is not None:
        process.stdin.close()


def _ended(code: int) -> str:
    if code >= 0:
        return f"ended with code {code}"
    return f"was ended by {signal.Signals(-code).name}"
