"""The waitlist: places by a published rule, and what they mean in days."""
