"""The charter of an early-access programme: its texts in six languages, and what changes between versions."""
