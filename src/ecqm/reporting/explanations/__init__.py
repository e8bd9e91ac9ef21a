"""Why a patient is in the populations of a measure, and not in others: the values of all its clauses."""
