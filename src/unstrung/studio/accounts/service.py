"""Rules about people: making them, finding them."""

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
    shown = " ".join(name.split())
    if not 0 < len(shown) <= 200:
        raise InvalidField(f"name must have 1 to 200 characters, got {len(shown)}", "name")
    person = Person(id=new_id("person"), name=shown, role=role, created_at=now())
    session.add(person)
    session.flush()
    return person


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
