"""Rewrites: equivalent plans that cost less, one rule per module.

    conditions   conditions move to the source that they depend on
    existence    the last sources of an `exists` become conditions
    branches     branches that no value can take are left out
    identity     a query that changes nothing is its source
    unions       nested unions are one union

A rule is a function that lowering calls with the parts of a node, and that makes the node in its cheapest form. There
are no passes over a finished plan. No rule evaluates a node that may raise an error for more rows than before.
"""
