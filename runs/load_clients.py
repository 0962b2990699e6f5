"""Clients for `load.py`, in a process of their own: a plan comes on stdin, what was seen goes to stdout.

Every client keeps one connection. HTTP is spoken by hand on asyncio's streams: httpx would take more of the
processor for a request than the studio that is measured.
"""

import asyncio
import itertools
import json
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

WARM_UP_S = 1.0
_BODY = json.dumps({"prompt": "a fox walks across a meadow", "seconds": "4", "size": "1280x720"})


@dataclass(frozen=True)
class Plan:
    """What is sent.

    Attributes:
        port: of the API on this machine.
        people: [key, id of a video of that person's that waits] of each.
        operation: create, retrieve or list.
        num_clients: that send `operation`, each again as soon as it has an answer, as people in turn.
        num_polling: that retrieve their video beside that, and again a second after each answer.
        seconds: answers that come within them count, after a warm-up.
    """

    port: int
    people: Sequence[tuple[str, str]]
    operation: str
    num_clients: int
    num_polling: int
    seconds: float


@dataclass
class Seen:
    """What came back, from `operation` and from those who poll.

    Attributes:
        operation_s, poll_s: from the first byte sent to the last received.
        failures: answers that were no success, by status.
        seconds: that were counted.
    """

    operation_s: list[float] = field(default_factory=list)
    poll_s: list[float] = field(default_factory=list)
    failures: dict[str, int] = field(default_factory=dict)
    seconds: float = 0.0


def run_clients(plan: Plan) -> Seen:
    """Carry a plan out in another process."""
    command = [sys.executable, str(Path(__file__))]
    done = subprocess.run(
        command, input=json.dumps(asdict(plan)), capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(f"the clients failed:\n{done.stderr}")
    return Seen(**json.loads(done.stdout))


class Client:
    """One connection that is kept."""

    def __init__(self, port: int) -> None:
        """Connect with the first request."""
        self._port = port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def send(self, message: bytes) -> int:
        """Send a request, read the whole answer, and return its status."""
        if self._streams is None:
            self._streams = await asyncio.open_connection("127.0.0.1", self._port)
        reader, writer = self._streams
        writer.write(message)
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        length = int(head.partition(b"\r\ncontent-length:")[2].partition(b"\r\n")[0])
        await reader.readexactly(length)
        if b"\r\nconnection: close" in head:
            writer.close()
            self._streams = None
        return int(head.split(None, 2)[1])

    def close(self) -> None:
        """Let the connection go."""
        if self._streams is not None:
            self._streams[1].close()


def message_of(operation: str, key: str, video_id: str) -> bytes:
    """A request as bytes."""
    lines = {
        "create": "POST /v1/videos",
        "retrieve": f"GET /v1/videos/{video_id}",
        "list": "GET /v1/videos?limit=20",
    }
    body = _BODY if operation == "create" else ""
    head = [f"{lines[operation]} HTTP/1.1", "host: studio", f"authorization: Bearer {key}"]
    if body:
        head += ["content-type: application/json", f"content-length: {len(body)}"]
    return ("\r\n".join(head) + "\r\n\r\n" + body).encode()


async def carry_out(plan: Plan) -> Seen:
    """Let all clients run at once for the time of a plan."""
    seen, failures = Seen(), Counter[str]()
    begins = time.perf_counter() + WARM_UP_S
    ends = begins + plan.seconds
    messages = itertools.cycle([message_of(plan.operation, *person) for person in plan.people])

    async def ask(client: Client, message: bytes, times_s: list[float]) -> None:
        sent = time.perf_counter()
        status = await client.send(message)
        if status >= 400:
            failures[str(status)] += 1
        elif begins <= time.perf_counter() <= ends:
            times_s.append(time.perf_counter() - sent)

    async def press() -> None:
        client = Client(plan.port)
        while time.perf_counter() < ends:
            await ask(client, next(messages), seen.operation_s)
        client.close()

    async def poll(message: bytes) -> None:
        client = Client(plan.port)
        await asyncio.sleep(random.random() * WARM_UP_S)
        while time.perf_counter() < ends:
            await ask(client, message, seen.poll_s)
            await asyncio.sleep(1.0)
        client.close()

    polled = [message_of("retrieve", *person) for person in plan.people[: plan.num_polling]]
    await asyncio.gather(*(press() for _ in range(plan.num_clients)), *map(poll, polled))
    seen.failures, seen.seconds = dict(failures), plan.seconds
    return seen


def main() -> None:
    """Read the plan, carry it out, tell."""
    values: dict[str, Any] = json.load(sys.stdin)
    print(json.dumps(asdict(asyncio.run(carry_out(Plan(**values))))))


if __name__ == "__main__":
    main()
