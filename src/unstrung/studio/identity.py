"""Names of rows: a prefix that says what it is, the time in milliseconds, and chance.

The time in front makes newer names greater, so lists page by the name alone and an index grows at its end.
"""

import secrets
import time
from datetime import datetime


def new_id(prefix: str) -> str:
    """A new name such as `video_019a...`: 48 bits of time, 80 of chance (as in UUID 7, RFC 9562)."""
    milliseconds = time.time_ns() // 1_000_000
    return f"{prefix}_{milliseconds:012x}{secrets.token_hex(10)}"


def first_id(prefix: str, moment: datetime) -> str:
    """What every name made from a moment on is greater than."""
    return f"{prefix}_{int(moment.timestamp() * 1000):012x}"
