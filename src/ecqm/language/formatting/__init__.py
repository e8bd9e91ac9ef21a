"""One canonical layout for CQL.

    formatted = format_source(source)    # raises FormatError for a source with syntax errors

Indentation is two spaces, lines have at most 110 characters where possible, and a blank line separates definitions
with a body. Comments stay next to the tokens where they were written. Only white space changes: the result has the
same tokens as the source.

`Formatter` has the steps that all layouts share. There is one module per part of the language; each function is
registered with `@lays_out` for the alternatives of the grammar that it lays out, as a document of `layout`.
"""

from ecqm.language.formatting.canonical import FormatError, format_source

__all__ = ["FormatError", "format_source"]
