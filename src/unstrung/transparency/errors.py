"""Every error the transparency log raises on purpose.

    TransparencyError
    |-- InvalidText (also a ValueError)   a key, note, checkpoint, entry, path or receipt is not of its form
    |-- BadSignature                      nobody who is trusted has signed this, or a signature is wrong
    |-- BadProof                          hashes do not lead to the root
    |-- LogUnreadable                     a file of the log is missing, cut off or out of reach
    |-- LogDamaged                        files of the log contradict each other
    |-- HistoryRewritten                  the log contradicts what it has signed before
    `-- NotWritten                        the folder cannot be written, or another process is writing it

A message names the field, the value, the rule and the nearest fix, in one sentence.
"""


class TransparencyError(Exception):
    """Something about a log that cannot be accepted, told in a sentence that a person can act on."""

    def __init__(self, field: str, value: object, rule: str, fix: str = "") -> None:
        """Join the four parts into one sentence.

        Args:
            field: what is at fault, as its format calls it.
            value: what was found; long texts are cut.
            rule: what would be right, completing "field must ...".
            fix: the nearest thing to do, completing "try ...".
        """
        shown = str(value)
        shown = shown if len(shown) <= 100 else f"{shown[:97]}... ({len(shown):,} characters)"
        super().__init__(f"{field} must {rule}, got {shown}" + (f"; try {fix}" if fix else ""))
        self.field = field
        self.rule = rule
        self.fix = fix


class InvalidText(TransparencyError, ValueError):
    """A text or a value is not of the form that its specification asks for."""


class BadSignature(TransparencyError):
    """No trusted key has signed, or the signature of a trusted key is wrong."""


class BadProof(TransparencyError):
    """The hashes of a proof do not lead where they should."""


class LogUnreadable(TransparencyError):
    """A file of the log is missing, cut off or out of reach."""


class LogDamaged(TransparencyError):
    """Two files of the log contradict each other."""


class HistoryRewritten(TransparencyError):
    """The log has forked or shrunk: it contradicts a checkpoint that it signed before."""


class NotWritten(TransparencyError):
    """The folder cannot be written, or another process is writing it."""
