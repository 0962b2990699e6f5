"""Feedback: notes on a moment of a clip, which nobody owes and nobody counts."""
