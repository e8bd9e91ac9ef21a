"""The evaluation plan: what a measure's definitions compute, as a graph of nodes that the engine evaluates on columns.

`nodes` has the classes of nodes, and `builder` makes equal ones the same object. `lowering` turns ELM into nodes, with
the rules of `rewrites`. What a plan shows without being evaluated: the types of values (`static_types`, `kinds`), the
types whose values it compares (`compared`), the value sets that it names (`terms`). `explain` writes plans as text and
JSON.
"""
