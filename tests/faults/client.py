"""A plain client of the API that does not give up: the same request again, with the same Idempotency-Key."""

import time
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final
from uuid import uuid4

import httpx

from faults.studio_under_test import PATIENCE_S, Broken

_PAUSE_S: Final = 0.1


@dataclass(frozen=True)
class Receipt:
    """A video that the API has acknowledged.

    Attributes:
        idempotency_key, video_id: of the request and of the answer.
        num_tries: requests that were sent for it.
        sent_at: when the one was sent that was answered [s since 1970].
    """

    idempotency_key: str
    video_id: str
    num_tries: int
    sent_at: float


class PatientClient:
    """Asks until there is an answer that is no fault of the service."""

    def __init__(self, url: str, key: str) -> None:
        self._http = httpx.Client(
            base_url=url, headers={"authorization": f"Bearer {key}"}, timeout=20
        )
        self.num_lost = 0  # connections that broke or were refused
        self.num_faults = 0  # answers of 500 and above

    def ask(self, method: str, path: str, **given: Any) -> tuple[httpx.Response, int, float]:
        """Return the answer, the number of tries, and when the last one was sent.

        Raises:
            Broken: if there is none in time, or it is a refusal.
        """
        deadline, num_tries = time.monotonic() + PATIENCE_S, 0
        while time.monotonic() < deadline:
            num_tries, sent_at = num_tries + 1, time.time()
            try:
                response = self._http.request(method, path, **given)
            except httpx.TransportError:
                self.num_lost += 1
                time.sleep(_PAUSE_S)
                continue
            if response.status_code < HTTPStatus.INTERNAL_SERVER_ERROR:
                if response.is_error:
                    raise Broken(
                        f"{method} {path}: {response.status_code} {response.read().decode()}"
                    )
                return response, num_tries, sent_at
            self.num_faults += 1
            time.sleep(_PAUSE_S)
        raise Broken(f"{method} {path} was not answered within {PATIENCE_S:g} s")

    def create(self, prompt: str) -> Receipt:
        """Ask for a video until it is acknowledged."""
        key = uuid4().hex
        response, num_tries, sent_at = self.ask(
            "POST", "/v1/videos",
            json={"prompt": prompt, "size": "256x256"}, headers={"idempotency-key": key},
        )  # fmt: skip
        return Receipt(key, response.json()["id"], num_tries, sent_at)

    def video(self, video_id: str) -> dict[str, Any]:
        """How far a video is."""
        found: dict[str, Any] = self.ask("GET", f"/v1/videos/{video_id}")[0].json()
        return found

    def content(self, video_id: str) -> bytes:
        """The file of a completed video."""
        return self.ask("GET", f"/v1/videos/{video_id}/content")[0].content

    def hook(self, url: str) -> None:
        """Have a server told of every video that ends."""
        events = ["video.completed", "video.failed"]
        self.ask(
            "POST", "/v1/webhook_endpoints",
            json={"name": "faults", "url": url, "event_types": events},
        )  # fmt: skip

    def close(self) -> None:
        """Give the connections back."""
        self._http.close()
