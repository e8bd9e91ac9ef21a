"""CQL expressions, evaluated by themselves: without a measure, with or without a patient."""
