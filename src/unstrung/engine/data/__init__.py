"""Clips become shards of latents on disk, and shards become batches."""
