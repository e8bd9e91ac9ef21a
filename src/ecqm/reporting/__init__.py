"""Results for people and programs: the output of runs, reports on decks, explanations, and submissions."""
