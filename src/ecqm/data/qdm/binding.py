"""What retrieves of QDM mean: PositiveX and NegativeX are the elements of X without and with a reason for not doing."""

from __future__ import annotations

from typing import Any

import numpy as np

from ecqm.columns import Mask, Rows
from ecqm.data.qdm.schema import CODES, NEGATION, QdmSchema
from ecqm.types import NamedType


class QdmDataTypes:
    """Retrieves by the data types of one version of QDM (`ecqm.engine.executor.Profiles`).

    The profiles `PositiveX` and `NegativeX` divide the elements of X by whether they have a `negationRationale`; a
    retrieve of X itself takes both (QDM, "Negation Rationale").
    """

    def __init__(self, schema: QdmSchema) -> None:
        self._schema = schema

    def instances(self, type_: NamedType) -> NamedType:
        """The data type that a retrieve looks among."""
        return NamedType(type_.model, self._schema.base(type_.name))

    def code_property(self, name: str) -> str:
        """An element is found by any of its codes, though its `code` is the first."""
        return CODES if name == "code" else name

    def matching(self, table: Any, type_: NamedType, profile: str | None, rows: Rows) -> Mask:
        """Mask over `rows` of a table: those that a retrieve of `type_` takes."""
        if type_.name == table.resource_type:
            return np.ones(len(rows), np.bool_)
        try:
            negated: Mask = table.element(NEGATION).valid[rows]
        except KeyError:
            negated = np.zeros(len(rows), np.bool_)
        return negated if type_.name.startswith("Negative") else ~negated
