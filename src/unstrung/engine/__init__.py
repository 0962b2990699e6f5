"""The public names of the engine.

What is exported here must not import torch: the command line and the studio load this package at
start-up. Whoever computes imports `unstrung.engine.pipeline` when there is something to compute.
"""

from unstrung.engine.errors import (
    Cancelled,
    CheckpointError,
    DataError,
    EngineError,
    InvalidRequest,
    OutOfMemory,
)
from unstrung.engine.shapes import (
    COMPRESSION,
    Compression,
    LatentShape,
    VideoShape,
    nearest_num_frames,
)

__all__ = [
    "COMPRESSION",
    "Cancelled",
    "CheckpointError",
    "Compression",
    "DataError",
    "EngineError",
    "InvalidRequest",
    "LatentShape",
    "OutOfMemory",
    "VideoShape",
    "nearest_num_frames",
]
