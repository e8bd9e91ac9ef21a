"""Decks of test cases: found, matched with their measures and run."""
