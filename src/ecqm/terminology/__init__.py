"""Codes, code systems and value sets: codes as integers, membership as look-up tables."""

from ecqm.terminology.codes import NO_CODE, CodeIndex, CodeKey
from ecqm.terminology.expansion import Expansion
from ecqm.terminology.identity import value_set_key
from ecqm.terminology.membership import Membership, ValueSets
from ecqm.terminology.missing import MissingValueSet
from ecqm.terminology.packaged import PackagedValueSets
from ecqm.terminology.snapshot import ValueSetSnapshot
from ecqm.terminology.store import ValueSetStore
from ecqm.terminology.systems import VALUE_SETS, canonical_system, is_known_system, system_oid

__all__ = [
    "NO_CODE",
    "VALUE_SETS",
    "CodeIndex",
    "CodeKey",
    "Expansion",
    "Membership",
    "MissingValueSet",
    "PackagedValueSets",
    "ValueSetSnapshot",
    "ValueSetStore",
    "ValueSets",
    "canonical_system",
    "is_known_system",
    "system_oid",
    "value_set_key",
]
