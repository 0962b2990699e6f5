"""Every error that the assessment of risks raises on purpose.

    RiskError
    |-- InvalidInput (also a ValueError)   what was given to assess is not of the form that can be assessed
    |-- ListError                          a file of words or rules breaks the form of such files
    `-- ModelMissing                       the image classifier is not installed, or not the one measured

A message names the field, the value, the rule and the nearest fix. That a prompt or a clip belongs to a
class is never an error: it is an `Assessment`.
"""


class RiskError(Exception):
    """Something that the assessment refuses or fails at, told in a sentence that a person can act on."""


def _sentence(field: str, value: object, rule: str, fix: str) -> str:
    shown = str(value)
    shown = shown if len(shown) <= 60 else f"{shown[:57]}... ({len(shown):,} characters)"
    return f"{field} must {rule}, got {shown}" + (f"; try {fix}" if fix else "")


class InvalidInput(RiskError, ValueError):
    """What was given breaks its rule."""

    def __init__(self, field: str, value: object, rule: str, fix: str = "") -> None:
        """Join the four parts into one sentence.

        Args:
            field: name of the argument as the caller spells it.
            value: what was given; long texts are cut.
            rule: what would be legal, completing "field must ...".
            fix: the nearest legal choice, completing "try ...".
        """
        super().__init__(_sentence(field, value, rule, fix))
        self.field = field
        self.rule = rule
        self.fix = fix


class ListError(RiskError):
    """A file of words or rules breaks the form of such files."""

    def __init__(self, field: str, value: object, rule: str, fix: str = "") -> None:
        """Join place in the file, value, rule and nearest fix into one sentence."""
        super().__init__(_sentence(field, value, rule, fix))
        self.field = field
        self.rule = rule
        self.fix = fix


class ModelMissing(RiskError):
    """The image classifier is not installed, or its weights are not those that were measured."""
