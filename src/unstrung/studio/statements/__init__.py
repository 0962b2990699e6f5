"""Statements of reasons: what was decided against somebody, on what ground, and how to contest it."""
