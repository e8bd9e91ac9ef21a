"""Measures over cohorts: their plans, and from the columns of their defines to what is scored."""
