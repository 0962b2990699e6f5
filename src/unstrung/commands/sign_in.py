"""`unstrung sign-in`: a link that signs somebody in, for whoever runs the studio to hand over."""

from typing import Annotated

import typer

from unstrung.commands.keys import transaction_on
from unstrung.commands.output import print_json, print_line
from unstrung.commands.session import AsJson, Debug, session_of
from unstrung.commands.studio import Data, settings_of


def sign_in(
    context: typer.Context,
    person: Annotated[str, typer.Argument(help="Name or id.")],
    email: Annotated[
        str | None, typer.Option(help="Address that the person can sign in by from now on.")
    ] = None,
    lost_passkeys: Annotated[
        bool,
        typer.Option(
            "--lost-passkeys", help="Forget all passkeys of the person, and end their sessions."
        ),
    ] = False,
    as_json: AsJson = False,
    data: Data = None,
    debug: Debug = False,
) -> None:
    """Print a link that signs somebody in once, within 15 minutes: for a first passkey, or after a loss."""
    session = session_of(context, debug)
    from unstrung.studio import mail
    from unstrung.studio.accounts import service as accounts
    from unstrung.studio.logins import service as logins

    session.has_begun = True
    with transaction_on(data) as transaction:
        found = accounts.find_person(transaction, person)
        if lost_passkeys:
            logins.forget_passkeys(transaction, found.id)
        if email is not None:
            logins.add_address(transaction, found.id, mail.checked_address(email))
        link = logins.link_for(transaction, settings_of(None, None, data), found.id)
    if as_json:
        print_json({"person": found.id, "link": link})
    else:
        print_line(f"Signs {found.name} in, once and within 15 minutes: {link}")
