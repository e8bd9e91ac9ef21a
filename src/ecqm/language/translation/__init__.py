"""Translation of parse trees to ELM.

`core.Translator` has the state of a translation and the steps that all parts share: operators with the overload that
fits, implicit conversions (`implicit_conversions`), positions and types. There is one module per chapter of the
language; each function is registered with `@translates` (`registry`) for the alternatives of the grammar that it
translates. `statements` translates the definitions of a library when they are first referred to, `library` the whole
library.
"""

# Importing these modules registers their functions.
from ecqm.language.translation import (  # noqa: F401
    conditions,
    lists,
    membership,
    operators,
    queries,
    references,
    retrieves,
    selectors,
    timing,
)
