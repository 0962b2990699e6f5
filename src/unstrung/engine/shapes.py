"""The geometry of clips, owned in one place: nobody else divides by 16 or says "1 + 4k".

A clip has `1 + 4k` frames. The first frame is a latent frame of its own (so a still image is a clip of
one frame); every further latent frame covers four frames.
"""

from dataclasses import dataclass

from unstrung.engine.errors import InvalidRequest


@dataclass(frozen=True)
class Compression:
    """How many pixels of a clip one latent cell covers: frames, height, width."""

    frames: int = 4
    height: int = 16
    width: int = 16


COMPRESSION = Compression()


@dataclass(frozen=True)
class LatentShape:
    """Frames, height and width of a latent grid [cells]."""

    frames: int
    height: int
    width: int

    @property
    def num_cells(self) -> int:
        """Cells in the grid."""
        return self.frames * self.height * self.width


@dataclass(frozen=True)
class VideoShape:
    """Frames [1], height and width [px] of a clip that the latent grid can hold exactly."""

    frames: int
    height: int
    width: int

    def __post_init__(self) -> None:
        """Refuse shapes that no latent grid stands for."""
        step = COMPRESSION.frames
        if self.frames < 1 or (self.frames - 1) % step:
            raise InvalidRequest(
                "num_frames", self.frames, f"be 1 + {step}k", str(nearest_num_frames(self.frames))
            )
        for field, value, cell in (
            ("height", self.height, COMPRESSION.height),
            ("width", self.width, COMPRESSION.width),
        ):
            if value < cell or value % cell:
                fix = str(max(cell, round(value / cell) * cell))
                raise InvalidRequest(field, value, f"be a positive multiple of {cell} pixels", fix)

    @property
    def latent(self) -> LatentShape:
        """The latent grid of this clip."""
        return LatentShape(
            (self.frames - 1) // COMPRESSION.frames + 1,
            self.height // COMPRESSION.height,
            self.width // COMPRESSION.width,
        )

    @classmethod
    def of_latent(cls, latent: LatentShape) -> "VideoShape":
        """The clip that a latent grid decodes to."""
        return cls(
            1 + (latent.frames - 1) * COMPRESSION.frames,
            latent.height * COMPRESSION.height,
            latent.width * COMPRESSION.width,
        )


def nearest_num_frames(num_frames: float) -> int:
    """The legal frame count nearest to the wanted one (1 at the least)."""
    step = COMPRESSION.frames
    return 1 + step * max(0, round((num_frames - 1) / step))
