"""Translation of a whole library. Statements may refer to each other in any order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from ecqm.elm import nodes
from ecqm.language.diagnostics import CqlError, Diagnostics
from ecqm.language.extent import too_large
from ecqm.language.model_context import ModelContext
from ecqm.language.options import CompilerOptions
from ecqm.language.parsing import ParsedSource
from ecqm.language.sources import unqualified
from ecqm.language.symbols import Declared, Exports, FunctionSymbol, Scope, Symbol
from ecqm.language.translation.core import Context, Typed, word
from ecqm.language.translation.declarations import DeclarationTranslator, IncludeLibrary
from ecqm.language.translation.names import DependsOnBroken, name_of, parts_of
from ecqm.language.translation.narrative import narrative
from ecqm.models.model import Model, ModelType
from ecqm.types import ANY, CqlType, ListType

UNFILTERED = "Unfiltered"
_FunctionKey = tuple[str, tuple[CqlType, ...]]


@dataclass(slots=True)
class _Statement:
    """A statement. `element` is its translation, None until it is translated."""

    context: Context
    evaluation_context: str
    element: nodes.ExpressionDef | None = None
    broken: bool = False


class LibraryTranslator(DeclarationTranslator):
    """Translates one library."""

    def __init__(
        self,
        parsed: ParsedSource | None,
        models: ModelContext,
        options: CompilerOptions,
        diagnostics: Diagnostics,
        include: IncludeLibrary,
    ) -> None:
        super().__init__(models, options, diagnostics)
        self.parsed = parsed
        self.include = include
        self.includes: dict[str, Exports] = {}
        self.not_included: dict[str, str] = {}
        self.broken: set[str] = set()
        self._kept_cases: list[nodes.Case] = []
        self.exports = Exports("", None)
        self.library = nodes.Library(
            identifier=nodes.VersionedIdentifier(),
            schemaIdentifier=nodes.VersionedIdentifier(id="urn:hl7-org:elm", version="r1"),
        )
        self._expressions: dict[str, _Statement] = {}
        self._functions: dict[_FunctionKey, _Statement] = {}
        self._in_progress: list[object] = []
        self._evaluation_context = UNFILTERED
        self._local_ids: dict[int, str] = {}

    # ------------------------------------------------------------------------------------------ the library

    def translate_library(self) -> nodes.Library:
        """The library as ELM. Statements with errors are left out, and reported in the diagnostics."""
        if self.parsed is None:
            self.declare((), lambda _: True)
            return self.library
        header = self.parsed.header
        if header is not None and header.qualifiedIdentifier() is not None:
            self.library.identifier = self._identifier(header)
            self.exports.id = self.library.identifier.id or ""
            self.exports.version = self.library.identifier.version
            self.diagnostics.library = self.exports.id
        self.declare(self.parsed.definitions, self.parsed.is_whole)
        statements = self._collect(self.parsed.statements)
        for statement in statements:
            self._finish(statement)
        self.library.statements += [s.element for s in statements if s.element is not None]
        return self.library

    def _identifier(self, header: Context) -> nodes.VersionedIdentifier:
        *namespace, name = parts_of(header.qualifiedIdentifier())
        version = header.STRING()
        return nodes.VersionedIdentifier(
            id=name,
            system=".".join(namespace) or None,
            version=None if version is None else version.getText()[1:-1],
        )

    def _is_whole(self, context: Context) -> bool:
        return self.parsed is None or self.parsed.is_whole(context)

    # ------------------------------------------------------------------------------------------ statements

    def _collect(self, contexts: Sequence[Context]) -> list[_Statement]:
        """Declare the names of all statements; their bodies are translated later."""
        found: list[_Statement] = []
        current = UNFILTERED
        for context in contexts:
            kind = type(context).__name__
            try:
                if kind == "ContextDefinitionContext" and self._is_whole(context):
                    current = self._enter_context(context, found)
                elif kind == "ExpressionDefinitionContext":
                    self._collect_expression(context, current, found)
                elif kind == "FunctionDefinitionContext":
                    self._collect_function(context, current, found)
            except CqlError as error:
                error.context = error.context or context
                self.report(error)
        return found

    def _collect_expression(self, context: Context, current: str, found: list[_Statement]) -> None:
        if context.identifier() is None:
            return
        name = name_of(context.identifier())
        if name in self._expressions or name in self.exports.symbols:
            raise CqlError(f"the name {name!r} is declared twice", context.identifier())
        statement = _Statement(context, current, broken=not self._is_whole(context))
        self._expressions[name] = statement
        found.append(statement)

    def _collect_function(self, context: Context, current: str, found: list[_Statement]) -> None:
        if context.functionName() is None:
            return
        name = name_of(context.functionName())
        if not self._is_whole(context):
            self.broken.add(name)
            return
        try:
            operands = tuple(
                (name_of(operand.referentialIdentifier()), self.type_of(operand.typeSpecifier()))
                for operand in context.operandDefinition()
            )
        except CqlError:
            self.broken.add(name)
            raise
        words = [word(context, at) for at in range(4)]
        returns = context.typeSpecifier()
        result = None if returns is None else self.type_of(returns)
        external = context.expression() is None
        if external and result is None:
            raise CqlError(f"the external function {name!r} needs a return type", context)
        symbol = FunctionSymbol(name, operands, result, "fluent" in words, "private" not in words, external)
        key = _key(symbol)
        if key in self._functions:
            raise CqlError(f"the function {name!r} is declared twice with the same operand types", context)
        self.exports.functions.setdefault(name, []).append(symbol)
        statement = _Statement(context, current)
        self._functions[key] = statement
        found.append(statement)

    def _enter_context(self, context: Context, found: list[_Statement]) -> str:
        """`context Patient`: defines an expression for the instance that the following statements are about."""
        parts = parts_of(context.qualifiedIdentifier())
        name = parts[-1]
        if name in (UNFILTERED, "Population"):
            return UNFILTERED
        if name in self.exports.symbols:
            return name
        models = self._models_for_context(parts)
        for model in models:
            described = _context_type(model, name)
            if described is not None:
                found.append(self._context_statement(name, described, context))
                return name
        known_contexts = [known for model in models for known in model.contexts]
        raise self.unknown_name(name, [*known_contexts, UNFILTERED], "context", context)

    def _models_for_context(self, parts: Sequence[str]) -> list[Model]:
        """The model that qualifies the name of a context, or all models in use."""
        in_use = self.models.models
        if len(parts) > 1 and parts[0] in in_use:
            return [in_use[parts[0]]]
        return [model for model in in_use.values() if model.name != "System"]

    def _context_statement(self, name: str, described: ModelType, context: Context) -> _Statement:
        """Declare a context, and define the expression with its name."""
        retrieve = nodes.Retrieve(dataType=self.models.qname(described.type), templateId=described.identifier)
        expression = nodes.SingletonFrom(operand=retrieve)
        element = nodes.ExpressionDef(name=name, context=name, expression=expression)
        self.locate(element, context)
        self.exports.symbols[name] = Symbol(Declared.EXPRESSION, name, described.type, context=name)
        if not any(known.name == name for known in self.library.contexts):
            self.library.contexts.append(nodes.ContextDef(name=name))
        return _Statement(context, name, element)

    def _finish(self, statement: _Statement) -> None:
        """Translate a statement, unless a reference to it already caused that. Errors are reported."""
        if statement.element is not None or statement.broken:
            return
        try:
            if type(statement.context).__name__ == "FunctionDefinitionContext":
                self._translate_function(statement)
            else:
                self._translate_expression(statement)
        except DependsOnBroken:
            statement.broken = True
        except CqlError as error:
            statement.broken = True
            error.context = error.context or statement.context
            self.report(error)
        except RecursionError:
            statement.broken = True
            self.report(CqlError("the expression is nested too deeply", statement.context))

    @contextmanager
    def _alone(self, statement: _Statement, key: object, scopes: list[Scope]) -> Iterator[None]:
        """Translate a statement independently of the expression that refers to it."""
        saved = self.scopes, self._depth, self._evaluation_context
        self.scopes, self._depth, self._evaluation_context = scopes, 0, statement.evaluation_context
        self._in_progress.append(key)
        try:
            yield
        finally:
            self.scopes, self._depth, self._evaluation_context = saved
            self._in_progress.pop()

    def _translate_expression(self, statement: _Statement) -> None:
        context = statement.context
        name = name_of(context.identifier())
        with self._alone(statement, name, []):
            value = self.translate(context.expression())
        public = context.accessModifier() is None or context.accessModifier().getText() == "public"
        element = nodes.ExpressionDef(
            name=name,
            context=statement.evaluation_context,
            accessLevel="Public" if public else "Private",
            expression=value.node,
        )
        self.exports.symbols[name] = Symbol(Declared.EXPRESSION, name, value.type, public, statement.evaluation_context)
        self._complete(statement, element, value.type)

    def _complete(self, statement: _Statement, element: nodes.ExpressionDef, type_: CqlType) -> None:
        reason = too_large(element)
        if reason is not None:
            raise CqlError(reason, statement.context)
        self.locate(element, statement.context)
        if self.options.result_types:
            self.set_result_type(element, type_)
        self.annotate(element, statement.context)
        statement.element = element

    def _translate_function(self, statement: _Statement) -> None:
        context = statement.context
        name = name_of(context.functionName())
        symbol = next(symbol for symbol in self.exports.functions[name] if self._functions[_key(symbol)] is statement)
        body: Typed | None = None
        if not symbol.external:
            with self._alone(statement, _key(symbol), [Scope(operands=dict(symbol.operands))]):
                body = self.translate(context.expression())
                if symbol.result is not None:
                    body = self._returned(body, symbol.result, context.expression())
        result = symbol.result if body is None else body.type
        assert result is not None
        overloads = self.exports.functions[name]
        overloads[overloads.index(symbol)] = replace(symbol, result=result)
        element = nodes.FunctionDef(
            name=name,
            context=statement.evaluation_context,
            accessLevel="Public" if symbol.public else "Private",
            fluent=symbol.fluent,
            external=symbol.external,
            expression=None if body is None else body.node,
            operand=[
                nodes.OperandDef(name=operand, operandTypeSpecifier=self.models.specifier(type_))
                for operand, type_ in symbol.operands
            ],
        )
        self._complete(statement, element, result)

    def _returned(self, body: Typed, declared: CqlType, context: Context) -> Typed:
        """The body of a function with a declared result type, to which it is cast at most, not converted."""
        if self.models.relations.is_subtype(body.type, declared):
            return body
        if not self.models.relations.is_compatible(body.type, declared):
            raise CqlError(f"the function returns {declared}, but its body is {body.type}", context)
        return self.to_type(body, declared, context)

    def translate_standalone(self, context: Context, name: str) -> CqlType | None:
        """Translate a separate expression to a definition `name`. Returns its type, None if it has errors."""
        statement = _Statement(context, next(iter(self.library.contexts), nodes.ContextDef(name=UNFILTERED)).name)
        try:
            with self._alone(statement, name, []):
                value = self.translate(context.expression())
            element = nodes.ExpressionDef(name=name, context=statement.evaluation_context, expression=value.node)
            self._complete(statement, element, value.type)
        except DependsOnBroken:
            return None
        except CqlError as error:
            error.context = error.context or context
            self.report(error)
            return None
        except RecursionError:
            self.report(CqlError("the expression is nested too deeply", context))
            return None
        self.library.statements.append(element)
        return value.type

    # ------------------------------------------------------------------------------------------ references

    def own_symbol(self, name: str, context: Context) -> Symbol | None:
        statement = self._expressions.get(name)
        if statement is not None and statement.element is None and not statement.broken:
            if name in self._in_progress:
                raise CqlError(f"the definition of {name!r} refers to itself", context)
            self._finish(statement)
        if (statement is not None and statement.broken) or name in self.broken:
            raise DependsOnBroken(f"{name!r} has errors", context)
        symbol = self.exports.symbols.get(name)
        if (
            symbol is not None
            and symbol.kind is Declared.EXPRESSION
            and self._evaluation_context == UNFILTERED
            and symbol.context not in (None, UNFILTERED)
        ):
            return replace(symbol, type=ListType(symbol.type))
        return symbol

    def own_names(self) -> list[str]:
        return [*self.exports.symbols, *self._expressions]

    def own_functions(self, name: str) -> Sequence[FunctionSymbol]:
        if name in self.broken:
            raise DependsOnBroken(f"{name!r} has errors")
        return self.exports.functions.get(name, [])

    def own_function_names(self) -> list[str]:
        return list(self.exports.functions)

    def result_of(self, function: FunctionSymbol, context: Context) -> CqlType:
        key = _key(function)
        statement = self._functions[key]
        if statement.element is None and not statement.broken:
            if key in self._in_progress:
                raise CqlError(f"the function {function.name!r} calls itself", context)
            self._finish(statement)
        if statement.broken:
            raise DependsOnBroken(f"{function.name!r} has errors", context)
        current = next(f for f in self.exports.functions[function.name] if _key(f) == key)
        return ANY if current.result is None else current.result

    def library_alias(self, library: str) -> str | None:
        if library == self.exports.id:
            return None
        for alias, exports in self.includes.items():
            if unqualified(exports.id) == library:
                return alias
        if library in self.not_included.values():
            raise DependsOnBroken(f"library {library} is not included")
        raise CqlError(f"this needs the library {library}; include it")

    # ------------------------------------------------------------------------------------------ annotations

    def locate(self, node: nodes.Element, context: Context) -> None:
        super().locate(node, context)
        if self.options.annotations and node.localId is not None:
            self._local_ids.setdefault(id(context), node.localId)

    def annotate(self, element: nodes.Element, context: Context) -> None:
        if self.options.annotations:
            element.annotation = [narrative(context, self._local_ids)]


def _context_type(model: Model, name: str) -> ModelType | None:
    """The type of the instance of a context: as the model declares it, or a retrievable type with the same name."""
    declared = model.contexts.get(name)
    if declared is not None:
        return model.type(declared.type)
    if name == "Patient" and model.patient_type is not None:
        return model.type(model.patient_type)
    described = model.type(name)
    return described if described is not None and described.retrievable else None


def _key(symbol: FunctionSymbol) -> _FunctionKey:
    return symbol.name, tuple(type_ for _, type_ in symbol.operands)


def translator_info(version: str, options: CompilerOptions) -> dict[str, Any]:
    """The annotation of a library that names the translator and its options."""
    return {
        "type": "CqlToElmInfo",
        "translatorVersion": version,
        "translatorOptions": options.names(),
        "signatureLevel": options.signatures.value,
    }
