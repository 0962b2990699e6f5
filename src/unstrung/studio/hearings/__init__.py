"""Hearings: appeals from the side of those who hear them, one person or a panel of three."""
