"""Wire format of models."""

from typing import Any, Literal

from pydantic import BaseModel, Field


class ModelObject(BaseModel):
    """A model, in its own description."""

    id: str
    object: Literal["model"] = "model"
    created: int
    owned_by: Literal["unstrung"] = "unstrung"
    alias_of: str | None = Field(None, description="The model behind an alias.")
    capabilities: list[str]
    sizes: list[str] = Field(description="Sizes that it was trained for, the native one first.")
    frame_rate: int
    max_seconds: float
    languages: list[str] = Field(description="Languages of prompts.")
    parameters: dict[str, Any] = Field(description="JSON Schema of what a request may set.")


class ModelList(BaseModel):
    """All models."""

    object: Literal["list"] = "list"
    data: list[ModelObject]
