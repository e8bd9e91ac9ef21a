"""The types of a small model, for tests of relations between types: apples and pears are fruit."""

from __future__ import annotations

from ecqm.language.conversions import ConversionTable, Promotions
from ecqm.language.type_relations import TypeRelations
from ecqm.types import NamedType

FRUIT, APPLE, PEAR = (NamedType("Shop", name) for name in ("Fruit", "Apple", "Pear"))
BASES = {APPLE: FRUIT, PEAR: FRUIT}


def conversions(**promotions: bool) -> ConversionTable:
    """The conversions of the language, with these promotions and demotions."""
    return ConversionTable(TypeRelations(BASES.get), Promotions(**promotions))
