"""The charter in force: what was published, what applies, and who accepted which words."""
