"""From ELM to an evaluation plan.

`Lowering` turns the definitions of a library into plan nodes: references are followed, functions are put in place of
their calls, aliases become variables. One module per group of ELM nodes; each function is registered for the node
classes that it lowers.
"""

# These register what lowers every class of ELM nodes.
from ecqm.plan.lowering import conversions, operators, queries, references, terminology, values  # noqa: F401
from ecqm.plan.lowering.core import Lowered, Lowering, Place, PlanError

__all__ = ["Lowered", "Lowering", "Place", "PlanError"]
