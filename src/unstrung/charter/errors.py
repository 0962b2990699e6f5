"""Every error that the charter raises on purpose.

    CharterError
    |-- InvalidField (also a ValueError)     a value that the caller gave breaks its rule
    |-- NotFound (also a LookupError)        there is no such version, language or clause
    `-- MalformedText                        a charter's file is not of the form (docs/charter.md)

A message names the field, the value, the rule and the nearest fix, in full sentences.
"""


class CharterError(Exception):
    """A charter that cannot be read, filled or compared, told in a sentence to act on."""

    def __init__(self, field: str, value: object, rule: str, fix: str = "") -> None:
        """Join the four parts into one sentence.

        Args:
            field: name of the argument, or the file and line.
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


class InvalidField(CharterError, ValueError):
    """A value that the caller gave breaks its rule."""


class NotFound(CharterError, LookupError):
    """There is no such version, language or clause."""


class MalformedText(CharterError):
    """A charter's file is not of the form, or its languages disagree."""
