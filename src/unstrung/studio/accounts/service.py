"""Rules about people: making them, finding them."""

from collections.abc import Iterable

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from unstrung.studio.accounts.models import Person, Role
from unstrung.studio.database import now
from unstrung.studio.errors import InvalidField, NotFound
from unstrung.studio.identity import new_id


def create_person(session: Session, name: str, role: Role = Role.MEMBER) -> Person:
    """Add a person.

    Raises:
        InvalidField: if the name is empty or longer than 200 characters.
    """
    person = Person(id=new_id("person"), name=_checked_name(name), role=role, created_at=now())
    session.add(person)
    session.flush()
    return person


def rename_person(session: Session, person_id: str, name: str) -> Person:
    """Call somebody otherwise from now on.

    Raises:
        InvalidField: if the name is empty or longer than 200 characters.
    """
    person = session.get_one(Person, person_id, with_for_update=True)
    person.name = _checked_name(name)
    session.flush()
    return person


def names_of(session: Session, person_ids: Iterable[str]) -> dict[str, str]:
    """What some people want to be called."""
    query = select(Person.id, Person.name).where(Person.id.in_(set(person_ids)))
    return {row.id: row.name for row in session.execute(query)}


def _checked_name(name: str) -> str:
    shown = " ".join(name.replace("\x00", "").split())
    if not 0 < len(shown) <= 200:
        raise InvalidField(f"name must have 1 to 200 characters, got {len(shown)}", "name")
    return shown


def find_person(session: Session, name_or_id: str) -> Person:
    """A person by id, or by name where only one has it.

    Raises:
        NotFound: if there is none.
        InvalidField: if several people have that name.
    """
    query = select(Person).where((Person.id == name_or_id) | (Person.name == name_or_id))
    found = session.scalars(query.limit(2)).all()
    if not found:
        raise NotFound(f"There is no person {name_or_id!r}.", "person")
    if len(found) > 1:
        raise InvalidField(f"Several people are called {name_or_id!r}; use an id.", "person")
    return found[0]


def has_people(session: Session) -> bool:
    """Whether anybody has been added yet."""
    return bool(
        session.scalar(select(func.count()).select_from(select(Person.id).limit(1).subquery()))
    )
