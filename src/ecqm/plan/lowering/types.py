"""ELM type specifiers and qualified names as CQL types (`elm:4`)."""

from __future__ import annotations

from functools import cache

from ecqm.elm import nodes as elm
from ecqm.types import ANY, ChoiceType, CqlType, IntervalType, ListType, NamedType, TupleType

_MODELS = {"urn:hl7-org:elm-types:r1": "System", "http://hl7.org/fhir": "FHIR"}


@cache
def named_type(qname: str) -> NamedType:
    """`{namespace}Local` as a named type; all versions of QDM are the model `QDM`."""
    namespace, _, local = qname.removeprefix("{").rpartition("}")
    if namespace.startswith("urn:healthit-gov:qdm"):
        return NamedType("QDM", local)
    return NamedType(_MODELS.get(namespace, namespace or "System"), local)


def specified_type(specifier: elm.TypeSpecifier | None, qname: str | None = None) -> CqlType:
    """The type of a specifier or, without one, of a qualified name; Any if there is neither."""
    if specifier is None:
        return ANY if qname is None else named_type(qname)
    if isinstance(specifier, elm.NamedTypeSpecifier):
        return named_type(specifier.name)
    if isinstance(specifier, elm.ListTypeSpecifier):
        return ListType(specified_type(specifier.elementType))
    if isinstance(specifier, elm.IntervalTypeSpecifier):
        return IntervalType(specified_type(specifier.pointType))
    if isinstance(specifier, elm.ChoiceTypeSpecifier):
        return ChoiceType(tuple(dict.fromkeys(specified_type(choice) for choice in specifier.choice)))
    if isinstance(specifier, elm.TupleTypeSpecifier):
        return TupleType(tuple((part.name, specified_type(part.elementType)) for part in specifier.element))
    return ANY
