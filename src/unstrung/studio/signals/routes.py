"""Routes of keys, signals and canaries: parse, call, tell."""

from fastapi import APIRouter

from unstrung.studio.access import service as access
from unstrung.studio.access.schemas import (
    CreateKey,
    KeyList,
    KeyObject,
    KeyWithSecret,
    LeakedKeyResult,
    LeakedKeyResults,
    ReportLeakedKeys,
    key_fields,
)
from unstrung.studio.dependencies import BodyOf, CallerOf, Transaction, body_schema
from unstrung.studio.signals import service
from unstrung.studio.signals.schemas import (
    CanaryList,
    CanaryWithSecret,
    LayCanary,
    SettleSignal,
    SignalList,
    SignalObject,
    canary_object,
    signal_object,
)
from unstrung.studio.visitors import VisitorBodyOf

router = APIRouter(prefix="/programme/v1", tags=["keys"])


@router.get("/keys")
def list_keys(caller: CallerOf, session: Transaction) -> KeyList:
    """The caller's own keys, newest first."""
    found = access.own_keys(session, caller)
    return KeyList(data=[KeyObject(**key_fields(key)) for key in found])


@router.post("/keys", openapi_extra=body_schema(CreateKey))
def create_key(caller: CallerOf, body: BodyOf, session: Transaction) -> KeyWithSecret:
    """Make a key; it can do no more than the one that makes it."""
    asked = body.as_a(CreateKey)
    key, secret = access.create_own_key(session, caller, asked.name, asked.scopes, asked.expires_at)
    return KeyWithSecret(**key_fields(key), secret=secret)


@router.delete("/keys/{key_id}")
def revoke_key(caller: CallerOf, session: Transaction, key_id: str) -> KeyObject:
    """Make a key useless from now on."""
    return KeyObject(**key_fields(service.revoke_own_key(session, caller, key_id)))


@router.post("/keys/{key_id}/rotate")
def rotate_key(caller: CallerOf, session: Transaction, key_id: str) -> KeyWithSecret:
    """Give a key another secret; ends a suspension because it seemed to be in other hands."""
    key, secret = service.confirm(session, caller, key_id)
    return KeyWithSecret(**key_fields(key), secret=secret)


@router.post("/keys/leaked", openapi_extra=body_schema(ReportLeakedKeys))
def report_leaked_keys(body: VisitorBodyOf, session: Transaction) -> LeakedKeyResults:
    """For scanners of secrets: keys that were found are revoked; no key is needed to report one."""
    asked = body.as_a(ReportLeakedKeys)
    results = [
        LeakedKeyResult(
            token_prefix=each.token[:8],
            label=(
                "true_positive"
                if service.report_leaked(session, each.token, each.url)
                else "false_positive"
            ),
        )
        for each in asked.tokens
    ]
    return LeakedKeyResults(data=results, pattern=access.PATTERN.pattern)


@router.get("/signals")
def list_signals(caller: CallerOf, session: Transaction) -> SignalList:
    """One's own signals; all open ones for stewards."""
    return SignalList(data=[signal_object(each) for each in service.list_signals(session, caller)])


@router.post("/signals/{signal_id}/settle", openapi_extra=body_schema(SettleSignal))
def settle_signal(
    caller: CallerOf, body: BodyOf, session: Transaction, signal_id: str
) -> SignalObject:
    """Close a signal after looking at it."""
    asked = body.as_a(SettleSignal)
    return signal_object(service.settle(session, caller, signal_id, asked.outcome))


@router.post("/canaries", openapi_extra=body_schema(LayCanary))
def lay_canary(caller: CallerOf, body: BodyOf, session: Transaction) -> CanaryWithSecret:
    """Make a key that belongs to nobody, to lay out where nobody should read."""
    asked = body.as_a(LayCanary)
    canary, secret = service.lay_canary(session, caller, asked.place)
    return CanaryWithSecret(**canary_object(canary).model_dump(), secret=secret)


@router.get("/canaries")
def list_canaries(caller: CallerOf, session: Transaction) -> CanaryList:
    """All canaries and how often somebody used them; for stewards."""
    return CanaryList(data=[canary_object(each) for each in service.list_canaries(session, caller)])
