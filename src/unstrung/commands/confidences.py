"""`unstrung programme confidence`: items that people are asked to keep to themselves, from the shell."""

from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from unstrung.commands.keys import transaction_on
from unstrung.commands.output import print_json, print_line
from unstrung.commands.session import AsJson, Debug, session_of
from unstrung.commands.studio import Data

confidence_commands = typer.Typer(
    name="confidence",
    help="Items that people are asked to keep to themselves, one by one and until a day.",
    no_args_is_help=True,
)


@confidence_commands.command()
def ask(
    context: typer.Context,
    title: Annotated[str, typer.Argument(help="What the item is called.")],
    cohort: Annotated[
        list[str], typer.Option(help="Name or id of a cohort that is asked; may be repeated.")
    ],
    covers: Annotated[str, typer.Option(help="Exactly what is confidential, in plain words.")],
    why: Annotated[str, typer.Option(help="Why; told to those who are asked.")],
    days: Annotated[float, typer.Option(help="Days until it lapses by itself, 180 at most.")],
    kind: Annotated[
        str, typer.Option(help="feature, model-version, clip or document.")
    ] = "feature",
    content: Annotated[
        str | None, typer.Option(help="The item or where it is; shown to those who accept.")
    ] = None,
    renews: Annotated[str | None, typer.Option(help="Id of an item this one goes on from.")] = None,
    as_json: AsJson = False,
    data: Data = None,
    debug: Debug = False,
) -> None:
    """Ask the members of cohorts to keep one item confidential; each may say no."""
    session = session_of(context, debug)
    from unstrung.studio.admission import service as admission
    from unstrung.studio.confidences import service as confidences
    from unstrung.studio.confidences.schemas import AskConfidence
    from unstrung.studio.wire import validated

    session.has_begun = True
    ends_at = (datetime.now(UTC) + timedelta(days=days)).isoformat()
    with transaction_on(data) as transaction:
        found = [admission.find_cohort(transaction, each).id for each in cohort]
        given = {
            "kind": kind, "title": title, "covers": covers, "why": why, "content": content,
            "ends_at": ends_at, "cohort_ids": found, "renews": renews,
        }  # fmt: skip
        asked = validated(AskConfidence, {key: value for key, value in given.items() if value})
        wanted = confidences.Wanted(
            asked.kind, asked.title, asked.covers, asked.why, None, asked.ends_at,
            tuple(asked.cohort_ids), asked.content, asked.renews,
        )  # fmt: skip
        made = confidences.ask(transaction, None, wanted)
    if as_json:
        print_json({"id": made.id, "ends_at": made.ends_at.isoformat()})
        return
    print_line(
        f"{made.title!r} is confidential until {made.ends_at:%Y-%m-%d %H:%M} UTC ({made.id})."
    )
    print_line("It binds those who accept it. It never covers:")
    for words in confidences.CARVE_OUTS.values():
        print_line(f"  {words}")


@confidence_commands.command()
def end(
    context: typer.Context,
    confidence_id: Annotated[str, typer.Argument(help="Id of the item.")],
    reason: Annotated[str, typer.Option(help="Why; told to those who were asked.")],
    data: Data = None,
    debug: Debug = False,
) -> None:
    """End an item before its day; from then on everybody may speak freely."""
    session = session_of(context, debug)
    from unstrung.studio.confidences import service as confidences

    session.has_begun = True
    with transaction_on(data) as transaction:
        ended = confidences.end(transaction, None, confidence_id, reason)
    print_line(f"{ended.title!r} is confidential no more.")


@confidence_commands.command("list")
def list_items(
    context: typer.Context, as_json: AsJson = False, data: Data = None, debug: Debug = False
) -> None:
    """Show the newest hundred items and how many people accepted each."""
    session = session_of(context, debug)
    from unstrung.studio.confidences import service as confidences

    session.has_begun = True
    with transaction_on(data) as transaction:
        rows = [
            {
                "id": item.id, "title": item.title, "kind": str(item.kind), "accepted": accepted,
                "ends_at": item.ends_at.isoformat(), "state": confidences.state_of(item),
            }
            for item, accepted in confidences.list_asked(transaction, None, None, 100)
        ]  # fmt: skip
    if as_json:
        print_json({"confidences": rows})
        return
    for row in rows:
        print_line(
            f"{row['title']}: {row['kind']}, {row['state']}, until {row['ends_at']}, accepted by "
            f"{row['accepted']} ({row['id']})"
        )
    if not rows:
        print_line("Nothing is confidential.")
