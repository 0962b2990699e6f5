"""Wire format of consents: what may be asked, and what is told."""

from datetime import datetime
from typing import Final, Literal

from pydantic import BaseModel, Field, StrictBool

from unstrung.studio.consents.models import Consent, Use
from unstrung.studio.fields import StrictRequest


class ChangeConsent(StrictRequest):
    """Give or withdraw a consent."""

    given: StrictBool
    video_id: str | None = Field(
        None,
        max_length=64,
        description="A video of one's own, whose word goes before the general one; left out for everything.",
    )


BODIES: Final = (ChangeConsent,)


class ExportConsented(StrictRequest):
    """For which use videos are wanted."""

    use: Use


class ConsentObject(BaseModel):
    """One yes or no."""

    object: Literal["consent"] = "consent"
    use: Use
    video_id: str | None = Field(description="None for everything.")
    given: bool
    decided_at: datetime
    receipt_id: str = Field(description="Entry of the log.")


class ConsentState(BaseModel):
    """What holds now, and how it came to be."""

    object: Literal["consents"] = "consents"
    current: dict[Use, bool] = Field(description="For everything; no, unless it was given.")
    videos: dict[str, dict[Use, bool]] = Field(description="Videos with a word of their own.")
    history: list[ConsentObject] = Field(description="Every change, oldest first.")


class ConsentedVideo(BaseModel):
    """One line of the export: a video whose owner consents to a use; it says nothing of the owner."""

    video_id: str
    use: Use
    consented_at: datetime = Field(description="When the word that holds was given.")
    covers: Literal["everything", "this video"]
    created_at: datetime
    model: str
    prompt: str
    caption: str | None
    size: str
    seconds: str
    seed: int | None
    recipe: dict[str, object]
    content: str = Field(description="Where the file is, for an admin's key.")


def consent_object(consent: Consent) -> ConsentObject:
    """A row as it is told."""
    return ConsentObject(
        use=consent.use,
        video_id=consent.video_id,
        given=consent.given,
        decided_at=consent.decided_at,
        receipt_id=consent.entry_id,
    )
