"""The transparency log: what it is made of, how to check it, how to watch over it.

    errors <- merkle <- tiles <- audit
    errors <- notes <- receipts, witness, audit
    files: bytes in a folder, whole or not at all

Pure functions of bytes and of a reader of paths. It knows no database, no web framework and no model, and it
fetches nothing itself: whoever wants a log over HTTPS passes a function that fetches.
"""
