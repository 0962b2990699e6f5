"""Webhooks: telling a person's own server that a video has ended."""
