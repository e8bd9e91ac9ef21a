"""Decks of test cases: unpacked, matched with measures, and run."""
