"""Columns: one CQL value per row, one layout per file.

Every layout has `valid`, `take`, `pick`, `where`, `nulls`, `concat` and `keys` (see `Column`). The operators on columns
are in `ecqm.operators.vectors`. `concat`, `merge` and `choose` join columns of any layouts, into a choice if they
differ. `to_values` and `from_values` convert to and from the scalars of `ecqm.values`.
"""

from ecqm.columns.base import Column, broadcast_length
from ecqm.columns.boolean import BooleanColumn
from ecqm.columns.choice import ChoiceColumn
from ecqm.columns.code import CodeColumn, CodeDictionary, ConceptColumn
from ecqm.columns.from_values import from_values
from ecqm.columns.interval import IntervalColumn
from ecqm.columns.join import choose, coalesce_rows, concat, merge
from ecqm.columns.null import NullColumn
from ecqm.columns.number import DecimalColumn, IntegerColumn, as_decimal
from ecqm.columns.quantity import QuantityColumn
from ecqm.columns.ragged import ListColumn
from ecqm.columns.record import RecordColumn, ResourceColumn, ResourceRow, ResourceTable
from ecqm.columns.scalar import ScalarColumn
from ecqm.columns.temporal import DateColumn, DateTimeColumn, TemporalColumn, TimeColumn
from ecqm.columns.text import POOL, StringColumn, StringPool
from ecqm.columns.to_values import to_values
from ecqm.kernels.arrays import Mask, Rows

__all__ = [
    "POOL",
    "BooleanColumn",
    "ChoiceColumn",
    "CodeColumn",
    "CodeDictionary",
    "Column",
    "ConceptColumn",
    "DateColumn",
    "DateTimeColumn",
    "DecimalColumn",
    "IntegerColumn",
    "IntervalColumn",
    "ListColumn",
    "Mask",
    "NullColumn",
    "QuantityColumn",
    "RecordColumn",
    "ResourceColumn",
    "ResourceRow",
    "ResourceTable",
    "Rows",
    "ScalarColumn",
    "StringColumn",
    "StringPool",
    "TemporalColumn",
    "TimeColumn",
    "as_decimal",
    "broadcast_length",
    "choose",
    "coalesce_rows",
    "concat",
    "from_values",
    "merge",
    "to_values",
]
