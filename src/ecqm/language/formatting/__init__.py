"""One canonical layout for CQL.

    formatted = format_source(source)    # raises FormatError for a source with syntax errors

Indentation is two spaces, lines have at most 110 characters where possible, and a blank line separates definitions
with a body. Comments stay next to the tokens where they were written. Only white space changes: the result has the
same tokens as the source.
"""

from ecqm.language.formatting.formatter import FormatError, format_source

__all__ = ["FormatError", "format_source"]
