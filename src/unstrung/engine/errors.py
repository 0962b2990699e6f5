"""Every error the engine raises on purpose.

    EngineError
    |-- InvalidRequest (also a ValueError)   the caller asked for something outside the rules
    |-- CheckpointError                      weights or training state are missing, cut off or foreign
    |-- DataError                            art, manifest or video file cannot be used
    |-- OutOfMemory                          the wanted grid does not fit this machine
    `-- Cancelled                            `on_step` asked the run to stop

A message names the field, the value, the rule and the nearest fix, in full sentences.
"""


class EngineError(Exception):
    """Something the engine refuses or fails at, told in a sentence that a person can act on."""


class InvalidRequest(EngineError, ValueError):
    """A field of the request breaks its rule."""

    def __init__(self, field: str, value: object, rule: str, fix: str = "") -> None:
        """Join the four parts into one sentence.

        Args:
            field: name of the argument as the caller spells it.
            value: what was given; long texts are cut.
            rule: what would be legal, completing "field must ...".
            fix: the nearest legal choice, completing "try ...".
        """
        shown = str(value)
        shown = shown if len(shown) <= 60 else f"{shown[:57]}... ({len(shown):,} characters)"
        message = f"{field} must {rule}, got {shown}" + (f"; try {fix}" if fix else "")
        super().__init__(message)
        self.field = field
        self.rule = rule
        self.fix = fix


class CheckpointError(EngineError):
    """Weights or training state are missing, incomplete or made for another model."""


class DataError(EngineError):
    """Art, a manifest or a video file is missing, damaged or not what it claims to be."""


class OutOfMemory(EngineError):
    """The wanted frames do not fit into this machine's memory."""


class Cancelled(EngineError):
    """The run was stopped from inside `on_step`."""
