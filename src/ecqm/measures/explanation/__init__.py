"""Why a patient has an outcome: the logic of a measure, clause by clause."""
