"""Calls of functions: of this library, of included libraries, of the language, and fluent functions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from ecqm.elm import nodes
from ecqm.language.diagnostics import CqlError, nearest
from ecqm.language.symbols import FunctionSymbol
from ecqm.language.system_operators import system_signatures
from ecqm.language.translation.core import Context, Typed
from ecqm.language.translation.names import DependsOnBroken, NameTranslator
from ecqm.types import ANY, CODE_SYSTEM, DATE, DATETIME, INTEGER, VALUE_SET, CqlType, ListType, NamedType

_AGE = {
    f"{prefix}AgeIn{unit}s{suffix}": (prefix, unit, suffix)
    for prefix in ("", "Calculate")
    for unit in ("Year", "Month", "Week", "Day", "Hour", "Minute", "Second")
    for suffix in ("", "At")
}
_NOT_CALLABLE = frozenset(("DateTimeComponentFrom", "DurationBetween", "DifferenceBetween"))
_ELEMENT_OF_LIST = [
    overload for overload in system_signatures()["Indexer"] if isinstance(overload.operands[0], ListType)
]


class FunctionTranslator(NameTranslator):
    """Translates calls."""

    # ------------------------------------------------------------------------------------------ finding

    def own_functions(self, name: str) -> Sequence[FunctionSymbol]:
        """The overloads of a function that this library declares."""
        raise NotImplementedError

    def result_of(self, function: FunctionSymbol, context: Context) -> CqlType:
        """The result type of a function of this library; translates its body first if necessary."""
        raise NotImplementedError

    def call_by_name(self, name: str, arguments: list[Context], context: Context) -> Typed:
        own = [overload for overload in self.own_functions(name) if not overload.fluent]
        if not own and not self._is_of_language(name):
            self._check_not_fluent(self.own_functions(name), name, context)
            raise self._no_function(name, (), (), context)
        operands = [self.translate(argument) for argument in arguments]
        if own:
            found = self._call_function(own, None, name, operands, context)
            if found is not None:
                return found
        system = self._system_call(name, operands, arguments, context)
        if system is not None:
            return system
        raise self._no_function(name, own, operands, context)

    def _check_not_fluent(self, overloads: Sequence[FunctionSymbol], name: str, context: Context) -> None:
        """Raises CqlError if all overloads are fluent, and so can only be called as methods."""
        if overloads and all(overload.fluent for overload in overloads):
            raise CqlError(f"{name!r} is a fluent function: write the first argument before it, `x.{name}(…)`", context)

    def system_function(self, name: str, arguments: list[Context], context: Context) -> Typed:
        """The call `System.name(…)`."""
        operands = [self.translate(argument) for argument in arguments]
        found = self._system_call(name, operands, arguments, context) if self._is_of_language(name) else None
        if found is None:
            raise self._no_function(name, (), operands, context)
        return found

    def _no_function(
        self, name: str, overloads: Sequence[FunctionSymbol], operands: Sequence[Typed], context: Context
    ) -> CqlError:
        given = ", ".join(str(operand.type) for operand in operands)
        if overloads:
            expected = [str(overload.signature(ANY)) for overload in overloads]
            return CqlError(f"{name} cannot be called with ({given})", context, expected=expected[:6])
        if name in system_signatures():
            return self.no_overload(name, operands, context)
        known = [*system_signatures(), *_AGE, *self.own_function_names()]
        return CqlError(f"unknown function {name!r}", context, suggestion=nearest(name, known))

    def own_function_names(self) -> list[str]:
        """The names of the functions that this library declares."""
        raise NotImplementedError

    def call_in_library(self, library: str, name: str, arguments: list[Context], context: Context) -> Typed:
        exports = self.includes[library]
        overloads = [function for function in exports.functions.get(name, ()) if function.public]
        self._check_not_fluent(overloads, name, context)
        overloads = [function for function in overloads if not function.fluent]
        if not overloads:
            suggestion = nearest(name, exports.functions)
            raise CqlError(f"{library} has no function {name!r}", context, suggestion=suggestion)
        operands = [self.translate(argument) for argument in arguments]
        found = self._call_function(overloads, library, name, operands, context)
        if found is not None:
            return found
        raise self._no_function(name, overloads, operands, context)

    def call_method(self, source: Context, name: str, arguments: list[Context], context: Context) -> Typed:
        receiver = self.translate(source)
        fluent = self.fluent_call(receiver, name, arguments, context)
        if fluent is not None:
            return fluent
        method = self.fhirpath_call(receiver, name, arguments, context)
        if method is not None:
            return method
        if self.not_included:
            raise DependsOnBroken(f"{name!r} may be of a library that is not included", context)
        known = {*self._fluent_names(), *self.fhirpath_names()}
        if name in known:
            raise CqlError(f"no fluent function {name!r} accepts a value of type {receiver.type}", context)
        suggestion = nearest(name, sorted(known), cutoff=0.9)
        hint = "" if suggestion else "; is the library that defines it included?"
        raise CqlError(f"unknown fluent function {name!r}{hint}", context, suggestion=suggestion)

    def _fluent_names(self) -> Iterator[str]:
        """The names of the fluent functions that may be called here."""
        for name in self.own_function_names():
            if any(function.fluent for function in self.own_functions(name)):
                yield name
        for exports in self.includes.values():
            for name, functions in exports.functions.items():
                if any(function.fluent and function.public for function in functions):
                    yield name

    def fluent_call(self, receiver: Typed, name: str, arguments: list[Context], context: Context) -> Typed | None:
        """The call of a fluent function of this library, or of the first included library with one that fits."""
        candidates: list[tuple[str | None, list[FunctionSymbol]]] = [(None, list(self.own_functions(name)))]
        candidates += [(alias, exports.functions.get(name, [])) for alias, exports in self.includes.items()]
        operands: list[Typed] | None = None
        for alias, overloads in candidates:
            fluent = [f for f in overloads if f.fluent and (alias is None or f.public)]
            if fluent:
                if operands is None:
                    operands = [receiver, *map(self.translate, arguments)]
                found = self._call_function(fluent, alias, name, operands, context)
                if found is not None:
                    return found
        return None

    def fhirpath_call(self, receiver: Typed, name: str, arguments: list[Context], context: Context) -> Typed | None:
        """The call of the FHIRPath function `name` on a value; None if there is no such function."""
        raise NotImplementedError

    def fhirpath_names(self) -> list[str]:
        """The names of the FHIRPath functions."""
        raise NotImplementedError

    # ------------------------------------------------------------------------------------------ calling

    def _call_function(
        self,
        overloads: Sequence[FunctionSymbol],
        library: str | None,
        name: str,
        operands: list[Typed],
        context: Context,
    ) -> Typed | None:
        by_types = {tuple(type_ for _, type_ in overload.operands): overload for overload in overloads}
        signatures = [overload.signature(overload.result or ANY) for overload in overloads]
        resolution = self.try_resolve(signatures, operands, name, context)
        if resolution is None:
            return None
        chosen = by_types[resolution.signature.operands]
        if self._is_overloaded(name, library, len(operands)):
            resolution = replace(resolution, has_overloads=True)
        result = chosen.result
        if result is None and library is not None:
            raise DependsOnBroken(f"{name!r} of {library} has errors", context)
        if result is None:
            result = self.result_of(chosen, context)
        node = nodes.FunctionRef(
            name=name,
            libraryName=library,
            operand=[operand.node for operand in self.converted(operands, resolution)],
            signature=self.call_signature(operands, resolution),
        )
        return self.record_type(Typed(node, result))

    def _is_overloaded(self, name: str, library: str | None, arity: int) -> bool:
        """Whether a library has several functions with this name and number of operands, fluent or not."""
        functions = self.own_functions(name) if library is None else self.includes[library].functions.get(name, ())
        return sum(len(function.operands) == arity for function in functions) > 1

    def library_conversion(self, value: Typed, library: str, name: str, to: CqlType) -> Typed:
        overloads = self.functions_of(library, name, None)
        signatures = [overload.signature(overload.result or to) for overload in overloads]
        resolution = self.try_resolve(signatures, [value], name, None)
        node = nodes.FunctionRef(
            name=name,
            libraryName=self.library_alias(library),
            operand=[value.node],
            signature=[] if resolution is None else self.call_signature([value], resolution),
        )
        return self.record_type(Typed(node, to))

    def functions_of(self, library: str, name: str, context: Context) -> Sequence[FunctionSymbol]:
        alias = self.library_alias(library)
        if alias is None:
            return self.own_functions(name)
        return self.includes[alias].functions.get(name, [])

    # ------------------------------------------------------------------------------------------ the language

    def _system_call(
        self, name: str, operands: list[Typed], arguments: list[Context], context: Context
    ) -> Typed | None:
        if name in _AGE:
            return self._age(name, operands, context)
        special = getattr(self, f"_call_{name}", None)
        if special is not None:
            result: Typed = special(operands, context)
            return result
        if name not in system_signatures() or name in _NOT_CALLABLE:
            return None
        return self.operator(name, operands, context)

    def _is_of_language(self, name: str) -> bool:
        return name in _AGE or name in system_signatures() or hasattr(self, f"_call_{name}")

    def _age(self, name: str, operands: list[Typed], context: Context) -> Typed:
        prefix, unit, suffix = _AGE[name]
        if not prefix:
            operands = [self._birth_date(context), *operands]
        if len(operands) != (2 if suffix else 1):
            birth_date, as_of = ["a birth date"] * bool(prefix), ["a date"] * bool(suffix)
            raise CqlError(f"{name} takes {' and '.join([*birth_date, *as_of]) or 'no arguments'}", context)
        if suffix and operands[0].type == DATETIME and operands[1].type == DATE:
            operands[0] = self.conversion_call(operands[0], ("System", "ToDate"), DATE)
        return self.operator(f"CalculateAge{suffix}", operands, context, precision=unit)

    def _birth_date(self, context: Context) -> Typed:
        symbol = self.own_symbol("Patient", context)
        if symbol is None or not isinstance(symbol.type, NamedType):
            raise CqlError("ages need the Patient context: declare a model (`using …`) and `context Patient`", context)
        model = self.models.model_of(symbol.type)
        path = model.patient_birth_date if model is not None else None
        if model is None or path is None:
            raise CqlError(f"{symbol.type} has no birth date", context)
        value = self.reference(symbol, None)
        for step in path.split("."):
            value = self.member(value, step, context)
        return value

    def _slice(self, source: Typed, start: nodes.Expression, end: nodes.Expression) -> Typed:
        return Typed(nodes.Slice(source=source.node, startIndex=start, endIndex=end), source.type)

    def _integer(self, value: int) -> nodes.Literal:
        literal = nodes.Literal(valueType=self.models.qname(INTEGER), value=str(value))
        self.record_type(Typed(literal, INTEGER))
        return literal

    def _list_and_count(self, name: str, operands: list[Typed], context: Context) -> tuple[Typed, Typed]:
        resolution = self.try_resolve(_ELEMENT_OF_LIST, operands, name, context)
        if resolution is None:
            raise CqlError(f"{name} takes a list and a number of elements", context)
        source, count = self.converted(operands, resolution)
        return Typed(source.node, resolution.signature.operands[0]), count

    def _call_Skip(self, operands: list[Typed], context: Context) -> Typed:
        source, count = self._list_and_count("Skip", operands, context)
        return self._slice(source, count.node, nodes.Null())

    def _call_Tail(self, operands: list[Typed], context: Context) -> Typed:
        if len(operands) != 1:
            raise CqlError("Tail takes a list", context)
        source, count = self._list_and_count("Tail", [*operands, Typed(self._integer(1), INTEGER)], context)
        return self._slice(source, count.node, nodes.Null())

    def _call_Take(self, operands: list[Typed], context: Context) -> Typed:
        source, count = self._list_and_count("Take", operands, context)
        zero = self._integer(0)
        end = self.operator("Coalesce", [count, Typed(zero, INTEGER)], context)
        return self._slice(source, self._integer(0), end.node)

    def _call_CalculateAge(self, operands: list[Typed], context: Context) -> Typed:
        return self.operator("CalculateAge", operands, context, precision="Year")

    def _call_InValueSet(self, operands: list[Typed], context: Context) -> Typed:
        if len(operands) != 2 or operands[1].type not in (VALUE_SET, CODE_SYSTEM):
            given = ", ".join(str(operand.type) for operand in operands)
            raise CqlError(f"membership takes codes and a value set or code system, found ({given})", context)
        return self.membership(operands[0], operands[1], context)

    _call_AnyInValueSet = _call_InCodeSystem = _call_AnyInCodeSystem = _call_InValueSet

    def membership(self, element: Typed, collection: Typed, context: Context) -> Typed:
        """The test whether a code, or any code of a list, is in a value set or code system."""
        raise NotImplementedError
