"""Libraries and their declarations (ELM reference: Libraries; Reusing Logic)."""

from __future__ import annotations

from ecqm.elm.nodes.base import Defs, Element, Expression, Node, QName, TypeSpecifier
from ecqm.elm.nodes.clinical import CodeDef, CodeSystemDef, ConceptDef, ValueSetDef


class VersionedIdentifier(Node):
    id: str | None = None
    system: str | None = None
    version: str | None = None


class UsingDef(Element):
    localIdentifier: str | None = None
    uri: str
    version: str | None = None


class IncludeDef(Element):
    localIdentifier: str | None = None
    mediaType: str = "application/elm+xml"
    path: str
    version: str | None = None


class ContextDef(Element):
    name: str


class ParameterDef(Element):
    name: str
    parameterType: QName | None = None
    accessLevel: str = "Public"
    default: Expression | None = None
    parameterTypeSpecifier: TypeSpecifier | None = None


class ExpressionDef(Element):
    name: str
    context: str | None = None
    accessLevel: str = "Public"
    expression: Expression | None = None


class OperandDef(Element):
    name: str
    operandType: QName | None = None
    operandTypeSpecifier: TypeSpecifier | None = None


class FunctionDef(ExpressionDef):
    """A function. An external function has no expression."""

    external: bool = False
    fluent: bool = False
    operand: list[OperandDef] = []


class Library(Element):
    """A library, the root of a document."""

    identifier: VersionedIdentifier
    schemaIdentifier: VersionedIdentifier | None = None
    usings: Defs[UsingDef] = []
    includes: Defs[IncludeDef] = []
    parameters: Defs[ParameterDef] = []
    codeSystems: Defs[CodeSystemDef] = []
    valueSets: Defs[ValueSetDef] = []
    codes: Defs[CodeDef] = []
    concepts: Defs[ConceptDef] = []
    contexts: Defs[ContextDef] = []
    statements: Defs[ExpressionDef] = []


class ExpressionRef(Expression):
    name: str
    libraryName: str | None = None


class FunctionRef(ExpressionRef):
    signature: list[TypeSpecifier] = []
    operand: list[Expression] = []


class ParameterRef(Expression):
    name: str
    libraryName: str | None = None


class OperandRef(Expression):
    name: str


class IdentifierRef(Expression):
    """A name that the translator did not resolve. In a sort clause, an element of the row."""

    name: str
    libraryName: str | None = None
