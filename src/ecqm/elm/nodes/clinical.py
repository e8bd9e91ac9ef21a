"""Retrieval and terminology (ELM reference: External Data; Clinical Values; Clinical Operators)."""

from __future__ import annotations

from decimal import Decimal

from ecqm.elm.nodes.base import (
    BinaryExpression,
    Element,
    Expression,
    OperatorExpression,
    QName,
    UnaryExpression,
)


class IncludeElement(Element):
    includeFrom: str | None = None
    relatedDataType: QName
    relatedProperty: str | None = None
    relatedSearch: str | None = None
    isReverse: bool = False


class CodeFilterElement(Element):
    property: str | None = None
    valueSetProperty: str | None = None
    search: str | None = None
    comparator: str
    value: Expression


class DateFilterElement(Element):
    property: str | None = None
    lowProperty: str | None = None
    highProperty: str | None = None
    search: str | None = None
    value: Expression


class OtherFilterElement(Element):
    property: str | None = None
    search: str | None = None
    comparator: str
    value: Expression


class Retrieve(Expression):
    """Clinical data of one type; `templateId` is the profile that instances must have."""

    dataType: QName
    templateId: str | None = None
    idProperty: str | None = None
    idSearch: str | None = None
    contextProperty: str | None = None
    contextSearch: str | None = None
    codeProperty: str | None = None
    codeSearch: str | None = None
    codeComparator: str | None = None
    valueSetProperty: str | None = None
    dateProperty: str | None = None
    dateLowProperty: str | None = None
    dateHighProperty: str | None = None
    dateSearch: str | None = None
    includedIn: str | None = None
    id: Expression | None = None
    codes: Expression | None = None
    dateRange: Expression | None = None
    context: Expression | None = None
    include: list[IncludeElement] = []
    codeFilter: list[CodeFilterElement] = []
    dateFilter: list[DateFilterElement] = []
    otherFilter: list[OtherFilterElement] = []


class CodeSystemRef(Expression):
    name: str
    libraryName: str | None = None


class ValueSetRef(Expression):
    """A value set. Unless `preserve` is set, it is replaced by its codes where codes are expected."""

    name: str
    libraryName: str | None = None
    preserve: bool = False


class CodeRef(Expression):
    name: str
    libraryName: str | None = None


class ConceptRef(Expression):
    name: str
    libraryName: str | None = None


class CodeSystemDef(Element):
    name: str
    id: str
    version: str | None = None
    accessLevel: str = "Public"


class ValueSetDef(Element):
    name: str
    id: str
    version: str | None = None
    accessLevel: str = "Public"
    codeSystem: list[CodeSystemRef] = []


class CodeDef(Element):
    name: str
    id: str
    display: str | None = None
    accessLevel: str = "Public"
    codeSystem: CodeSystemRef | None = None


class ConceptDef(Element):
    name: str
    display: str | None = None
    accessLevel: str = "Public"
    code: list[CodeRef] = []


class Code(Expression):
    code: str
    display: str | None = None
    system: CodeSystemRef


class Concept(Expression):
    display: str | None = None
    code: list[Code] = []


class Quantity(Expression):
    value: Decimal
    unit: str | None = None


class Ratio(Expression):
    numerator: Quantity
    denominator: Quantity


class InCodeSystem(OperatorExpression):
    code: Expression
    codesystem: CodeSystemRef | None = None
    codesystemExpression: Expression | None = None


class AnyInCodeSystem(OperatorExpression):
    codes: Expression
    codesystem: CodeSystemRef | None = None
    codesystemExpression: Expression | None = None


class InValueSet(OperatorExpression):
    code: Expression
    valueset: ValueSetRef | None = None
    valuesetExpression: Expression | None = None


class AnyInValueSet(OperatorExpression):
    codes: Expression
    valueset: ValueSetRef | None = None
    valuesetExpression: Expression | None = None


class ExpandValueSet(UnaryExpression):
    pass


class Subsumes(BinaryExpression):
    pass


class SubsumedBy(BinaryExpression):
    pass


class CalculateAge(UnaryExpression):
    precision: str | None = None


class CalculateAgeAt(BinaryExpression):
    precision: str | None = None
