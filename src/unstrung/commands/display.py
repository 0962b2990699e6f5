"""Progress in the terminal: stage, step, time left, and a small picture of what is forming."""

import time
from contextlib import AbstractContextManager
from types import TracebackType
from typing import TYPE_CHECKING

from rich.color import Color
from rich.console import Console, Group
from rich.live import Live
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn
from rich.style import Style
from rich.text import Text

from unstrung.commands.session import Session
from unstrung.engine.request import Step

if TYPE_CHECKING:
    import numpy as np

    from unstrung.engine.training.runs import Progress as RunProgress

_HALF_BLOCK = "\N{UPPER HALF BLOCK}"
_PREVIEW_COLUMNS = 56
_PREVIEW_SHARE = 0.1  # of the run's time may go into previews


class Display(AbstractContextManager["Display"]):
    """Shows a run on standard error if that is a terminal, and nothing at all otherwise."""

    def __init__(self, session: Session, console: Console, shows_previews: bool) -> None:
        """Prepare the display; it appears when the block is entered.

        Args:
            session: asked at each step whether the person pressed ctrl-C.
            console: where to draw.
            shows_previews: also draw pictures, if the terminal has colours.
        """
        self._session = session
        self._console = console
        self._shows_previews = shows_previews and _can_draw(console)
        self._progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(bar_width=30),
            TextColumn("{task.fields[count]}"),
            TimeRemainingColumn(),
            console=console,
        )
        self._task = self._progress.add_task("Starting", total=None, count="")
        # Standard output stays untouched: with --json it carries one object and nothing else.
        self._live = Live(
            self._progress,
            console=console,
            transient=True,
            refresh_per_second=5,
            redirect_stdout=False,
        )
        self._next_preview_at = 0.0

    def __enter__(self) -> "Display":
        """Appear, if there is a terminal."""
        if self._console.is_terminal:
            self._session.leave_terminal = self._live.stop
            self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Leave the terminal as it was."""
        self._live.stop()

    def stage(self, name: str) -> None:
        """Say what is being done now."""
        self._progress.update(self._task, description=name)

    def on_step(self, step: Step) -> None:
        """Move the bar, and draw a preview when it is cheap enough.

        Raises:
            KeyboardInterrupt: if ctrl-C was pressed and got lost in foreign code.
        """
        if self._session.interrupted_at is not None:
            raise KeyboardInterrupt
        if not self._live.is_started:
            return
        done = step.index + 1
        self._progress.update(
            self._task,
            description="Denoising" if done < step.total else "Decoding",
            total=step.total,
            completed=done,
            count=f"{done}/{step.total}",
        )
        if self._shows_previews and time.monotonic() >= self._next_preview_at:
            self._draw(step)

    def _draw(self, step: Step) -> None:
        start = time.monotonic()
        rows = self._console.height - 4
        picture = preview_text(step.preview(), min(_PREVIEW_COLUMNS, self._console.width), rows)
        self._live.update(Group(self._progress, picture))
        now = time.monotonic()
        self._next_preview_at = now + (now - start) * (1 / _PREVIEW_SHARE - 1)


def preview_text(frame: "np.ndarray", columns: int = _PREVIEW_COLUMNS, max_rows: int = 40) -> Text:
    """Draw a frame with half blocks, two pixels to a character.

    Args:
        frame: (H, W, 3) uint8.
        columns: width in characters at the most.
        max_rows: height in lines at the most.
    """
    import numpy as np
    from PIL import Image

    height, width = frame.shape[:2]
    scale = min(columns / width, 2 * max(1, max_rows) / height)
    columns, rows = max(1, round(width * scale)), max(1, round(height * scale / 2))
    picture = Image.fromarray(frame).resize((columns, 2 * rows), Image.Resampling.BOX)
    small = np.asarray(picture).tolist()
    text = Text(no_wrap=True, end="")
    for upper, lower in zip(small[0::2], small[1::2], strict=True):
        for front, back in zip(upper, lower, strict=True):
            style = Style(color=Color.from_rgb(*front), bgcolor=Color.from_rgb(*back))
            text.append(_HALF_BLOCK, style)
        text.append("\n")
    return text


def _can_draw(console: Console) -> bool:
    has_colours = console.color_system is not None and not console.no_color
    return console.is_terminal and has_colours and console.encoding.startswith("utf")


class RunDisplay(AbstractContextManager["RunDisplay"]):
    """A bar with time left for long runs on a terminal; a line now and then for a log file."""

    def __init__(self, console: Console, name: str, line_every_s: float = 30.0) -> None:
        """Prepare the display.

        Args:
            console: where to draw.
            name: of the run.
            line_every_s: how often a log that is no terminal gets a line [s].
        """
        self._console = console
        self._line_every_s = line_every_s
        self._next_line_at = 0.0
        self._progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(bar_width=30),
            TextColumn("{task.fields[figures]}"),
            TimeRemainingColumn(),
            console=console,
        )
        self._name = name
        self._task = self._progress.add_task(name, total=1.0, figures="")

    def __enter__(self) -> "RunDisplay":
        """Appear, if there is a terminal."""
        if self._console.is_terminal:
            self._progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Leave the terminal as it was."""
        self._progress.stop()

    def show(self, progress: "RunProgress") -> None:
        """Move the bar to where the run is."""
        self._progress.update(self._task, completed=progress.done, figures=progress.text)
        now = time.monotonic()
        if not self._console.is_terminal and now >= self._next_line_at:
            self._next_line_at = now + self._line_every_s
            self._console.print(
                f"{self._name} {progress.done:.1%} {progress.text}", highlight=False
            )
