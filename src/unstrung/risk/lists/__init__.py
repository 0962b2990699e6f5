"""Words, rules and sentences of the risk classes, as TOML files; no code."""
