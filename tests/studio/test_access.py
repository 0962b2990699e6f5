from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unstrung.studio.access import service as access
from unstrung.studio.access.models import Scope
from unstrung.studio.accounts import service as accounts
from unstrung.studio.accounts.models import Role
from unstrung.studio.database import Database, now
from unstrung.studio.errors import Forbidden, InvalidField, NotFound, Unauthenticated


def test_a_key_has_the_published_form() -> None:
    secret = access.make_secret()
    assert access.PATTERN.fullmatch(secret)
    assert access.looks_like_key(secret)


@given(st.integers(4, 39), st.sampled_from("09azAZ"))
def test_one_wrong_character_is_noticed_without_a_database(place: int, letter: str) -> None:
    secret = access.make_secret()
    changed = secret[:place] + letter + secret[place + 1 :]
    assert changed == secret or not access.looks_like_key(changed)


def test_only_the_digest_of_a_key_is_kept(database: Database) -> None:
    with database.transaction() as session:
        person = accounts.create_person(session, "Somebody")
        key, secret = access.create_key(session, person, "laptop")
    kept = [str(value) for value in vars(key).values()]
    assert not any(secret in value for value in kept)


def test_a_good_key_names_its_person_and_notes_its_use(database: Database) -> None:
    with database.transaction() as session:
        person = accounts.create_person(session, "Somebody")
        key, secret = access.create_key(session, person, "laptop")
    with database.transaction() as session:
        caller = access.recognise(session, secret)
    with database.transaction() as session:
        used = access.list_keys(session)[0][0].last_used_at
    assert (caller.person_id, caller.key_id, caller.is_admin) == (person.id, key.id, False)
    assert used is not None


def test_bad_keys_are_told_apart(database: Database) -> None:
    with database.transaction() as session:
        person = accounts.create_person(session, "Somebody")
        revoked, revoked_secret = access.create_key(session, person, "lost")
        access.revoke_key(session, revoked.id)
        late, late_secret = access.create_key(
            session, person, "late", expires_at=now() + timedelta(days=1)
        )
        late.expires_at = now() - timedelta(seconds=1)
    for secret, code in [
        (None, "missing_api_key"),
        ("sk-123", "invalid_api_key"),
        (access.make_secret(), "invalid_api_key"),
        (revoked_secret, "revoked_api_key"),
        (late_secret, "expired_api_key"),
    ]:
        with database.transaction() as session, pytest.raises(Unauthenticated) as caught:
            access.recognise(session, secret)
        assert caught.value.code == code


def test_an_admin_scope_needs_an_admin(database: Database) -> None:
    with database.transaction() as session:
        person = accounts.create_person(session, "Somebody")
        with pytest.raises(InvalidField, match="no admin"):
            access.create_key(session, person, "x", [Scope.ADMIN])
        admin = accounts.create_person(session, "Steward", Role.ADMIN)
        _, secret = access.create_key(session, admin, "x", list(Scope))
        assert access.recognise(session, secret).is_admin


def test_a_key_without_a_scope_is_refused_by_name() -> None:
    caller = access.Caller("person_1", "key_1", False, frozenset({"read"}))
    with pytest.raises(Forbidden, match="generate"):
        caller.must_have(Scope.GENERATE)


def test_unknown_keys_and_people_are_not_found(database: Database) -> None:
    with database.transaction() as session:
        with pytest.raises(NotFound):
            access.revoke_key(session, "key_nobody")
        with pytest.raises(NotFound):
            accounts.find_person(session, "nobody")
