"""Measures over a cohort: the plan of a measure, and the columns of its defines as the arrays that scoring takes."""
