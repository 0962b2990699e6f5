"""The shelf: folders, stars and search over one's own clips."""
