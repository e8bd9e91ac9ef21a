"""Reports on decks of test cases: which agree, how the others differ, and what the cases cover."""
