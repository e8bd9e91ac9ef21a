"""Statements: definitions of expressions and functions. They may refer to each other in any order."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

from ecqm.elm import nodes
from ecqm.language.diagnostics import Diagnostics, TranslationError
from ecqm.language.extent import too_large
from ecqm.language.model_context import ModelContext
from ecqm.language.options import CompilerOptions
from ecqm.language.parse_trees import Context, rule_of, word
from ecqm.language.symbols import Declared, FunctionSymbol, Scope, Symbol
from ecqm.language.translation.core import Translator, unknown_name
from ecqm.language.translation.library_names import DependsOnBroken, LibraryNames
from ecqm.language.translation.names import name_of, parts_of
from ecqm.language.translation.registry import Typed
from ecqm.language.translation.type_specifiers import type_of
from ecqm.models.model import Model, ModelType
from ecqm.types import ANY, CqlType, ListType

UNFILTERED = "Unfiltered"
_FunctionKey = tuple[str, tuple[CqlType, ...]]


@dataclass(slots=True)
class Statement:
    """A statement. `element` is its translation, None until it is translated."""

    context: Context
    evaluation_context: str
    element: nodes.ExpressionDef | None = None
    broken: bool = False


class Statements(LibraryNames):
    """The statements of a library, each translated when it is first referred to, or in its turn.

    `contexts` are the evaluation contexts that the library uses.
    """

    def __init__(self, models: ModelContext, options: CompilerOptions, diagnostics: Diagnostics) -> None:
        super().__init__()
        self.translator = Translator(models, options, diagnostics, self)
        self.contexts: list[nodes.ContextDef] = []
        self._expressions: dict[str, Statement] = {}
        self._functions: dict[_FunctionKey, Statement] = {}
        self._in_progress: list[object] = []
        self._evaluation_context = UNFILTERED

    def collect(self, contexts: Sequence[Context], is_whole: Callable[[Context], bool]) -> list[Statement]:
        """Declare the names of all statements; their bodies are translated later."""
        found: list[Statement] = []
        current = UNFILTERED
        for context in contexts:
            statement: Statement | None = None
            try:
                match rule_of(context):
                    case "ContextDefinition" if is_whole(context):
                        current, statement = self._enter_context(context)
                    case "ExpressionDefinition":
                        statement = self._collect_expression(context, current, is_whole(context))
                    case "FunctionDefinition":
                        statement = self._collect_function(context, current, is_whole(context))
            except TranslationError as error:
                error.context = error.context or context
                self.translator.report(error)
            if statement is not None:
                found.append(statement)
        return found

    def _collect_expression(self, context: Context, current: str, whole: bool) -> Statement | None:
        if context.identifier() is None:
            return None
        name = name_of(context.identifier())
        if name in self._expressions or name in self.exports.symbols or name in self.includes:
            raise TranslationError(f"the name {name!r} is declared twice", context.identifier())
        statement = self._expressions[name] = Statement(context, current, broken=not whole)
        return statement

    def _collect_function(self, context: Context, current: str, whole: bool) -> Statement | None:
        if context.functionName() is None:
            return None
        name = name_of(context.functionName())
        if not whole:
            self.broken.add(name)
            return None
        symbol = self._function_symbol(context, name)
        if symbol.external and symbol.result is None:
            raise TranslationError(f"the external function {name!r} needs a return type", context)
        key = _key(symbol)
        if key in self._functions:
            raise TranslationError(f"the function {name!r} is declared twice with the same operand types", context)
        self.exports.functions.setdefault(name, []).append(symbol)
        statement = self._functions[key] = Statement(context, current)
        return statement

    def _function_symbol(self, context: Context, name: str) -> FunctionSymbol:
        """What the head of a function says about it. Raises TranslationError for unknown types."""
        modifiers = [word(context, at) for at in range(4)]
        returns = context.typeSpecifier()
        try:
            operands = tuple(
                (name_of(operand.referentialIdentifier()), type_of(self.translator, operand.typeSpecifier()))
                for operand in context.operandDefinition()
            )
            result = None if returns is None else type_of(self.translator, returns)
        except TranslationError:
            self.broken.add(name)
            raise
        return FunctionSymbol(
            name,
            operands,
            result,
            fluent="fluent" in modifiers,
            public="private" not in modifiers,
            external=context.expression() is None,
        )

    def _enter_context(self, context: Context) -> tuple[str, Statement | None]:
        """`context Patient`: the name of the context for the following statements and, at its first use, the
        expression for the instance that they are about."""
        parts = parts_of(context.qualifiedIdentifier())
        name = parts[-1]
        if name in (UNFILTERED, "Population"):
            return UNFILTERED, None
        if name in self.exports.symbols:
            return name, None
        models = self._models_for_context(parts)
        for model in models:
            described = _context_type(model, name)
            if described is not None:
                return name, self._context_statement(name, described, context)
        known_contexts = [known for model in models for known in model.contexts]
        raise unknown_name(name, [*known_contexts, UNFILTERED], "context", context)

    def _models_for_context(self, parts: Sequence[str]) -> list[Model]:
        """The model that qualifies the name of a context, or all models in use."""
        in_use = self.translator.models.models
        if len(parts) > 1 and parts[0] in in_use:
            return [in_use[parts[0]]]
        return [model for model in in_use.values() if model.name != "System"]

    def _context_statement(self, name: str, described: ModelType, context: Context) -> Statement:
        """Declare a context, and define the expression with its name."""
        retrieve = nodes.Retrieve(
            dataType=self.translator.models.qname(described.type), templateId=described.identifier
        )
        expression = nodes.SingletonFrom(operand=retrieve)
        element = nodes.ExpressionDef(name=name, context=name, expression=expression)
        self.translator.locate(element, context)
        self.exports.symbols[name] = Symbol(Declared.EXPRESSION, name, described.type, context=name)
        if not any(known.name == name for known in self.contexts):
            self.contexts.append(nodes.ContextDef(name=name))
        return Statement(context, name, element)

    def finish(self, statement: Statement) -> None:
        """Translate a statement, unless a reference to it already caused that. Errors are reported."""
        if statement.element is not None or statement.broken:
            return
        try:
            if rule_of(statement.context) == "FunctionDefinition":
                self._translate_function(statement)
            else:
                self._translate_expression(statement)
        except DependsOnBroken:
            statement.broken = True
        except TranslationError as error:
            statement.broken = True
            error.context = error.context or statement.context
            self.translator.report(error)
        except RecursionError:
            statement.broken = True
            self.translator.report(TranslationError("the expression is nested too deeply", statement.context))

    @contextmanager
    def alone(self, statement: Statement, key: object, scopes: list[Scope]) -> Iterator[None]:
        """Translate a statement in the `with` block, independently of the expression that refers to it."""
        saved, self._evaluation_context = self._evaluation_context, statement.evaluation_context
        self._in_progress.append(key)
        try:
            with self.translator.alone(scopes):
                yield
        finally:
            self._evaluation_context = saved
            self._in_progress.pop()

    def _translate_expression(self, statement: Statement) -> None:
        context = statement.context
        name = name_of(context.identifier())
        with self.alone(statement, name, []):
            value = self.translator.translate(context.expression())
        public = context.accessModifier() is None or context.accessModifier().getText() == "public"
        element = nodes.ExpressionDef(
            name=name,
            context=statement.evaluation_context,
            accessLevel="Public" if public else "Private",
            expression=value.node,
        )
        self.exports.symbols[name] = Symbol(Declared.EXPRESSION, name, value.type, public, statement.evaluation_context)
        self.complete(statement, element, value.type)

    def complete(self, statement: Statement, element: nodes.ExpressionDef, type_: CqlType) -> None:
        """Set what the options ask for on the translation of a statement. Raises TranslationError if it is too
        large."""
        reason = too_large(element)
        if reason is not None:
            raise TranslationError(reason, statement.context)
        self.translator.described(element, statement.context, type_)
        self.translator.annotate(element, statement.context)
        statement.element = element

    def _translate_function(self, statement: Statement) -> None:
        context = statement.context
        name = name_of(context.functionName())
        symbol = next(symbol for symbol in self.exports.functions[name] if self._functions[_key(symbol)] is statement)
        body: Typed | None = None
        if not symbol.external:
            with self.alone(statement, _key(symbol), [Scope(operands=dict(symbol.operands))]):
                body = self.translator.translate(context.expression())
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
                nodes.OperandDef(name=operand, operandTypeSpecifier=self.translator.models.specifier(type_))
                for operand, type_ in symbol.operands
            ],
        )
        self.complete(statement, element, result)

    def _returned(self, body: Typed, declared: CqlType, context: Context) -> Typed:
        """The body of a function with a declared result type, to which it is cast at most, not converted."""
        if self.translator.models.relations.is_subtype(body.type, declared):
            return body
        if not self.translator.models.relations.is_compatible(body.type, declared):
            raise TranslationError(f"the function returns {declared}, but its body is {body.type}", context)
        return self.translator.to_type(body, declared, context)

    # ------------------------------------------------------------------------------------------ references

    def symbol(self, name: str, context: Context) -> Symbol | None:
        statement = self._expressions.get(name)
        if statement is not None and statement.element is None and not statement.broken:
            if name in self._in_progress:
                raise TranslationError(f"the definition of {name!r} refers to itself", context)
            self.finish(statement)
        if (statement is not None and statement.broken) or name in self.broken:
            raise DependsOnBroken(f"{name!r} has errors", context)
        symbol = self.exports.symbols.get(name)
        return None if symbol is None else self._for_all_instances(symbol)

    def _for_all_instances(self, symbol: Symbol) -> Symbol:
        """A definition as statements of the Unfiltered context refer to it: one of another context has a list of
        results, one for each instance (Author's Guide, Statement Evaluation)."""
        is_of_context = symbol.kind is Declared.EXPRESSION and symbol.context not in (None, UNFILTERED)
        if is_of_context and self._evaluation_context == UNFILTERED:
            return replace(symbol, type=ListType(symbol.type))
        return symbol

    def names(self) -> list[str]:
        return [*self.exports.symbols, *self._expressions]

    def result_of(self, function: FunctionSymbol, context: Context) -> CqlType:
        key = _key(function)
        statement = self._functions[key]
        if statement.element is None and not statement.broken:
            if key in self._in_progress:
                raise TranslationError(f"the function {function.name!r} calls itself", context)
            self.finish(statement)
        if statement.broken:
            raise DependsOnBroken(f"{function.name!r} has errors", context)
        current = next(f for f in self.exports.functions[function.name] if _key(f) == key)
        return ANY if current.result is None else current.result


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
