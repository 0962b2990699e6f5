"""Printing: one JSON object for programs, aligned rows for people."""

import json
import sys
import unicodedata
from collections.abc import Mapping
from typing import Any


def print_json(values: Mapping[str, Any]) -> None:
    """Print exactly one JSON object on one line."""
    reads_unicode = (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"
    text = json.dumps(values, ensure_ascii=not reads_unicode)
    # A lone surrogate (bytes in an argument that are no text) cannot be written; its escape can.
    sys.stdout.write(text.encode("utf-8", "backslashreplace").decode("utf-8") + "\n")


def print_rows(rows: Mapping[str, object]) -> None:
    """Print names and values in two columns; empty values are left out."""
    shown = {name: str(value) for name, value in rows.items() if value not in (None, "", (), [])}
    width = max((len(name) for name in shown), default=0)
    for name, value in shown.items():
        print_line(f"  {name:<{width}}  {value}")


def print_line(text: str) -> None:
    """Print a line in which nothing can steer the terminal, whatever file or prompt it came from."""
    encoding = sys.stdout.encoding or "ascii"
    plain = without_controls(text).encode(encoding, "backslashreplace").decode(encoding)
    sys.stdout.write(plain + "\n")


def without_controls(text: str) -> str:
    """The text with every control character as a space."""
    return "".join(" " if unicodedata.category(letter) == "Cc" else letter for letter in text)
