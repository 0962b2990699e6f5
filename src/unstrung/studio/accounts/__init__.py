"""People who use the studio."""
