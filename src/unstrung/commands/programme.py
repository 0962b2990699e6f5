"""`unstrung programme`: what an operator of the early-access programme does from the shell."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from unstrung.commands.confidences import confidence_commands
from unstrung.commands.keys import transaction_on
from unstrung.commands.output import print_json, print_line, print_rows
from unstrung.commands.session import AsJson, Debug, session_of
from unstrung.commands.studio import Data, settings_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from enum import StrEnum

_TIMEOUT_S: Final = 30.0
_LOTTERY_LIMIT: Final = 64_000_000  # [bytes]

programme_commands = typer.Typer(
    name="programme",
    help="Stewards, cohorts, invitations, stages, confidences and lotteries of the early-access programme.",
    no_args_is_help=True,
)
programme_commands.add_typer(confidence_commands)
Cohort = Annotated[str, typer.Argument(help="Name or id of a cohort.")]
Person = Annotated[str, typer.Argument(help="Name or id.")]
Role = Annotated[
    str,
    typer.Argument(
        help="artist, designer, film-maker, red-teamer, resident, juror, reviewer, steward or witness."
    ),
]
Reason = Annotated[str | None, typer.Option(help="Why; told to whom it concerns.")]


@programme_commands.command()
def steward(
    context: typer.Context,
    person: Annotated[str, typer.Argument(help="Name or id; a new name makes a new person.")],
    as_json: AsJson = False,
    data: Data = None,
    debug: Debug = False,
) -> None:
    """Make somebody a steward and print a key for it, once; the first one is made here."""
    session = session_of(context, debug)
    from unstrung.studio.access import service as access
    from unstrung.studio.access.models import Scope
    from unstrung.studio.accounts import service as accounts
    from unstrung.studio.accounts.models import Role as AccountRole
    from unstrung.studio.admission import service as admission
    from unstrung.studio.admission.models import ProgrammeRole
    from unstrung.studio.errors import NotFound

    session.has_begun = True
    with transaction_on(data) as transaction:
        try:
            found = accounts.find_person(transaction, person)
        except NotFound:
            found = accounts.create_person(transaction, person, AccountRole.ADMIN)
        # A steward's calls need the scope `admin`, which only admins' keys may have.
        found.role = AccountRole.ADMIN
        admission.grant_role(transaction, found.id, ProgrammeRole.STEWARD, None)
        key, secret = access.create_key(transaction, found, "steward", list(Scope))
    if as_json:
        print_json({"person": found.id, "id": key.id, "key": secret, "scopes": key.scopes})
    else:
        print_line(f"{found.name} is a steward. Key for it, shown only now: {secret}")


@programme_commands.command()
def role(
    context: typer.Context,
    person: Person,
    name: Role,
    withdraw: Annotated[bool, typer.Option("--withdraw", help="Take it away instead.")] = False,
    reason: Reason = None,
    data: Data = None,
    debug: Debug = False,
) -> None:
    """Give somebody a role, or take it away with a reason."""
    session = session_of(context, debug)
    from unstrung.studio.accounts import service as accounts
    from unstrung.studio.admission import service as admission
    from unstrung.studio.admission.models import ProgrammeRole
    from unstrung.studio.roles import service as roles

    session.has_begun = True
    with transaction_on(data) as transaction:
        found, wanted = (
            accounts.find_person(transaction, person),
            _word(ProgrammeRole, name, "role"),
        )
        if withdraw:
            gone = roles.withdraw(transaction, None, found.id, wanted, reason or "")
            waits = gone.withdrawn_at is None
        else:
            admission.grant_role(transaction, found.id, wanted, None)
    if not withdraw:
        print_line(f"{found.name} is {wanted} now.")
    elif waits:
        print_line(
            f"{found.name} complained, appealed, wrote a letter or refused a task within 30 days: a "
            "steward has to agree within 24 hours."
        )
    else:
        print_line(f"{found.name} is {wanted} no more, and was told why.")


@programme_commands.command("end-sessions")
def end_sessions(
    context: typer.Context,
    person: Person,
    reason: Annotated[str, typer.Option(help="What happened; the person reads it.")],
    as_json: AsJson = False,
    data: Data = None,
    debug: Debug = False,
) -> None:
    """End all sessions of somebody whose browser or mailbox others may have; they are told by e-mail."""
    session = session_of(context, debug)
    from unstrung.studio.accounts import service as accounts
    from unstrung.studio.sessions import service as sessions
    from unstrung.studio.signing_in import letters_of_end, send_letter

    session.has_begun = True
    settings = settings_of(None, None, data)
    with transaction_on(data) as transaction:
        found = accounts.find_person(transaction, person)
        ended = sessions.end_sessions_of(transaction, None, found.id, reason)
        letters = letters_of_end(transaction, settings, found.id) if ended else []
    for letter in letters:
        send_letter(settings, letter)
    if as_json:
        print_json({"person": found.id, "ended": ended})
    else:
        print_line(f"Sessions of {found.name} that were ended: {ended}. A new sign-in is possible.")


@programme_commands.command()
def cohort(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Name of a new cohort.")],
    seats: Annotated[int, typer.Option(help="Most people who sit in it at a time.")],
    purpose: Annotated[str, typer.Option(help="What it is for, in plain words.")],
    stage: Annotated[
        str, typer.Option(help="Stage of the release from which on its seats can be taken.")
    ] = "internal",
    as_json: AsJson = False,
    data: Data = None,
    debug: Debug = False,
) -> None:
    """Add a cohort with a cap."""
    session = session_of(context, debug)
    from unstrung.studio.admission import service as admission
    from unstrung.studio.stages.models import Stage

    session.has_begun = True
    with transaction_on(data) as transaction:
        made = admission.create_cohort(
            transaction, name, seats, purpose, stage=_word(Stage, stage, "stage")
        )
    if as_json:
        print_json({"id": made.id, "name": made.name, "seats": made.seats, "stage": made.stage})
    else:
        print_line(f"The cohort {made.name!r} has {made.seats} seats; its id is {made.id}.")


@programme_commands.command()
def cohorts(
    context: typer.Context, as_json: AsJson = False, data: Data = None, debug: Debug = False
) -> None:
    """Show all cohorts and how full they are."""
    session = session_of(context, debug)
    from unstrung.studio.admission import service as admission

    session.has_begun = True
    with transaction_on(data) as transaction:
        rows = [
            {
                "id": each.id, "name": each.name, "seats": each.seats, "taken": full.taken,
                "promised": full.held, "free": full.free, "stage": str(each.stage),
            }
            for each, full in admission.list_cohorts(transaction)
        ]  # fmt: skip
    if as_json:
        print_json({"cohorts": rows})
        return
    for row in rows:
        print_line(
            f"{row['name']}: {row['taken']} of {row['seats']} seats taken, {row['promised']} promised, "
            f"{row['free']} free; from the stage {row['stage']} on ({row['id']})"
        )
    if not rows:
        print_line("There are no cohorts yet; `unstrung programme cohort NAME` adds one.")


@programme_commands.command()
def criteria(
    context: typer.Context,
    name: Cohort,
    file: Annotated[
        Path,
        typer.Argument(
            help='JSON: {"text": "...", "clauses": {"name": "text"}, "questions": {"name": "text"}}.'
        ),
    ],
    data: Data = None,
    debug: Debug = False,
) -> None:
    """Publish what applications to a cohort are judged by, as its next version."""
    session = session_of(context, debug)
    from unstrung.studio.admission import service as admission
    from unstrung.studio.applications import service as applications
    from unstrung.studio.applications.schemas import PublishCriteria
    from unstrung.studio.wire import validated

    session.has_begun = True
    given = _object_of(str(file), _text_of(str(file)))
    with transaction_on(data) as transaction:
        found = admission.find_cohort(transaction, name)
        asked = validated(PublishCriteria, {"cohort_id": found.id, **given})
        published = applications.publish_criteria(
            transaction, None, asked.cohort_id, asked.text, asked.clauses, asked.questions
        )
    print_line(f"Version {published.version} of the criteria of {found.name!r} is published.")


@programme_commands.command()
def invite(
    context: typer.Context,
    name: Cohort,
    role: Annotated[str, typer.Option(help="Role that comes with the seat.")] = "artist",
    uses: Annotated[int, typer.Option(help="People who may come by it.")] = 1,
    days: Annotated[float, typer.Option(help="Days until it lapses.")] = 30.0,
    note: Annotated[str, typer.Option(help="For stewards: whom it is for.")] = "",
    as_json: AsJson = False,
    data: Data = None,
    debug: Debug = False,
) -> None:
    """Make an invitation to a cohort and print its code, once."""
    session = session_of(context, debug)
    from unstrung.studio.admission import service as admission
    from unstrung.studio.admission.models import ProgrammeRole
    from unstrung.studio.invitations import service as invitations

    session.has_begun = True
    lapses = datetime.now(UTC) + timedelta(days=days)
    with transaction_on(data) as transaction:
        found = admission.find_cohort(transaction, name)
        terms = invitations.Terms(
            found.id, _word(ProgrammeRole, role, "role"), lapses, uses, note[:500]
        )
        made, code = invitations.invite(transaction, None, terms)
    if as_json:
        print_json({"id": made.id, "code": code, "expires_at": lapses.isoformat()})
    else:
        print_line(f"Invitation to {found.name!r} for {uses}, shown only now: {code}")


@programme_commands.command()
def gate(
    context: typer.Context,
    stage: Annotated[str, typer.Argument(help="The stage behind the gate.")],
    text: Annotated[str, typer.Argument(help="What has to be done before it begins.")],
    data: Data = None,
    debug: Debug = False,
) -> None:
    """Add a public gate before a stage."""
    session = session_of(context, debug)
    from unstrung.studio.stages import service as stages
    from unstrung.studio.stages.models import Stage

    session.has_begun = True
    with transaction_on(data) as transaction:
        made = stages.add_gate(transaction, None, _word(Stage, stage, "stage"), text)
    print_line(f"Gate before {made.stage}: {made.id}")


@programme_commands.command("gate-open")
def gate_open(
    context: typer.Context,
    gate_id: Annotated[str, typer.Argument(help="Id of the gate.")],
    evidence: Annotated[str, typer.Option(help="https:// address where anybody can check it.")],
    data: Data = None,
    debug: Debug = False,
) -> None:
    """Note that what a gate asks for is done."""
    session = session_of(context, debug)
    from unstrung.studio.stages import service as stages

    session.has_begun = True
    with transaction_on(data) as transaction:
        opened = stages.open_gate(transaction, None, gate_id, evidence)
    print_line(f"The gate before {opened.stage} is open: {opened.text}")


@programme_commands.command()
def stage(
    context: typer.Context,
    to: Annotated[
        str | None, typer.Argument(help="Stage to move to; shows where the release is if left out.")
    ] = None,
    reason: Annotated[str | None, typer.Option(help="Public; needed for a step back.")] = None,
    as_json: AsJson = False,
    data: Data = None,
    debug: Debug = False,
) -> None:
    """Show how far the release is, or move it."""
    session = session_of(context, debug)
    from unstrung.studio.admission import service as admission
    from unstrung.studio.stages import service as stages
    from unstrung.studio.stages.models import Stage

    session.has_begun = True
    with transaction_on(data) as transaction:
        if to is not None:
            stages.move(transaction, None, _word(Stage, to, "stage"), reason)
        present, gates = admission.current_stage(transaction), stages.list_gates(transaction)
    if as_json:
        told = [
            {"id": each.id, "stage": each.stage, "text": each.text, "done": bool(each.done_at)}
            for each in gates
        ]
        print_json({"stage": present, "gates": told})
        return
    print_line(f"The release is at {present}.")
    for each in gates:
        print_line(
            f"  {'open' if each.done_at else 'shut'}  {each.stage}  {each.text}  ({each.id})"
        )


@programme_commands.command("lottery-check")
def lottery_check(
    context: typer.Context,
    source: Annotated[
        str, typer.Argument(help="File or https:// address of /programme/v1/lotteries/ID.")
    ],
    key: Annotated[
        str | None,
        typer.Option(
            help="Verifier key of the log, or a file with it; best not from the same place."
        ),
    ] = None,
    ticket: Annotated[str | None, typer.Option(help="Your ticket; shows its place.")] = None,
    phrase: Annotated[
        str | None, typer.Option(help="Your phrase; looks whether it was mixed in. Needs --ticket.")
    ] = None,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Recompute a lottery from what was published; needs no network if given a file."""
    session_of(context, debug)
    from unstrung.lottery import assurances_of, faults_of, faults_of_own
    from unstrung.transparency.notes import VerifierKey

    told = _object_of(source, _text_of(source))
    log_key = VerifierKey.parse(_key_text(key)) if key is not None else None
    faults = faults_of(told, log_key)
    if not faults and ticket is not None and phrase is not None:
        faults = faults_of_own(told, ticket, phrase)
    if faults:
        if as_json:
            print_json({"right": False, "faults": faults})
        else:
            for fault in faults:
                print_line(fault)
        raise typer.Exit(1)
    tickets, order = told["tickets"], told["order"]
    place = order.index(ticket) + 1 if ticket in order else None
    found = {
        "tickets": len(tickets), "phrases": len(told["shares"]), "seats": told["seats"],
        "seed": told["seed"],
        "log": "checked" if log_key else "not checked, give --key",
        "your place": place or ("not in the list" if ticket else None),
    }  # fmt: skip
    if as_json:
        sure = {"in_log": log_key is not None, "assurances": assurances_of(told)}
        print_json({"right": True, "faults": [], "place": place, **sure})
        return
    print_line("The draw is right: secret, phrases, seed, tickets and order belong together.")
    print_rows(found)
    for sentence in assurances_of(told):
        print_line(sentence)


@programme_commands.command("lottery-seal")
def lottery_seal(
    context: typer.Context,
    phrase: Annotated[
        str | None, typer.Argument(help="Words of your own; made by chance if left out.")
    ] = None,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Seal a phrase for a lottery, offline: send the seal now, and the phrase once the list is fixed."""
    session_of(context, debug)
    import secrets

    from unstrung.lottery import seal_of, share_of

    said = phrase or secrets.token_urlsafe(24)
    seal = seal_of(share_of(said))
    if as_json:
        print_json({"phrase": said, "seal": seal})
        return
    print_rows({"phrase (keep it)": said, "seal (send it)": seal})


def _word(kind: "type[StrEnum]", text: str, field: str) -> Any:
    """A word of an enumeration by its text."""
    from unstrung.studio.errors import InvalidField

    known: Sequence[str] = [str(each) for each in kind]
    if text not in known:
        raise InvalidField(f"{field} must be one of {', '.join(known)}, got {text!r}", field)
    return kind(text)


def _key_text(given: str) -> str:
    """A key, from the command line or from a file."""
    path = Path(given)
    return path.read_text("utf-8").strip() if path.is_file() else given


def _text_of(source: str) -> str:
    """What a file or an address holds."""
    from unstrung.studio.errors import StudioError

    if source.startswith(("https://", "http://")):
        import urllib.request

        try:
            with urllib.request.urlopen(source, timeout=_TIMEOUT_S) as answer:
                content: bytes = answer.read(_LOTTERY_LIMIT)
                return content.decode()
        except (OSError, ValueError) as error:
            raise StudioError(f"{source} cannot be read: {error}") from error
    try:
        return Path(source).read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise StudioError(f"{source} cannot be read: {error}") from error


def _object_of(source: str, text: str) -> Mapping[str, Any]:
    from unstrung.studio.errors import StudioError

    try:
        found = json.loads(text)
    except ValueError as error:
        raise StudioError(f"{source} holds no JSON: {error}") from error
    if not isinstance(found, dict):
        raise StudioError(f"{source} must hold a JSON object")
    return found
