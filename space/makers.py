"""Two ways to make a clip: the engine in this process, or a studio, asked with the person's own key."""

import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

import httpx

OnProgress = Callable[[float, str], None]
_POLL_S: Final = 1.0
_DEADLINE_S: Final = 900.0
_TIMEOUT_S: Final = 60.0


class NotMade(Exception):  # what a person is told, not what went wrong inside
    """A clip was not made; the message says why, in a sentence."""


@dataclass(frozen=True)
class Ask:
    """What somebody wants to see.

    Attributes:
        prompt: in any of six languages.
        seconds: length [s].
        size: one of the names that `Maker.sizes` gives.
        seed: makes a clip again; None draws one.
    """

    prompt: str
    seconds: float
    size: str
    seed: int | None = None


@dataclass(frozen=True)
class Made:
    """A clip.

    Attributes:
        path: of the mp4, which holds its recipe.
        told: how the prompt was understood, and what found no place, in sentences.
        seed: that makes it again.
    """

    path: Path
    told: str
    seed: int | None


class Maker(Protocol):
    """What the page needs of either way."""

    needs_key: bool
    sizes: tuple[str, ...]

    def make(self, ask: Ask, key: str, on_progress: OnProgress) -> Made:
        """Make a clip.

        Raises:
            NotMade: with what to tell the person.
        """


class EngineMaker:
    """The shipped model in this process, one clip at a time."""

    needs_key = False
    sizes = ("1:1", "16:9", "9:16")

    def __init__(self) -> None:
        """Nothing is loaded before the first clip."""
        self._model: Any = None
        self._turn = threading.Lock()

    def make(self, ask: Ask, _key: str, on_progress: OnProgress) -> Made:
        """Make a clip here; no key is needed."""
        from unstrung.engine import EngineError
        from unstrung.engine.continuation import text_to_video
        from unstrung.engine.pipeline import TextToVideo
        from unstrung.engine.request import GenerationRequest, recipe_of
        from unstrung.engine.video_io import write_video

        with self._turn:
            try:
                self._model = self._model or TextToVideo.load()
                request = GenerationRequest(ask.prompt, ask.seconds, size=ask.size, seed=ask.seed)
                made = text_to_video(
                    self._model, request,
                    lambda step: on_progress((step.index + 1) / step.total, "drawing"),
                )  # fmt: skip
            except EngineError as error:
                raise NotMade(str(error)) from error
            path = Path(tempfile.mkdtemp(prefix="unstrung-space-")) / "clip.mp4"
            write_video(path, made.clips[0], made.frame_rate, recipe_of(made, 0))
        return Made(path, _told(made.caption, made.unplaced), made.seeds[0])


class StudioMaker:
    """An Unstrung API, called with the key of whoever asks; the page has none of its own."""

    needs_key = True
    sizes = ("1280x720", "720x1280", "720x720")

    def __init__(self, url: str) -> None:
        """Take the address of the API, without `/v1`."""
        self.url = url.rstrip("/")

    def make(self, ask: Ask, key: str, on_progress: OnProgress) -> Made:
        """Have a clip made there."""
        if not key.strip():
            raise NotMade(f"This takes a key of your own from {self.url}/studio/account.")
        headers = {"authorization": f"Bearer {key.strip()}"}
        body = {"prompt": ask.prompt, "seconds": f"{ask.seconds:g}", "size": ask.size}
        if ask.seed is not None:
            body["seed"] = ask.seed  # type: ignore[assignment]
        begun = video = self._json("POST", "/v1/videos", headers, body)
        for video in self._until_done(begun, headers):
            on_progress(video["progress"] / 100, video.get("phase") or video["status"])
        if video["status"] != "completed":
            raise NotMade((video.get("error") or {}).get("message") or "The clip was not made.")
        answer = httpx.get(
            f"{self.url}/v1/videos/{video['id']}/content", headers=headers, follow_redirects=True,
            timeout=_TIMEOUT_S,
        )  # fmt: skip
        if answer.is_error:
            raise NotMade(f"The studio made the clip and then said {answer.status_code}.")
        path = Path(tempfile.mkdtemp(prefix="unstrung-space-")) / f"{video['id']}.mp4"
        path.write_bytes(answer.content)
        told = _told(video.get("caption") or ask.prompt, video.get("unplaced") or ())
        return Made(path, told, video.get("seed"))

    def terms(self, language: str = "en") -> str:
        """The charter in force and the pauses of this moment, as Markdown; what both sides are bound by."""
        try:
            charter = self._json("GET", f"/programme/v1/charter?language={language}", {})["source"]
        except NotMade as none_yet:
            charter = str(none_yet)
        pauses = self._json("GET", "/programme/v1/pauses", {})["data"]
        active = [each for each in pauses if each["status"] == "in force"]
        lines = [f"**Pauses in force: {len(active)}.**", ""]
        lines += [
            f"- {each['level']}: {each['ground']}, until {each['expires_at']}" for each in active
        ]
        return "\n".join([*lines, "", charter])

    def _until_done(
        self, video: dict[str, Any], headers: dict[str, str]
    ) -> Iterator[dict[str, Any]]:
        deadline = time.monotonic() + _DEADLINE_S
        while True:
            yield video
            if video["status"] in ("completed", "failed"):
                return
            if time.monotonic() > deadline:
                raise NotMade(f"The clip was not done within {_DEADLINE_S / 60:g} minutes.")
            time.sleep(_POLL_S)
            video = self._json("GET", f"/v1/videos/{video['id']}", headers)

    def _json(
        self, method: str, path: str, headers: dict[str, str], body: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        try:
            answer = httpx.request(
                method, self.url + path, headers=headers, json=body, timeout=_TIMEOUT_S
            )
            told: dict[str, Any] = answer.json()
        except (httpx.HTTPError, ValueError) as error:
            raise NotMade(f"The studio at {self.url} does not answer.") from error
        if answer.is_error:
            raise NotMade(
                told.get("error", {}).get("message", f"The studio said {answer.status_code}.")
            )
        return told


def _told(caption: str, unplaced: Any) -> str:
    sentences = [f"Understood as: {caption}"]
    if unplaced:
        sentences.append(f"Found no place: {', '.join(unplaced)}")
    return "\n\n".join(sentences)
