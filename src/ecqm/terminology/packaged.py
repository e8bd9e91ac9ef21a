"""Value sets in the measure packages of the certification community: by OID, with enumerated codes."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from ecqm.json_decoding import json_decoder
from ecqm.terminology.expansion import Expansion
from ecqm.terminology.identity import value_set_key
from ecqm.terminology.systems import canonical_system


class _Concept(msgspec.Struct):
    code: str | None = None
    code_system_oid: str | None = None


class _ValueSet(msgspec.Struct):
    oid: str
    display_name: str | None = None
    version: str | None = None
    concepts: list[_Concept] | None = None


_decode_list = json_decoder(list[_ValueSet])
_decode_by_measure = json_decoder(dict[str, list[_ValueSet]])


class PackagedValueSets:
    """The value sets of one package. A package has the right version for its measure, whatever version the logic names.

    Packages represent direct reference codes as value sets of one code, with names of the form `drc-…`.
    """

    def __init__(self, value_sets: Iterable[_ValueSet], origin: str) -> None:
        self._found: dict[str, Expansion] = {}
        for value_set in value_sets:
            identity = value_set_key(value_set.oid)[0]
            known = self._found.get(identity)
            if known is not None and (known.version or "") > (value_set.version or ""):
                continue
            codes = frozenset(
                (canonical_system(concept.code_system_oid), concept.code)
                for concept in value_set.concepts or ()
                if concept.code is not None
            )
            self._found[identity] = Expansion(
                value_set.oid, value_set.version, value_set.display_name, codes, True, origin=origin
            )

    @classmethod
    def read(cls, data: bytes, origin: str) -> PackagedValueSets:
        """Value sets in JSON: a list, or lists by measure. Raises msgspec.DecodeError."""
        if data.lstrip()[:1] == b"[":
            return cls(_decode_list(data), origin)
        return cls([each for several in _decode_by_measure(data).values() for each in several], origin)

    def find(self, identifier: str, version: str | None = None) -> Expansion | None:
        """The value set with this OID, or None if the package does not have it. `version` is ignored."""
        return self._found.get(value_set_key(identifier)[0])

    def missing(self, identifiers: Iterable[str]) -> list[str]:
        """Those of the identifiers that the package does not have."""
        return [identifier for identifier in identifiers if self.find(identifier) is None]

    def __len__(self) -> int:
        return len(self._found)
