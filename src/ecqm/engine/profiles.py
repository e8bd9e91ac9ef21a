"""Which resources a retrieve of a profile takes."""

from __future__ import annotations

from typing import Any

import numpy as np

from ecqm.columns import Mask, StringColumn
from ecqm.kernels.segments import any_within
from ecqm.types import NamedType

DECLARING = ("/us/qicore/", "/us/core/")


class DeclaredProfiles:
    """A resource that declares a QI-Core or US Core profile is taken at its word; any other is of every profile.

    The patient is who the evaluation is about, whatever profile is declared.
    """

    def instances(self, type_: NamedType) -> NamedType:
        """ELM retrieves FHIR by its resource types, which are those of the data."""
        return type_

    def code_property(self, name: str) -> str:
        """A concept holds all its codes itself."""
        return name

    def matching(self, table: Any, type_: NamedType, profile: str | None) -> Mask:
        """Mask over the rows of a table: those that a retrieve of `profile` takes."""
        n = len(table)
        if profile is None or table.resource_type == "Patient" or n == 0:
            return np.ones(n, np.bool_)
        declared = table.profiles
        urls = declared.values
        if not isinstance(urls, StringColumn):
            return np.ones(n, np.bool_)
        texts = [url.partition("|")[0] for url in urls.pool.strings]
        named = np.array([text == profile for text in texts], np.bool_)
        telling = np.array([any(part in text for part in DECLARING) for text in texts], np.bool_)
        matched = any_within(named[urls.ids], declared.parents, n)
        told = any_within(telling[urls.ids], declared.parents, n)
        return matched | ~told
