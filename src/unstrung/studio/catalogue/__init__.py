"""Models that workers offer."""
