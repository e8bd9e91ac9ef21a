"""Pages for browsers: one patient explained, and a deck with the clauses that its cases cover.

Every page is one file without scripts, and asks for nothing from elsewhere. Text is escaped where it becomes markup
(`page.tag`), since whoever wrote the data of a patient wrote what is shown of them.
"""

from ecqm.reporting.html.deck import DeckPages
from ecqm.reporting.html.explanation import explanation_page

__all__ = ["DeckPages", "explanation_page"]
