"""Results for people and programs: output folders of runs, reports on decks, explanations, and submissions."""
