"""Request bodies as they come over the wire: JSON, or forms whose keys are bracketed, into one plain shape.

Python's SDK 2.x sends JSON where there is no file, 3.x and Node always send forms, in which `video[id]`,
`characters[][id]` and `input_reference[image_url]` stand for nested values and every value is a string.
"""

import contextlib
import itertools
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final, TypeVar, get_args, get_origin

from pydantic import BaseModel, ValidationError
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import Message, Receive

from unstrung.studio.errors import BodyTooLarge, InvalidField, RequestError

Body = TypeVar("Body", bound=BaseModel)
_MAX_FIELDS: Final = 200
_KEY: Final = re.compile(r"([^\[\]]+)((?:\[[^\[\]]*\])*)")
_PART: Final = re.compile(r"\[([^\[\]]*)\]")


@dataclass(frozen=True)
class File:
    """A file of a form, wholly read.

    Attributes:
        data: its bytes.
        filename, content_type: as the sender says.
    """

    data: bytes
    filename: str
    content_type: str | None


async def read_body(request: Request, max_bytes: int) -> tuple[dict[str, Any], bool]:
    """The fields of a body, nested, and whether it was a form; files are `File`.

    Raises:
        RequestError: if the body cannot be read as what it says it is.
        BodyTooLarge: if it has more than `max_bytes`.
    """
    _check_size(request.headers.get("content-length"), max_bytes)
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind in ("multipart/form-data", "application/x-www-form-urlencoded"):
        return await _read_form(request, max_bytes), True
    if kind in ("application/json", "") or kind.endswith("+json"):
        return _read_json(await _read_limited(request, max_bytes)), False
    raise RequestError(
        f"The content type {kind!r} is not understood; send application/json or multipart/form-data.",
        code="unsupported_media_type",
    )


def validated(model: type[Body], fields: dict[str, Any], is_form: bool = False) -> Body:
    """Check the fields of a body; text stands for numbers only in a form, which has nothing else.

    Raises:
        InvalidField: naming the first field at fault, the rule and what was given.
    """
    try:
        return model.model_validate(fields, strict=None if is_form else True)
    except ValidationError as error:
        raise invalid_field(error.errors(), model) from error


def shaped_form(model: type[BaseModel], fields: dict[str, Any]) -> dict[str, Any]:
    """Fields of a form in the shape that a body asks for: lists, yes or no, JSON text as what it says.

    In a form everything is text, so a list of one looks like its element, and an object may come as JSON.
    """
    shaped = dict(fields)
    for name, wanted in model.model_fields.items():
        value = shaped.get(name)
        kinds = _kinds(wanted.annotation)
        if isinstance(value, str) and value[:1] in ("[", "{") and kinds & {list, dict}:
            with contextlib.suppress(ValueError, RecursionError):
                shaped[name] = value = json.loads(value)
        if bool in kinds and value in ("true", "false"):
            shaped[name] = value == "true"
        if value is not None and list in kinds:
            items = value if isinstance(value, list) else [value]
            shaped[name] = [_parsed(item) for item in items]
    return shaped


def _parsed(item: Any) -> Any:
    """An element of a list that is an object as JSON, or whatever it is."""
    if isinstance(item, str) and item.startswith("{"):
        with contextlib.suppress(ValueError, RecursionError):
            return json.loads(item)
    return item


def _kinds(annotation: Any) -> set[type]:
    """Whether an annotation allows lists, objects, and yes or no."""
    origin = get_origin(annotation)
    if origin is list:
        return {list}
    if annotation is bool:
        return {bool}
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return {dict}
    return set().union(*(_kinds(each) for each in get_args(annotation)))


def invalid_field(errors: Iterable[Any], model: type[BaseModel] | None = None) -> InvalidField:
    """The first of pydantic's complaints in the words of the contract."""
    first = next(iter(errors))
    location = [
        str(part) for part in first["loc"] if part not in ("query", "path", "header", "body")
    ]
    # Of a choice between a file and an object, pydantic adds which one it tried; that is no field.
    location = list(itertools.takewhile(lambda part: "[" not in part, location))
    param = ".".join(location) or None
    if first["type"] == "extra_forbidden":
        known = (
            f"; known are {', '.join(model.model_fields)}" if model and len(location) == 1 else ""
        )
        return InvalidField(f"Unknown parameter: '{param}'{known}.", param, "unknown_parameter")
    if first["type"] == "missing":
        return InvalidField(
            f"Missing required parameter: '{param}'.", param, "missing_required_parameter"
        )
    message = first["msg"].removeprefix("Value error, ")
    if first["type"] == "is_instance_of":
        message = "must be a file"
    if first["type"] in ("too_long", "string_too_long") and isinstance(first["input"], str):
        message = f"must have at most {first['ctx']['max_length']} characters"
    given = repr(first["input"])
    given = given if len(given) <= 60 else f"{given[:57]}..."
    return InvalidField(f"Invalid '{param}': {message}, got {given}.", param)


def nested(items: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """Bracketed keys as nested values: `a[b]` is a member, `a[]` an element of a list.

    In `a[][b]` a new element begins when the last one already has its `b`.

    Raises:
        InvalidField: for a key that cannot be read, is given twice, or is used in two ways.
    """
    found: dict[str, Any] = {}
    for key, value in items:
        match = _KEY.fullmatch(key)
        if match is None:
            raise InvalidField(f"The field name {key[:80]!r} cannot be read.", key[:80])
        _place(found, [match[1], *_PART.findall(match[2])], value, key)
    return found


def _place(target: dict[str, Any], path: list[str], value: Any, key: str) -> None:
    name, rest = path[0], path[1:]
    if not rest:
        # A key that is repeated is a list, as OpenAPI has it; where no list is wanted, the check says so.
        before = target.get(name, value)
        if isinstance(before, dict):
            raise InvalidField(f"The field {key!r} is given in two ways.", key)
        if name not in target:
            target[name] = value
        else:
            target[name] = [*(before if isinstance(before, list) else [before]), value]
    elif rest[0] in ("", "0") or rest[0].isdigit():
        elements = target.setdefault(name, [])
        if not isinstance(elements, list):
            raise InvalidField(f"The field {name!r} is given in two ways.", name)
        if len(rest) == 1:
            elements.append(value)
            return
        if not elements or not isinstance(elements[-1], dict) or rest[1] in elements[-1]:
            elements.append({})
        _place(elements[-1], rest[1:], value, key)
    else:
        inner = target.setdefault(name, {})
        if not isinstance(inner, dict):
            raise InvalidField(f"The field {name!r} is given in two ways.", name)
        _place(inner, rest, value, key)


async def _read_form(request: Request, max_bytes: int) -> dict[str, Any]:
    # Starlette refuses a part that is no file above 1 MiB; a prompt of 32,000 characters stays below, but the
    # limit that people are told is that of the body.
    limited = Request(request.scope, _limited(request, max_bytes))
    try:
        form = await limited.form(
            max_files=_MAX_FIELDS, max_fields=_MAX_FIELDS, max_part_size=max_bytes
        )
    except HTTPException as error:
        raise RequestError(f"The form cannot be read: {error.detail}") from error
    items: list[tuple[str, Any]] = []
    for key, value in form.multi_items():
        if isinstance(value, UploadFile):
            data = await value.read()
            items.append((key, File(data, value.filename or "", value.content_type)))
        else:
            items.append((key, value))
    await form.close()
    return nested(items)


async def _read_limited(request: Request, max_bytes: int) -> bytes:
    return await Request(request.scope, _limited(request, max_bytes)).body()


def _limited(request: Request, max_bytes: int) -> Receive:
    """What a body is received by: cut off above a size that its sender need not have told.

    Files of a form go to the disk while they come, so they are counted before and not after.
    """
    total = 0

    async def receive() -> Message:
        nonlocal total
        message = await request.receive()
        total += len(message.get("body", b""))
        _check_size(str(total), max_bytes)
        return message

    return receive


def _read_json(body: bytes) -> dict[str, Any]:
    if not body.strip():
        return {}
    try:
        fields = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise RequestError(f"The body is no JSON: {error}.", code="invalid_json") from error
    if not isinstance(fields, dict):
        raise RequestError("The body must be a JSON object.", code="invalid_json")
    return fields


def _check_size(length: str | None, max_bytes: int) -> None:
    if length is not None and length.isdecimal() and int(length) > max_bytes:
        raise BodyTooLarge(f"The body must have at most {max_bytes:,} bytes, got {int(length):,}.")
