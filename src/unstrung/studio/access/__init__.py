"""Keys: who is calling, and what the key may do."""
