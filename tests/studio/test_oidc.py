from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from fastapi.testclient import TestClient
from joserfc.jwk import ECKey
from pydantic import ValidationError
from sqlalchemy import select, text, update

from studio.authenticator import SESSION, browsing, let_pass
from studio.conftest import People
from studio.issuers import Issuer, issuing, shared_secret
from studio.signing_in import OWNER, mails
from unstrung.studio.accounts import service as accounts
from unstrung.studio.accounts.models import Person
from unstrung.studio.app import create_app
from unstrung.studio.database import Database
from unstrung.studio.logins import service as logins
from unstrung.studio.logins.models import OutsideIdentity
from unstrung.studio.settings import OidcIssuer, Settings

pytestmark = [pytest.mark.enable_socket, pytest.mark.allow_hosts(["127.0.0.1"])]
START, CALLBACK = f"{SESSION}/oidc/ours/start", f"{SESSION}/oidc/ours/callback"


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    with issuing() as found:
        yield found


@pytest.fixture
def with_issuer(settings: Settings, issuer: Issuer) -> Settings:
    known = OidcIssuer(
        issuer=issuer.url, client_id=issuer.client_id, client_secret=issuer.client_secret
    )  # type: ignore[arg-type]
    return settings.model_copy(update={"oidc_issuers": {"ours": known, "theirs": known}})


@pytest.fixture
def browser(with_issuer: Settings, database: Database, people: People) -> Iterator[TestClient]:
    with browsing(create_app(with_issuer)) as opened:
        yield opened


@pytest.fixture
def known_id(database: Database, people: People, issuer: Issuer) -> str:
    """A person whom the issuer knows."""
    with database.transaction() as session:
        person_id = accounts.find_person(session, "owner").id
        session.add(
            OutsideIdentity(
                id="identity_1", person_id=person_id, issuer=issuer.url, subject=issuer.subject,
                created_at=accounts.now(),
            )
        )  # fmt: skip
    return person_id


def start(browser: TestClient, path: str = START, **body: Any) -> str:
    answer = browser.post(path, json=body)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["url"])


def code_of(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


def test_somebody_whom_the_issuer_knows_is_signed_in(
    browser: TestClient, issuer: Issuer, known_id: str
) -> None:
    url = start(browser)
    asked = parse_qs(urlsplit(url).query)
    assert asked["scope"] == ["openid profile"]
    assert asked["redirect_uri"] == [f"http://localhost:8300{CALLBACK}"]
    answer = browser.get(CALLBACK, params=issuer.authorise(url))
    assert (answer.status_code, answer.json()["person_id"]) == (200, known_id), answer.text
    assert answer.json()["session"]["way"] == "oidc"
    assert browser.get(SESSION).json()["person_id"] == known_id
    # The verifier went to the issuer alone.
    assert len(issuer.asked[0]["code_verifier"]) >= 43
    assert issuer.asked[0]["code_verifier"] not in url


def test_an_unknown_identity_makes_no_account_unless_that_is_open(
    browser: TestClient, issuer: Issuer, with_issuer: Settings, database: Database
) -> None:
    refused = browser.get(CALLBACK, params=issuer.authorise(start(browser)))
    assert code_of(refused) == (403, "registration_closed")
    opened = create_app(with_issuer.model_copy(update={"open_registration": True}))
    with browsing(opened) as newcomer:
        first = newcomer.get(CALLBACK, params=issuer.authorise(start(newcomer)))
        again = newcomer.get(CALLBACK, params=issuer.authorise(start(newcomer)))
        assert first.json()["person_id"] == again.json()["person_id"]
        assert newcomer.get(SESSION).json()["name"] == "Somebody"


def test_a_sign_in_by_an_issuer_from_elsewhere_is_told(
    browser: TestClient, issuer: Issuer, known_id: str, with_issuer: Settings, database: Database
) -> None:
    with database.transaction() as session:
        logins.add_address(session, known_id, OWNER, is_verified=True)
        session.execute(update(Person).values(created_at=Person.created_at - timedelta(days=2)))
    answer = browser.get(CALLBACK, params=issuer.authorise(start(browser)))
    assert answer.status_code == 200, answer.text
    assert [each["to"] for each in mails(with_issuer)] == [OWNER]


def test_an_address_in_a_token_links_nobody(
    browser: TestClient, issuer: Issuer, database: Database, people: People
) -> None:
    with database.transaction() as session:
        owner = accounts.find_person(session, "owner")
        logins.add_address(session, owner.id, "owner@example.org", is_verified=True)
    issuer.claims = {"email": "owner@example.org", "email_verified": True}
    refused = browser.get(CALLBACK, params=issuer.authorise(start(browser)))
    assert code_of(refused) == (403, "registration_closed")


def test_a_return_that_this_browser_did_not_begin_is_refused(
    browser: TestClient, issuer: Issuer, with_issuer: Settings, known_id: str
) -> None:
    # The attacker's own code, which would sign the victim in as the attacker.
    with browsing(create_app(with_issuer)) as attacker:
        theirs = issuer.authorise(start(attacker))
    assert code_of(browser.get(CALLBACK, params=theirs)) == (401, "sign_in_expired")
    ours = issuer.authorise(start(browser))
    mixed = browser.get(CALLBACK, params={**ours, "state": theirs["state"]})
    assert code_of(mixed) == (401, "issuer_refused")
    # It is used up, also for the right answer.
    assert code_of(browser.get(CALLBACK, params=ours)) == (401, "sign_in_expired")


@pytest.mark.parametrize(
    "spoil",
    [
        {"state": ""},
        {"state": "é"},
        {"code": ""},
        {"error": "access_denied"},
        {"iss": "https://evil.example"},
    ],
    ids=str,
)
def test_a_return_with_a_part_missing_or_wrong_is_refused(
    browser: TestClient, issuer: Issuer, known_id: str, spoil: dict[str, str]
) -> None:
    back = {**issuer.authorise(start(browser)), **spoil}
    assert code_of(browser.get(CALLBACK, params=back)) == (401, "issuer_refused")
    assert issuer.asked == []


def test_one_issuers_return_is_not_taken_for_another(
    browser: TestClient, issuer: Issuer, known_id: str
) -> None:
    back = issuer.authorise(start(browser))
    mixed = browser.get(f"{SESSION}/oidc/theirs/callback", params=back)
    assert code_of(mixed) == (401, "issuer_refused")


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "https://evil.example"}, {"aud": "another"}, {"nonce": "another"}, {"nonce": None},
        {"exp": 1_000_000_000}, {"sub": None}, {"sub": ""}, {"sub": "x" * 256},
        {"aud": ["unstrung", "another"], "azp": "another"}, {"at_hash": "AAAA"}, {"iss": None},
    ],
    ids=str,
)  # fmt: skip
def test_a_token_with_a_wrong_claim_is_refused(
    browser: TestClient, issuer: Issuer, known_id: str, claims: dict[str, Any]
) -> None:
    issuer.claims = claims
    refused = browser.get(CALLBACK, params=issuer.authorise(start(browser)))
    assert code_of(refused) == (401, "issuer_refused")
    assert browser.get(SESSION).status_code == 401


def test_a_token_signed_by_anybody_else_is_refused(
    browser: TestClient, issuer: Issuer, known_id: str
) -> None:
    issuer.signer = ECKey.generate_key("P-256", {"kid": "k1"})
    refused = browser.get(CALLBACK, params=issuer.authorise(start(browser)))
    assert code_of(refused) == (401, "issuer_refused")
    issuer.algorithm, issuer.signer = "HS256", shared_secret(issuer)
    refused = browser.get(CALLBACK, params=issuer.authorise(start(browser)))
    assert code_of(refused) == (401, "issuer_refused")


@pytest.mark.parametrize(
    "described",
    [
        {"issuer": "https://evil.example"}, {"token_endpoint": "http://evil.example/token"},
        {"jwks_uri": None}, {"authorization_endpoint": "javascript:alert(1)"},
    ],
    ids=str,
)  # fmt: skip
def test_an_issuer_that_describes_another_is_not_believed(
    browser: TestClient, issuer: Issuer, described: dict[str, Any]
) -> None:
    issuer.described = described
    assert code_of(browser.post(START, json={})) == (401, "issuer_refused")


def test_an_issuer_that_is_away_is_our_fault_and_not_the_persons(
    browser: TestClient, issuer: Issuer
) -> None:
    issuer.described = {"token_endpoint": "http://127.0.0.1:9/token"}
    back = issuer.authorise(start(browser))
    assert code_of(browser.get(CALLBACK, params=back)) == (503, "service_unavailable")


def test_the_browser_goes_on_to_a_path_of_ours(
    browser: TestClient, issuer: Issuer, known_id: str
) -> None:
    back = issuer.authorise(start(browser, return_to="/videos?page=2"))
    answer = browser.get(CALLBACK, params=back, follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, "/videos?page=2")
    assert browser.get(SESSION).json()["person_id"] == known_id


@pytest.mark.parametrize(
    "target",
    ["https://evil.example", "//evil.example", "/\\evil.example", "evil", "/\t/evil.example", "/a\\b",
     "/\r\nset-cookie: x=y", "", "javascript:alert(1)", "/é"],
)  # fmt: skip
def test_the_browser_is_sent_nowhere_else(browser: TestClient, target: str) -> None:
    refused = browser.post(START, json={"return_to": target})
    assert code_of(refused) == (400, "invalid_value")


def test_an_identity_is_added_to_the_account_that_is_signed_in(
    browser: TestClient, issuer: Issuer, with_issuer: Settings, database: Database, people: People
) -> None:
    add = f"{SESSION}/oidc/ours/add"
    with database.transaction() as session:
        owner_id = accounts.find_person(session, "owner").id
        other_id = accounts.find_person(session, "other").id
        links = [logins.link_for(session, with_issuer, each) for each in (owner_id, other_id)]
    tokens = [link.partition("#")[2] for link in links]
    assert browser.post(add, json={}).status_code == 401
    browser.post(f"{SESSION}/email/redeem", json={"token": tokens[0]})
    added = browser.get(CALLBACK, params=issuer.authorise(start(browser, add)))
    assert added.json()["person_id"] == owner_id
    let_pass(database, timedelta(minutes=11))
    assert code_of(browser.post(add, json={})) == (401, "fresh_sign_in_required")
    browser.post(f"{SESSION}/email/redeem", json={"token": tokens[1]})
    taken = browser.get(CALLBACK, params=issuer.authorise(start(browser, add)))
    assert code_of(taken) == (409, "identity_taken")
    with database.transaction() as session:
        assert [each.person_id for each in session.scalars(select(OutsideIdentity))] == [owner_id]


def test_a_session_that_ended_meanwhile_adds_nothing(
    browser: TestClient, issuer: Issuer, with_issuer: Settings, database: Database, people: People
) -> None:
    with database.transaction() as session:
        owner_id = accounts.find_person(session, "owner").id
        link = logins.link_for(session, with_issuer, owner_id)
    browser.post(f"{SESSION}/email/redeem", json={"token": link.partition("#")[2]})
    back = issuer.authorise(start(browser, f"{SESSION}/oidc/ours/add"))
    with database.transaction() as session:
        session.execute(text("UPDATE sessions SET revoked_at = now()"))
    assert code_of(browser.get(CALLBACK, params=back)) == (401, "sign_in_expired")


def test_issuers_are_listed_without_their_secrets(browser: TestClient, issuer: Issuer) -> None:
    answer = browser.get(f"{SESSION}/oidc")
    assert [each["name"] for each in answer.json()["data"]] == ["ours", "theirs"]
    assert issuer.client_secret not in answer.text


def test_an_issuer_is_set_up_by_its_address_over_tls(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(
        "UNSTRUNG_OIDC_ISSUERS",
        '{"huggingface": {"issuer": "https://huggingface.co", "client_id": "x", "client_secret": "y"}}',
    )
    found = Settings().oidc_issuers["huggingface"]
    assert found.issuer == "https://huggingface.co"
    assert "y" not in repr(found.client_secret)
    for issuer in ("http://evil.example", "huggingface.co", "https://user@evil.example"):
        with pytest.raises(ValidationError):
            OidcIssuer(issuer=issuer, client_id="x")
    with pytest.raises(ValidationError):
        OidcIssuer(issuer="https://huggingface.co", client_id="x", scope="profile")
