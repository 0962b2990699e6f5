"""Taking everything out that is one's own, and having it erased."""
