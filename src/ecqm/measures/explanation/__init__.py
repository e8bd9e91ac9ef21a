"""Why an outcome is what it is: the logic of a measure, clause by clause."""
