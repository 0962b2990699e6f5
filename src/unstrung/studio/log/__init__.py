"""The transparency log: what was done, committed to so that nobody can change it unnoticed."""
