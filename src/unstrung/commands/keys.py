"""`unstrung keys`: who may call the API."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from unstrung.commands.output import print_json, print_line
from unstrung.commands.session import AsJson, Debug, session_of
from unstrung.commands.studio import Data, settings_of

if TYPE_CHECKING:
    from sqlalchemy.orm import Session as Transaction

keys_commands = typer.Typer(
    name="keys", help="Make, list and revoke keys of the API.", no_args_is_help=True
)


@keys_commands.command()
def create(
    context: typer.Context,
    person: Annotated[str, typer.Argument(help="Name or id; a new name makes a new person.")],
    name: Annotated[str, typer.Option(help="What the key is for.")] = "",
    scope: Annotated[
        list[str] | None, typer.Option(help="read, generate, share or admin; may be repeated.")
    ] = None,
    admin: Annotated[bool, typer.Option("--admin", help="Make a new person an admin.")] = False,
    days: Annotated[
        float | None, typer.Option(min=0, help="Life of the key; for ever if left out.")
    ] = None,
    as_json: AsJson = False,
    data: Data = None,
    debug: Debug = False,
) -> None:
    """Make a key and print it, once."""
    session = session_of(context, debug)
    from unstrung.studio.access import service as access
    from unstrung.studio.accounts import service as accounts
    from unstrung.studio.accounts.models import Role
    from unstrung.studio.errors import NotFound

    session.has_begun = True
    expires_at = datetime.now(UTC) + timedelta(days=days) if days is not None else None
    with transaction_on(data) as transaction:
        try:
            owner = accounts.find_person(transaction, person)
        except NotFound:
            owner = accounts.create_person(
                transaction, person, Role.ADMIN if admin else Role.MEMBER
            )
        scopes = access.scopes_of(scope) if scope else access.USUAL_SCOPES
        key, secret = access.create_key(transaction, owner, name, scopes, expires_at)
    if as_json:
        print_json({"id": key.id, "key": secret, "person": owner.id, "scopes": key.scopes})
    else:
        print_line(f"Key of {owner.name} for {', '.join(key.scopes)}, shown only now: {secret}")


@keys_commands.command("list")
def list_keys(
    context: typer.Context, as_json: AsJson = False, data: Data = None, debug: Debug = False
) -> None:
    """Show all keys, newest first; secrets are not kept and cannot be shown."""
    session = session_of(context, debug)
    from unstrung.studio.access import service as access

    session.has_begun = True
    with transaction_on(data) as transaction:
        found = access.list_keys(transaction)
    rows = [
        {
            "id": key.id,
            "prefix": key.prefix,
            "person": person.name,
            "name": key.name,
            "scopes": ",".join(key.scopes),
            "last used": f"{key.last_used_at:%Y-%m-%d %H:%M}" if key.last_used_at else "never",
            "state": access.state_of(key),
        }
        for key, person in found
    ]
    if as_json:
        print_json({"keys": rows})
        return
    widths = (
        {name: max(len(name), *(len(row[name]) for row in rows)) for name in rows[0]}
        if rows
        else {}
    )
    for row in [{name: name for name in widths}, *rows] if rows else []:
        print_line("  ".join(f"{row[name]:<{width}}" for name, width in widths.items()).rstrip())
    if not rows:
        print_line("There are no keys yet; `unstrung keys create NAME` makes one.")


@keys_commands.command()
def revoke(
    context: typer.Context,
    key: Annotated[str, typer.Argument(help="Id or first eight characters.")],
    data: Data = None,
    debug: Debug = False,
) -> None:
    """Make a key useless from now on."""
    session = session_of(context, debug)
    from unstrung.studio.access import service as access

    session.has_begun = True
    with transaction_on(data) as transaction:
        revoked = access.revoke_key(transaction, key)
    print_line(f"The key {revoked.prefix}... is revoked.")


@contextmanager
def transaction_on(data: Path | None) -> "Iterator[Transaction]":
    """A transaction on the studio's database, which is started for so long if it is not running."""
    from unstrung.studio import database, serving

    settings = settings_of(None, None, data)
    serving.prepare_folder(settings.studio_data)
    with serving.reachable_database(settings) as url:
        database.migrate(url)
        opened = database.Database(url)
        try:
            with opened.transaction() as transaction:
                yield transaction
        finally:
            opened.close()
