"""Rules about models: which are offered, and which one a name means."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import Select, delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import InstrumentedAttribute, Session

from unstrung.engine.description import Capability, ModelDescription
from unstrung.studio.catalogue.models import Model, Worker
from unstrung.studio.database import now
from unstrung.studio.errors import NotFound, ServiceFault, UnsupportedByModel

_DATE = re.compile(r"-\d{4}-\d{2}-\d{2}$")
_NEW_RUN_WEIGHT = 0.2
_ALIVE = timedelta(seconds=30)


@dataclass(frozen=True)
class Resolved:
    """What a model's name means.

    Attributes:
        asked: the name as it was given.
        row: the model's row.
        description: in its own words.
        is_alias: whether another model's name was given.
    """

    asked: str
    row: Model
    description: ModelDescription
    is_alias: bool

    def must(self, capability: Capability, param: str | None = None) -> None:
        """Refuse what the model cannot do.

        Raises:
            UnsupportedByModel: naming what it can do.
        """
        if capability not in self.description.capabilities:
            able = ", ".join(self.description.capabilities)
            raise UnsupportedByModel(
                f"The model '{self.description.name}' does not do {capability}; it does {able}.",
                param,
            )


def offer(session: Session, description: ModelDescription) -> None:
    """Note that a worker offers a model, in its newest description."""
    moment = now()
    values = {"description": description.to_dict(), "offered_at": moment}
    statement = insert(Model).values(name=description.name, created_at=moment, **values)
    session.execute(statement.on_conflict_do_update(index_elements=[Model.name], set_=values))


def sign_in(session: Session, worker_id: str, model: str) -> None:
    """Note a sign of life of a worker."""
    moment = now()
    statement = insert(Worker).values(id=worker_id, model=model, started_at=moment, seen_at=moment)
    session.execute(
        statement.on_conflict_do_update(index_elements=[Worker.id], set_={"seen_at": moment})
    )


def sign_out(session: Session, worker_id: str) -> None:
    """Note that a worker has stopped, and forget those that died long ago."""
    session.execute(
        delete(Worker).where((Worker.id == worker_id) | (Worker.seen_at < now() - 10 * _ALIVE))
    )


def num_workers(session: Session) -> int:
    """Workers that gave a sign of life of late."""
    return session.scalar(workers_of()) or 0


def workers_of(model: InstrumentedAttribute[str] | None = None) -> Select[int]:
    """How to count the workers that gave a sign of life of late, of one model or of all."""
    alive = select(func.count()).select_from(Worker).where(Worker.seen_at > now() - _ALIVE)
    return alive if model is None else alive.where(Worker.model == model)


def list_models(session: Session) -> Sequence[Model]:
    """All models that were ever offered, by name."""
    return session.scalars(select(Model).order_by(Model.name)).all()


def resolve(session: Session, asked: str, aliases: Mapping[str, str]) -> Resolved:
    """The model that a name means; a date after an alias is ignored.

    Raises:
        NotFound: for an unknown name, with the known ones.
        ServiceFault: if no worker has offered a model yet.
    """
    name = aliases.get(_DATE.sub("", asked), asked)
    row = session.get(Model, name)
    if row is None:
        known = [model.name for model in list_models(session)]
        if not known or name != asked:
            raise ServiceFault(
                f"No worker offers the model '{name}' yet; start one with `unstrung worker`.",
                "model",
                "no_worker",
                retry_after_s=2,
            )
        names = ", ".join([*known, *aliases])
        raise NotFound(
            f"model must be one of {names}, got '{asked[:100]}'.", "model", "model_not_found"
        )
    return Resolved(asked, row, ModelDescription.from_dict(row.description), name != asked)


def find_model(session: Session, name: str, aliases: Mapping[str, str]) -> Resolved:
    """The model behind a name of the catalogue.

    Raises:
        NotFound: if there is none.
    """
    try:
        return resolve(session, name, aliases)
    except ServiceFault as error:
        raise NotFound(
            f"The model '{name[:100]}' does not exist.", "model", "model_not_found"
        ) from error


def note_run(session: Session, name: str, seconds: float) -> None:
    """Let the forecast follow how long a video took."""
    row = session.get(Model, name, with_for_update=True)
    if row is not None:
        before = row.mean_run_s
        row.mean_run_s = (
            seconds if before is None else before + _NEW_RUN_WEIGHT * (seconds - before)
        )
