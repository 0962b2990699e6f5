"""Invitations: a code for a seat, and what those say who decline."""
