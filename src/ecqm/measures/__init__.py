"""Measures, from their definition to results and explanations.

`definition` ← `scoring` ← `evaluation` ← `results` ← `decks` ← `explanation`: each imports only from those before it.
"""
