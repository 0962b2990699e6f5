"""Signs that a key is in other hands: networks, clients, hours; and keys that nobody should ever use."""
