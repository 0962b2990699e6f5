"""Figures about the programme that no one domain owns; read-only, and about nobody in particular."""
