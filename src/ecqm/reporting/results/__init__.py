"""The results of a run: recorded batch by batch, added up, and written to its output folder."""
