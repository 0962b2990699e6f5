"""Loss logs as pictures."""

import json
import time
from pathlib import Path
from typing import Any

import numpy as np

from unstrung.engine.errors import DataError


class LossLog:
    """Appends one line a step to a loss log: step, loss, latent frames of the batch, seconds so far."""

    def __init__(self, path: Path, keep: bool) -> None:
        """Start a log, or go on with the one that is there.

        Args:
            path: file of JSON lines.
            keep: whether earlier lines stay.
        """
        self.path = path
        if not keep:
            path.unlink(missing_ok=True)
        earlier = read_log(path)[-1:] if path.exists() else []
        self.step = earlier[0]["step"] if earlier else 0
        self._before_s = earlier[0]["seconds"] if earlier else 0.0
        self._started = time.perf_counter()

    def add(self, loss: float, latent_frames: int) -> None:
        """Write the next step's line."""
        self.step += 1
        seconds = self._before_s + time.perf_counter() - self._started
        record = {
            "step": self.step,
            "loss": loss,
            "latent_frames": latent_frames,
            "seconds": seconds,
        }
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(record) + "\n")


def read_log(path: Path) -> list[dict[str, Any]]:
    """The records of a loss log (JSON lines)."""
    try:
        lines = path.read_text("utf-8").splitlines()
        return [json.loads(line) for line in lines]
    except (OSError, json.JSONDecodeError) as error:
        raise DataError(f"The loss log {path} cannot be read: {error}.") from error


def forget_after(path: Path, step: int) -> None:
    """Drop the last lines of a log down to a step, which a run that died takes anew from its state."""
    if path.exists():
        records = read_log(path)
        while records and records[-1]["step"] > step:
            records.pop()
        lines = [json.dumps(each) + "\n" for each in records]
        temporary = path.with_suffix(".tmp")
        temporary.write_text("".join(lines), "utf-8")
        temporary.replace(path)


def draw_curves(log: Path, picture: Path) -> None:
    """Draw the losses of a log over hours, one smoothed line per number of latent frames.

    Needs the `train` extra (matplotlib).
    """
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot

    records = read_log(log)
    figure, axes = pyplot.subplots(figsize=(7, 4), dpi=110)
    for frames in sorted({record["latent_frames"] for record in records}):
        own = [record for record in records if record["latent_frames"] == frames]
        hours = np.array([record["seconds"] for record in own]) / 3600
        losses = np.array([record["loss"] for record in own])
        width = max(1, len(losses) // 60)
        smooth = np.convolve(losses, np.ones(width) / width, mode="valid")
        axes.plot(hours[width - 1 :], smooth, label=f"{frames} latent frame(s)", linewidth=1.2)
    axes.set_xlabel("hours of training")
    axes.set_ylabel("loss")
    axes.set_yscale("log")
    axes.grid(alpha=0.3)
    axes.legend()
    figure.tight_layout()
    figure.savefig(picture)
    pyplot.close(figure)
