"""Wire format of erasure; an export is a ZIP archive and describes itself in its README.txt."""

from typing import Final, Literal

from pydantic import BaseModel, Field

from unstrung.studio.fields import StrictRequest


class EraseMe(StrictRequest):
    """Have everything erased that is one's own."""

    confirm: str = Field(max_length=64, description="The id of the person who asks: one's own.")


BODIES: Final = (EraseMe,)


class Remains(BaseModel):
    """Something that stays, and why."""

    what: str
    count: int
    why: str


class ErasureObject(BaseModel):
    """What was erased, and what is left."""

    object: Literal["erasure"] = "erasure"
    person_id: str
    deleted: dict[str, int] = Field(description="Kind of rows to how many.")
    remains: list[Remains] = Field(description="What stays without a name, and why.")
