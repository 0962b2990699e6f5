"""`unstrung log`: check a receipt, watch over a log, read a whole log."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from unstrung.commands.output import print_json, print_line, print_rows
from unstrung.commands.session import AsJson, Debug, session_of

if TYPE_CHECKING:
    from unstrung.transparency.notes import Verified, VerifierKey
    from unstrung.transparency.tiles import Reader

_TIMEOUT_S: Final = 30.0
_ANSWER_LIMIT: Final = 17_000_000  # [bytes], a full bundle of the longest entries
_RECEIPT_LIMIT: Final = 64_000_000  # [bytes]

log_commands = typer.Typer(
    name="log", help="Check receipts and watch over the transparency log.", no_args_is_help=True
)
Key = Annotated[str, typer.Option("--key", help="Verifier key of the log, or a file with it.")]
Source = Annotated[str, typer.Argument(help="Folder of the log, or its https:// address.")]


@log_commands.command()
def verify(
    context: typer.Context,
    receipt: Annotated[Path, typer.Argument(help="The receipt, a .tlog-proof file.")],
    key: Key,
    witness_key: Annotated[
        list[str] | None,
        typer.Option(
            "--witness", help="Key of a witness that must have cosigned; may be repeated."
        ),
    ] = None,
    content: Annotated[
        Path | None, typer.Option(help="What was committed to, if the receipt does not hold it.")
    ] = None,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Check a receipt, offline: is the act in the log, and is it what it says?"""
    session_of(context, debug)
    from unstrung.transparency.receipts import parse_receipt, verify_receipt

    checked = verify_receipt(
        parse_receipt(_text_of("receipt", receipt)),
        _key_of(key),
        [_key_of(each) for each in witness_key or []],
        _bytes_of("content", content) if content else None,
    )
    if as_json:
        fields = {"origin": checked.origin, "index": checked.index, "size": checked.size}
        fields |= checked.entry.fields()
        witnesses = [{"name": each.key.name, "time_s": each.time_s} for each in checked.witnesses]
        rest = {"content_checked": checked.is_content_checked, "witnesses": witnesses}
        print_json({"valid": True, **fields, **rest})
        return
    print_line("The receipt is valid.")
    print_rows(
        {
            "log": checked.origin,
            "entry": f"{checked.index:,} of {checked.size:,}",
            "type": checked.entry.type,
            "time": checked.entry.time,
            "content": "checked" if checked.is_content_checked else "not shown, not checked",
            "witnesses": ", ".join(_cosigned(each) for each in checked.witnesses)
            or "none asked for",
        }
    )


@log_commands.command()
def witness(
    context: typer.Context,
    source: Source,
    state: Annotated[Path, typer.Option(help="Folder of what this witness has seen.")],
    key: Key,
    name: Annotated[
        str | None, typer.Option(help="Name of the witness, like example.org/w1; the first time.")
    ] = None,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Look at a log once: refuse it if it has rewritten its past, cosign it if not."""
    session = session_of(context, debug)
    import time

    from unstrung.transparency import witness as witnesses

    session.has_begun = True
    read, log_key = _reader_of(source), _key_of(key)
    signer = witnesses.witness_key(state, name)
    seen = witnesses.witness(read, state, log_key, signer, int(time.time()))
    if as_json:
        head = {"origin": seen.checkpoint.origin, "size": seen.checkpoint.size}
        known = {"old_size": seen.old_size, "root": seen.checkpoint.root.hex()}
        signed = {"cosignature": str(seen.signature), "witness": str(signer.verifier)}
        print_json({**head, **known, **signed})
        return
    before = "never seen before" if seen.old_size is None else f"{seen.old_size:,} when seen last"
    print_line(f"{seen.checkpoint.origin} has {seen.checkpoint.size:,} entries, {before}.")
    print_line(f"Key of this witness: {signer.verifier}")
    print_line("Cosignature, to hand to the log:")
    print_line(str(seen.signature))


@log_commands.command()
def check(
    context: typer.Context,
    source: Source,
    key: Annotated[
        str | None,
        typer.Option(
            "--key", help="Verifier key of the log, or a file with it; unchecked without."
        ),
    ] = None,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Read a whole log: do entries, tiles and checkpoint fit?"""
    session_of(context, debug)
    from unstrung.transparency.audit import audit

    found = audit(_reader_of(source), _key_of(key) if key else None)
    head = found.checkpoint
    if as_json:
        fields = {"origin": head.origin, "size": head.size, "root": head.root.hex()}
        times = {"first_time": found.first_time, "last_time": found.last_time}
        signed = {"signature_checked": found.is_signature_checked, "types": dict(found.types)}
        print_json({**fields, **times, **signed})
        return
    print_line("The log is whole: every entry hashes to its tile, and the tiles to the checkpoint.")
    print_rows(
        {
            "log": head.origin,
            "entries": f"{head.size:,}",
            "root": head.root.hex(),
            "from": found.first_time,
            "to": found.last_time,
            "signature": "checked" if found.is_signature_checked else "not checked; give --key",
        }
    )
    for kind, count in found.types.items():
        print_line(f"  {count:>9,}  {kind}")


def _cosigned(signed: "Verified") -> str:
    from datetime import UTC, datetime

    assert signed.time_s is not None or signed.key.type.name == "NOTE"
    if signed.time_s is None:
        return signed.key.name
    try:
        moment = f"{datetime.fromtimestamp(signed.time_s, UTC):%Y-%m-%d %H:%M} UTC"
    except (OverflowError, ValueError, OSError):  # a witness may sign any number
        moment = f"second {signed.time_s}"
    return f"{signed.key.name} ({moment})"


def _key_of(text: str) -> "VerifierKey":
    """A verifier key, from its text or from a file that holds it."""
    from unstrung.transparency.errors import InvalidText
    from unstrung.transparency.notes import VerifierKey

    if text.count("+") >= 2:  # a path may have plus signs as well, but hardly the id between them
        try:
            return VerifierKey.parse(text)
        except InvalidText:
            if not Path(text).is_file():
                raise
    return VerifierKey.parse(_text_of("key", Path(text)))


def _text_of(name: str, path: Path) -> str:
    from unstrung.transparency.errors import InvalidText

    try:
        return _bytes_of(name, path).decode()
    except UnicodeDecodeError as error:
        raise InvalidText(name, path, "be a file of UTF-8 text") from error


def _bytes_of(name: str, path: Path) -> bytes:
    from unstrung.transparency.errors import InvalidText

    try:
        with path.open("rb") as file:
            content = file.read(_RECEIPT_LIMIT + 1)
    except (OSError, ValueError) as error:
        raise InvalidText(name, path, "be a file that can be read") from error
    if len(content) > _RECEIPT_LIMIT:
        raise InvalidText(name, path, f"have at most {_RECEIPT_LIMIT:,} bytes")
    return content


def _reader_of(source: str) -> "Reader":
    from unstrung.transparency.errors import LogUnreadable
    from unstrung.transparency.tiles import read_address, read_folder

    if "://" in source:
        return read_address(source, _fetch)
    if not Path(source).is_dir():
        raise LogUnreadable("log", source, "be a folder or an https:// address")
    return read_folder(Path(source))


def _fetch(address: str) -> bytes:
    """The body at an https address.

    Raises:
        LogUnreadable: if there is none, or it leads to another protocol or is too long.
    """
    import http.client
    import urllib.error
    import urllib.request

    from unstrung import __version__
    from unstrung.transparency.errors import LogUnreadable

    request = urllib.request.Request(address, headers={"User-Agent": f"unstrung/{__version__}"})
    try:
        with urllib.request.urlopen(request, timeout=_TIMEOUT_S) as answer:
            content: bytes = answer.read(_ANSWER_LIMIT + 1)
            last_address: str = answer.geturl()
    except urllib.error.HTTPError as error:
        with error:
            raise LogUnreadable(address, f"status {error.code}", "be a file of the log") from error
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise LogUnreadable(address, error, "be within reach", "again later") from error
    if not last_address.startswith("https://") or len(content) > _ANSWER_LIMIT:
        rule = f"be served over https with at most {_ANSWER_LIMIT:,} bytes"
        raise LogUnreadable(address, f"{len(content):,} bytes from {last_address}", rule)
    return content
