"""The studio: an API over the engine, with accounts, a queue, files and links."""
