"""Programs that make a clip again over the API: for curl, Python and Node, with the official SDKs."""

import json
import shlex
from dataclasses import dataclass
from typing import Any

from unstrung.studio.videos.models import Kind, Video

_PLACE = "reference"  # file that whoever runs the program puts there


@dataclass(frozen=True)
class Programs:
    """The same request three times; each is complete, and reads its key from OPENAI_API_KEY.

    Attributes:
        curl, python, node: the texts.
        needs_file: whether a file called `reference` must lie beside the program.
    """

    curl: str
    python: str
    node: str
    needs_file: bool


def programs_of(video: Video, base_url: str) -> Programs:
    """How to ask this server for this very clip.

    Args:
        video: the clip.
        base_url: of the server, without a slash at the end.
    """
    path, fields = _request(video)
    api, name = f"{base_url}/v1", f"{video.id}.mp4"
    file = _file_field(video)
    return Programs(
        curl=_curl(api, path, fields, file, name),
        python=_python(api, path, fields, file, name),
        node=_node(api, path, fields, file, name),
        needs_file=file is not None,
    )


def _request(video: Video) -> tuple[str, dict[str, Any]]:
    """Path under /v1 and fields of the call."""
    recipe = video.recipe or {}
    if video.kind == Kind.REMIX:
        return f"/videos/{video.source_video_id}/remix", {"prompt": video.prompt}
    fields: dict[str, Any] = {"prompt": video.prompt, "model": video.resolved_model}
    if video.kind in (Kind.CREATE, Kind.EXTEND):
        fields["seconds"] = video.seconds
    if video.kind == Kind.CREATE:
        fields["size"] = video.size
        if video.characters:
            fields["characters"] = [{"id": each} for each in video.characters]
    elif video.source_video_id is not None:
        fields["video"] = {"id": video.source_video_id}
    own = {
        "seed": video.seed,
        "num_steps": recipe.get("steps", video.num_steps),
        "guidance_scale": recipe.get("guidance", video.guidance_scale),
    }
    fields |= {key: value for key, value in own.items() if value is not None}
    if video.verbatim:
        fields["verbatim"] = True
    path = {Kind.CREATE: "/videos", Kind.EDIT: "/videos/edits", Kind.EXTEND: "/videos/extensions"}
    return path[video.kind], fields


def _file_field(video: Video) -> str | None:
    """The field in which an uploaded file goes along."""
    if video.kind == Kind.CREATE:
        return "input_reference" if video.reference_file else None
    return None if video.source_video_id else "video"


def _curl(api: str, path: str, fields: dict[str, Any], file: str | None, name: str) -> str:
    head = f'curl -fsS {api}{path} -H "Authorization: Bearer $OPENAI_API_KEY"'
    if file is None:
        body = shlex.quote(json.dumps(fields, ensure_ascii=False))
        head += f' -H "Content-Type: application/json" \\\n  -d {body}'
    else:
        for key, value in fields.items():
            text = value if isinstance(value, str) else json.dumps(value)
            head += f" \\\n  --form-string {shlex.quote(f'{key}={text}')}"
        head += f" \\\n  -F {file}=@{_PLACE}"
    return (
        f"id=$({head} \\\n  | python3 -c 'import json, sys; print(json.load(sys.stdin)[\"id\"])')\n"
        f'until curl -fsS {api}/videos/$id -H "Authorization: Bearer $OPENAI_API_KEY" \\\n'
        '  | grep -Eq \'"status": ?"(completed|failed)"\'; do sleep 1; done\n'
        f'curl -fsSL {api}/videos/$id/content -H "Authorization: Bearer $OPENAI_API_KEY" -o {name}\n'
    )


def _python(api: str, path: str, fields: dict[str, Any], file: str | None, name: str) -> str:
    # The plain HTTP call of the SDK: its typed methods differ from version to version, this does not.
    sends = (
        '    options={"headers": {"Content-Type": "multipart/form-data"}},\n'
        f'    files={{"{file}": open("{_PLACE}", "rb")}},\n'
    )
    flat = fields if file is None else _texts(fields)
    return (
        "import os\nimport time\n\nfrom openai import OpenAI\nfrom openai.types import Video\n\n"
        f'client = OpenAI(base_url="{api}", api_key=os.environ["OPENAI_API_KEY"])\n'
        f"video = client.post(\n    {path!r},\n    cast_to=Video,\n    body={flat!r},\n"
        + (sends if file else "")
        + ")\n"
        'while video.status in ("queued", "in_progress"):\n'
        "    time.sleep(1)\n    video = client.videos.retrieve(video.id)\n"
        f'client.videos.download_content(video.id).write_to_file("{name}")\n'
    )


def _node(api: str, path: str, fields: dict[str, Any], file: str | None, name: str) -> str:
    if file is None:
        headers, body = '"Content-Type": "application/json", ', f"JSON.stringify({_json(fields)})"
        before = ""
    else:
        headers, body = "", "form"
        before = (
            "const form = new FormData();\n"
            f"for (const [key, value] of Object.entries({_json(_texts(fields))})) form.append(key, value);\n"
            f'form.append("{file}", new Blob([fs.readFileSync("{_PLACE}")]), "{_PLACE}");\n'
        )
    return (
        'import fs from "node:fs";\nimport OpenAI from "openai";\n\n'
        f'const client = new OpenAI({{ baseURL: "{api}", apiKey: process.env.OPENAI_API_KEY }});\n'
        f"{before}"
        f'const answer = await fetch("{api}{path}", {{\n  method: "POST",\n'
        f"  headers: {{ {headers}Authorization: `Bearer ${{process.env.OPENAI_API_KEY}}` }},\n"
        f"  body: {body},\n}});\n"
        "let video = await answer.json();\nif (!answer.ok) throw new Error(video.error.message);\n"
        'while (["queued", "in_progress"].includes(video.status)) {\n'
        "  await new Promise((done) => setTimeout(done, 1000));\n"
        "  video = await client.videos.retrieve(video.id);\n}\n"
        "const file = await client.videos.downloadContent(video.id);\n"
        f'fs.writeFileSync("{name}", Buffer.from(await file.arrayBuffer()));\n'
    )


def _texts(fields: dict[str, Any]) -> dict[str, str]:
    """Fields of a form, in which everything is text."""
    return {
        key: value if isinstance(value, str) else json.dumps(value) for key, value in fields.items()
    }


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
