"""Unstrung: open text-to-video, and early access done fairly."""

__version__ = "0.1.0"
