"""The operators of CQL and ELM, each declared once, with its meaning on scalars (CQL reference; ELM chapters 12 to 24).

    get("Overlaps").call(a, b, precision="day")      # on scalars, with the overload that fits
    get("Overlaps").resolve(types).result            # the result type

There is one module per chapter: `logical`, `nullological`, `comparison`, `arithmetic` (with `powers` and `precision`),
`string`, `temporal`, `interval` (with `interval_membership`, `interval_sets`, `collapse` and `expand`), `list`,
`aggregate`, `conversion` (with `convertibility` and `casting`), `clinical` and `message`. They share `numeric`,
`quantities`, `list_membership` and `to_types`. `registry` tells how an operator is declared, `signature` and `dispatch`
how an overload is found, and `vectors` has the kernels on columns.
"""
