"""The four consents: what somebody lets the operator do with what is theirs, use by use."""
