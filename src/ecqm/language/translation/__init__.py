"""Parse tree to ELM, one file per chapter of the language."""
