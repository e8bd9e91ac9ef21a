"""From ELM to an evaluation plan.

`Lowering` turns the definitions of a library into plan nodes: references are followed, functions are inlined, and
aliases become variables. There is one module per group of ELM nodes; each function is registered with `@lowers` for the
node classes that it lowers.
"""

# Importing these modules registers their functions.
from ecqm.plan.lowering import conversions, operators, queries, references, terminology, values  # noqa: F401
from ecqm.plan.lowering.core import Lowered, Lowering, Place, PlanError

__all__ = ["Lowered", "Lowering", "Place", "PlanError"]
