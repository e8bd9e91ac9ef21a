"""Rewrites: plans that come to the same and cost less, one rule per module.

Lowering asks for a node by what it means, and a rule makes it in the form that is evaluated on the fewest rows:

    conditions   conditions sink to the list that they are about
    existence    sources that an existence does not count become conditions
    branches     branches that no value can take are left out
    identity     a query that changes nothing is its source
    unions       a union of unions is one

A rule is a function of the builder and of the parts of the node, and gives a node; there are no passes over a plan
that is made already. None of them moves what could raise an error to rows that do not ask for it.
"""
