"""Roles of the programme over the wire: granted, handed back, withdrawn with reasons."""
