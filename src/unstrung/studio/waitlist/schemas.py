"""Wire format of the waitlist."""

from typing import Literal

from pydantic import BaseModel, Field


class ForecastObject(BaseModel):
    """When a seat may be free, and what that rests on."""

    days: int | None = Field(description="0 if a seat is free now, None if it is unknown.")
    says: str = Field(description="The same in a sentence.")
    free_seats: int
    freed_seats: int = Field(description="Seats that were left within the last 30 days.")


class WaitlistObject(BaseModel):
    """How long a cohort's waitlist is; everybody may see it."""

    object: Literal["waitlist"] = "waitlist"
    cohort_id: str
    waiting: int
    rule: str = Field(description="The order of the waitlist.")
    forecast: ForecastObject = Field(description="For whoever would apply now.")
    num_declined: int = Field(description="Invitations that were declined.")
    admitted_out_of_turn: list[str] = Field(
        description="Public reasons of those who were admitted before others, newest first."
    )


def forecast_object(days: int | None, free: int, freed: int) -> ForecastObject:
    """A forecast as it is told."""
    if days is None:
        says = "Unknown: no seat is free, and none was freed within 30 days."
    elif days == 0:
        says = "A seat is free; stewards decide by the published criteria."
    else:
        says = (
            f"About {days} days, if seats are freed as they were within 30 days ({freed}); "
            "it is no promise."
        )
    return ForecastObject(days=days, says=says, free_seats=free, freed_seats=freed)
