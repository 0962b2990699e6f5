"""Files of videos, for their owner's key and for signed links."""
