"""Pages for browsers: one patient explained, and a deck with the clauses that its cases cover.

Every page is one file without scripts, and loads nothing. Text is escaped where it becomes markup (`page.tag`), because
it comes from patient data.
"""

from ecqm.reporting.html.deck import DeckPages
from ecqm.reporting.html.explanation import explanation_page

__all__ = ["DeckPages", "explanation_page"]
