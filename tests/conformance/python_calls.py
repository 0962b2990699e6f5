"""Every call of the closed Videos API by the official Python SDK, as its users write it.

Run by test_sdks.py under several releases of the SDK, in a process of its own. Prints one JSON object: for
each call "ok", or what went wrong.
"""

import http.server
import io
import itertools
import json
import os
import sys
import threading
import time
import traceback
import warnings
from collections.abc import Callable

warnings.simplefilter("ignore")  # the SDK says that the API it calls is gone

import openai
from openai import OpenAI

MAJOR = int(openai.__version__.split(".")[0])
if MAJOR >= 3:
    import httpx2 as httpx
else:
    import httpx

URL, KEY, PAGER_KEY = (os.environ[name] for name in ("STUDIO_URL", "STUDIO_KEY", "PAGER_KEY"))
CLIP = open(os.environ["STUDIO_CLIP"], "rb").read()
client = OpenAI(base_url=URL, api_key=KEY)
FOX = "a fox crosses a snowy field"
CALLS: dict[str, Callable[[], None]] = {}


def call(function: Callable[[], None]) -> Callable[[], None]:
    """Note a call to make."""
    CALLS[function.__name__] = function
    return function


def made(**fields: object) -> object:
    """A finished video."""
    video = client.videos.create_and_poll(
        prompt=FOX, **{"seconds": "4", "size": "1280x720", **fields}
    )
    assert video.status == "completed", video
    return video


@call
def create() -> None:
    video = client.videos.create(model="sora-2", prompt=FOX, seconds="8", size="720x1280")
    assert video.object == "video"
    assert video.status in ("queued", "in_progress", "completed")
    assert (video.model, video.size, video.seconds, video.prompt) == (
        "sora-2",
        "720x1280",
        "8",
        FOX,
    )


@call
def create_with_nothing_but_a_prompt() -> None:
    video = client.videos.create(prompt=FOX)
    assert video.seconds == "4"


@call
def create_with_our_settings() -> None:
    video = client.videos.create(prompt=FOX, extra_body={"seed": 42, "num_steps": 3})
    done = client.videos.poll(video.id)
    assert done.status == "completed"
    assert done.seed == 42


@call
def create_from_a_picture() -> None:
    from_bytes = io.BytesIO()
    from_bytes.write(PNG)
    from_bytes.seek(0)
    video = client.videos.create(prompt=FOX, input_reference=("a.png", from_bytes, "image/png"))
    assert client.videos.poll(video.id).status == "completed"


@call
def create_and_poll() -> None:
    video = made()
    assert video.progress == 100
    assert video.completed_at >= video.created_at


@call
def retrieve() -> None:
    video = client.videos.create(prompt=FOX)
    assert client.videos.retrieve(video.id).id == video.id


@call
def list_all_pages() -> None:
    pager = OpenAI(base_url=URL, api_key=PAGER_KEY)
    for limit in (100, 17):
        ids = [video.id for video in pager.videos.list(limit=limit)]
        assert len(ids) == 250, len(ids)
        assert ids == sorted(set(ids), reverse=True)
    assert [v.id for v in pager.videos.list(limit=100, order="asc")] == ids[::-1]


@call
def delete() -> None:
    video = client.videos.create(prompt=FOX)
    answer = client.videos.delete(video.id)
    assert answer.deleted
    assert answer.object == "video.deleted"
    try:
        client.videos.retrieve(video.id)
    except openai.NotFoundError as error:
        assert error.code == "video_not_found"
    else:
        raise AssertionError("a deleted video is still there")


@call
def download_content() -> None:
    video = made()
    assert client.videos.download_content(video.id).read()[4:8] == b"ftyp"
    assert client.videos.download_content(video.id, variant="thumbnail").read()[:4] == b"RIFF"
    assert client.videos.download_content(video.id, variant="spritesheet").read()[:2] == b"\xff\xd8"
    path = os.path.join(os.environ["STUDIO_OUT"], f"python-{MAJOR}.mp4")
    client.videos.download_content(video.id).write_to_file(path)
    assert os.path.getsize(path) > 500


@call
def remix() -> None:
    video = made()
    again = client.videos.remix(video.id, prompt="the same at night")
    assert again.remixed_from_video_id == video.id
    assert client.videos.poll(again.id).status == "completed"


@call
def edit() -> None:
    if MAJOR < 3:
        return
    video = client.videos.edit(prompt="in the rain", video=("a.mp4", CLIP, "video/mp4"))
    assert client.videos.poll(video.id).status == "completed"


@call
def edit_a_video_by_id() -> None:
    if MAJOR < 3:
        return
    source = made()
    video = client.videos.edit(
        prompt="in the rain", video=openai.omit, extra_body={"video": {"id": source.id}}
    )
    assert video.remixed_from_video_id == source.id


@call
def extend() -> None:
    if MAJOR < 3:
        return
    video = client.videos.extend(
        prompt="it goes on", seconds="8", video=("a.mp4", CLIP, "video/mp4")
    )
    assert video.seconds == "8"
    source = made()
    by_id = client.videos.extend(
        prompt="it goes on", seconds="4", video=openai.omit, extra_body={"video": {"id": source.id}}
    )
    assert client.videos.poll(by_id.id).status == "completed"


@call
def characters() -> None:
    if MAJOR < 3:
        return
    character = client.videos.create_character(name="Mossy", video=("m.mp4", CLIP, "video/mp4"))
    assert client.videos.get_character(character.id).name == "Mossy"
    video = client.videos.create(prompt=FOX, extra_body={"characters": [{"id": character.id}]})
    assert client.videos.poll(video.id).status == "completed"


@call
def models() -> None:
    assert {"mini", "sora-2", "sora-2-pro"} <= {model.id for model in client.models.list()}
    assert client.models.retrieve("sora-2").owned_by == "unstrung"


@call
def errors_are_the_sdks_own() -> None:
    for expected, act in (
        (openai.BadRequestError, lambda: client.videos.create(prompt=FOX, size="huge")),
        (
            openai.BadRequestError,
            lambda: client.videos.create(prompt=FOX, extra_body={"colour": "red"}),
        ),
        (openai.NotFoundError, lambda: client.videos.retrieve("video_0")),
        (openai.AuthenticationError, lambda: OpenAI(base_url=URL, api_key="sk-x").videos.list()),
        (
            openai.ConflictError,
            lambda: client.videos.remix(client.videos.create(prompt=FOX).id, prompt="x"),
        ),
    ):
        try:
            act()
        except expected as error:
            assert error.code, error
            assert error.request_id, error
        else:
            raise AssertionError(f"no {expected.__name__}")


@call
def news_come_at_least_once_a_second_and_can_be_resumed() -> None:
    video = client.videos.create(prompt=FOX, extra_body={"num_steps": 60})
    url, headers = f"{URL}/videos/{video.id}/events", {"authorization": f"Bearer {KEY}"}
    told: list[tuple[float, str, dict]] = []
    for last in (None, 3):  # the line is cut after three pieces of news, and taken up again
        again = {"last-event-id": told[-1][1]} if told else {}
        with httpx.stream("GET", url, headers={**headers, **again}, timeout=60) as response:
            assert response.headers["content-type"].startswith("text/event-stream")
            number = ""
            for line in response.iter_lines():
                if line.startswith("id: "):
                    number = line[4:]
                elif line.startswith("data: "):
                    told.append((time.monotonic(), number, json.loads(line[6:])))
                    if last is None and len(told) == 3:
                        break
    running = [moment for moment, _, video in told if video["status"] == "in_progress"]
    gaps = [later - earlier for earlier, later in itertools.pairwise(running)]
    assert len(running) > 3, told
    assert max(gaps) < 2, gaps  # 1 s is what is meant; a busy machine is forgiven another
    assert told[-1][2]["status"] == "completed"


class LosesFirstAnswer(httpx.HTTPTransport):
    """A line that breaks after the server has done its work."""

    broken = False

    def handle_request(self, request: "httpx.Request") -> "httpx.Response":
        response = super().handle_request(request)
        if request.method == "POST" and not self.broken:
            self.broken = True
            response.read()
            raise httpx.ReadError("the line broke", request=request)
        return response


@call
def a_retry_makes_no_second_video() -> None:
    transport = LosesFirstAnswer()
    shaky = OpenAI(base_url=URL, api_key=KEY, http_client=httpx.Client(transport=transport))
    prompt = f"{FOX}, seen only once by release {MAJOR}"
    video = shaky.videos.create(prompt=prompt)
    assert transport.broken
    found = [each.id for each in client.videos.list(limit=100) if each.prompt == prompt]
    assert found == [video.id], found


class Receiver(http.server.BaseHTTPRequestHandler):
    """Keeps what it is told."""

    got: list = []

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self.got.append((body.decode(), dict(self.headers.items())))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Be quiet."""


@call
def webhooks() -> None:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}/hook"
    if MAJOR >= 3:
        assert "video.completed" in client.webhooks.event_types.list().data
        endpoint = client.webhooks.create(
            name="test", url=url, event_types=["video.completed", "video.failed"]
        )
        secret = endpoint.signing_secret
        assert client.webhooks.retrieve(endpoint.id).name == "test"
        assert client.webhooks.update(endpoint.id, name="renamed").name == "renamed"
        assert endpoint.id in [each.id for each in client.webhooks.list()]
        assert client.webhooks.test(endpoint.id, event_type="video.completed").status_code == 200
        secret = client.webhooks.rotate_secret(endpoint.id).signing_secret
        endpoint_id = endpoint.id
    else:
        told = httpx.post(
            f"{URL}/webhook_endpoints",
            headers={"authorization": f"Bearer {KEY}"},
            json={"name": "test", "url": url, "event_types": ["video.completed"]},
        ).json()
        secret, endpoint_id = told["signing_secret"], told["id"]
    Receiver.got.clear()
    video = made()
    deadline = time.monotonic() + 20
    while not (mine := [each for each in Receiver.got if video.id in each[0]]):
        assert time.monotonic() < deadline, "no event came"
        time.sleep(0.05)
    body, headers = mine[0]
    listener = OpenAI(base_url=URL, api_key=KEY, webhook_secret=secret)
    event = listener.webhooks.unwrap(body, headers)
    assert (event.type, event.data.id) == ("video.completed", video.id)
    if MAJOR >= 3:
        assert client.webhooks.delete(endpoint_id).deleted
    else:
        httpx.delete(
            f"{URL}/webhook_endpoints/{endpoint_id}", headers={"authorization": f"Bearer {KEY}"}
        )
    server.shutdown()


PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108020000009077 53de0000000c4944415408d763f8cfc000000301"
    "0100c9fe92ef0000000049454e44ae426082".replace(" ", "")
)


def main() -> None:
    """Make all calls."""
    results = {}
    for name, function in CALLS.items():
        try:
            function()
            results[name] = "ok"
        except Exception as error:
            results[name] = f"{error!r}\n{traceback.format_exc(limit=-3)}"
    json.dump({"version": openai.__version__, "results": results}, sys.stdout)


if __name__ == "__main__":
    main()
