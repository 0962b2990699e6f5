"""Routes of release stages: parse, call, tell."""

from fastapi import APIRouter
from sqlalchemy.orm import Session

from unstrung.studio.admission import service as admission
from unstrung.studio.admission.routes import PathId
from unstrung.studio.dependencies import BodyOf, CallerOf, Transaction, body_schema
from unstrung.studio.stages import service
from unstrung.studio.stages.models import Stage
from unstrung.studio.stages.schemas import (
    AddGate,
    GateObject,
    MoveStage,
    OpenGate,
    ReopenGate,
    StageObject,
    StagesObject,
    gate_object,
    move_object,
)
from unstrung.studio.visitors import VisitorOf

router = APIRouter(prefix="/programme/v1", tags=["stages"])


@router.get("/stages")
def get_stages(_: VisitorOf, session: Transaction) -> StagesObject:
    """How far the release is, and the gates of every stage; everybody may see them."""
    return _told(session)


@router.post("/stages/move", openapi_extra=body_schema(MoveStage))
def move_stage(caller: CallerOf, body: BodyOf, session: Transaction) -> StagesObject:
    """Move to the next stage when its gates are open, or back with a public reason (stewards)."""
    asked = body.as_a(MoveStage)
    service.move(session, caller, asked.stage, asked.reason)
    return _told(session)


@router.post("/stages/gates", openapi_extra=body_schema(AddGate))
def add_gate(caller: CallerOf, body: BodyOf, session: Transaction) -> GateObject:
    """Add a gate before a stage that has not begun (stewards)."""
    asked = body.as_a(AddGate)
    return gate_object(service.add_gate(session, caller, asked.stage, asked.text))


@router.post("/stages/gates/{gate_id}/open", openapi_extra=body_schema(OpenGate))
def open_gate(caller: CallerOf, body: BodyOf, session: Transaction, gate_id: PathId) -> GateObject:
    """Note that what a gate asks for is done, with evidence (stewards)."""
    asked = body.as_a(OpenGate)
    return gate_object(service.open_gate(session, caller, gate_id, asked.evidence_url))


@router.post("/stages/gates/{gate_id}/reopen", openapi_extra=body_schema(ReopenGate))
def reopen_gate(
    caller: CallerOf, body: BodyOf, session: Transaction, gate_id: PathId
) -> GateObject:
    """Note that it is not done after all, with a public reason (stewards)."""
    asked = body.as_a(ReopenGate)
    return gate_object(service.reopen_gate(session, caller, gate_id, asked.reason))


def _told(session: Session) -> StagesObject:
    present, gates = admission.current_stage(session), service.list_gates(session)
    return StagesObject(
        current=present,
        stages=[
            StageObject(
                name=stage,
                is_reached=service.is_reached(present, stage),
                gates=[gate_object(gate) for gate in gates if gate.stage == stage],
            )
            for stage in Stage
        ],
        moves=[move_object(each) for each in service.list_moves(session)],
    )
