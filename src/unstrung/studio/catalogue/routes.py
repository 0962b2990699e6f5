"""Routes of models."""

from fastapi import APIRouter

from unstrung.studio.catalogue import service
from unstrung.studio.catalogue.schemas import ModelList, ModelObject
from unstrung.studio.catalogue.service import Resolved
from unstrung.studio.dependencies import CallerOf, StudioOf, Transaction

router = APIRouter(prefix="/v1", tags=["models"])


@router.get("/models")
def list_models(studio: StudioOf, _: CallerOf, session: Transaction) -> ModelList:
    """Models that workers offer, and the aliases that old programs know them by."""
    aliases = studio.settings.model_aliases
    names = [model.name for model in service.list_models(session)]
    names += [alias for alias, name in aliases.items() if name in names]
    return ModelList(data=[_told(service.find_model(session, name, aliases)) for name in names])


@router.get("/models/{model_name}")
def get_model(studio: StudioOf, _: CallerOf, session: Transaction, model_name: str) -> ModelObject:
    """One model."""
    return _told(service.find_model(session, model_name, studio.settings.model_aliases))


def _told(model: Resolved) -> ModelObject:
    description = model.description
    return ModelObject(
        id=model.asked,
        created=int(model.row.created_at.timestamp()),
        alias_of=description.name if model.is_alias else None,
        capabilities=list(description.capabilities),
        sizes=list(description.sizes),
        frame_rate=description.frame_rate,
        max_seconds=description.max_seconds,
        languages=list(description.languages),
        parameters=description.parameters,
    )
