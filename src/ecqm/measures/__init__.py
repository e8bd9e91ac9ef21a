"""Measures: what they ask for, who is in which population, scores, reports, and the test cases of decks."""
