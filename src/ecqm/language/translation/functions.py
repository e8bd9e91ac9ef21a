"""Calls of functions: of this library, of included libraries, of the language, and fluent functions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from ecqm.elm import nodes
from ecqm.language.diagnostics import TranslationError, nearest
from ecqm.language.parse_trees import Context
from ecqm.language.symbols import FunctionSymbol
from ecqm.language.system_operators import system_signatures
from ecqm.language.translation.core import Translator
from ecqm.language.translation.fhirpath import fhirpath_call, fhirpath_names
from ecqm.language.translation.library_names import DependsOnBroken
from ecqm.language.translation.registry import Typed
from ecqm.language.translation.system_functions import is_of_language, language_names, system_call
from ecqm.types import ANY


def call_by_name(translator: Translator, name: str, arguments: list[Context], context: Context) -> Typed:
    """The call of a function of this library or of the language, whichever fits the operands better."""
    own = [overload for overload in translator.library.functions(name) if not overload.fluent]
    if not own and not is_of_language(name):
        _check_not_fluent(translator.library.functions(name), name, context)
        raise _no_function(translator, name, (), (), context)
    operands = [translator.translate(argument) for argument in arguments]
    if own:
        found = _call_function(translator, own, None, name, operands, context)
        if found is not None:
            return found
    system = system_call(translator, name, operands, context)
    if system is not None:
        return system
    raise _no_function(translator, name, own, operands, context)


def _check_not_fluent(overloads: Sequence[FunctionSymbol], name: str, context: Context) -> None:
    """Raises TranslationError if all overloads are fluent, and so can only be called as methods."""
    if overloads and all(overload.fluent for overload in overloads):
        raise TranslationError(
            f"{name!r} is a fluent function: write the first argument before it, `x.{name}(…)`", context
        )


def system_function(translator: Translator, name: str, arguments: list[Context], context: Context) -> Typed:
    """The call `System.name(…)`."""
    operands = [translator.translate(argument) for argument in arguments]
    found = system_call(translator, name, operands, context) if is_of_language(name) else None
    if found is None:
        raise _no_function(translator, name, (), operands, context)
    return found


def _no_function(
    translator: Translator, name: str, overloads: Sequence[FunctionSymbol], operands: Sequence[Typed], context: Context
) -> TranslationError:
    given = ", ".join(str(operand.type) for operand in operands)
    if overloads:
        expected = [str(overload.signature(ANY)) for overload in overloads]
        return TranslationError(f"{name} cannot be called with ({given})", context, expected=expected[:6])
    if name in system_signatures():
        return translator.no_overload(name, operands, context)
    known = [*language_names(), *translator.library.function_names()]
    return TranslationError(f"unknown function {name!r}", context, suggestion=nearest(name, known))


def call_in_library(
    translator: Translator, library: str, name: str, arguments: list[Context], context: Context
) -> Typed:
    """The call of a public function of the included library with alias `library`."""
    exports = translator.library.includes[library]
    overloads = [function for function in exports.functions.get(name, ()) if function.public]
    _check_not_fluent(overloads, name, context)
    overloads = [function for function in overloads if not function.fluent]
    if not overloads:
        suggestion = nearest(name, exports.functions)
        raise TranslationError(f"{library} has no function {name!r}", context, suggestion=suggestion)
    operands = [translator.translate(argument) for argument in arguments]
    found = _call_function(translator, overloads, library, name, operands, context)
    if found is not None:
        return found
    raise _no_function(translator, name, overloads, operands, context)


def call_method(
    translator: Translator, source: Context, name: str, arguments: list[Context], context: Context
) -> Typed:
    """The call `source.name(…)` of a fluent function, or of one of FHIRPath."""
    receiver = translator.translate(source)
    fluent = _fluent_call(translator, receiver, name, arguments, context)
    if fluent is not None:
        return fluent
    method = fhirpath_call(translator, receiver, name, arguments, context)
    if method is not None:
        return method
    if translator.library.not_included:
        raise DependsOnBroken(f"{name!r} may be of a library that is not included", context)
    known = {*_fluent_names(translator), *fhirpath_names()}
    if name in known:
        raise TranslationError(f"no fluent function {name!r} accepts a value of type {receiver.type}", context)
    suggestion = nearest(name, sorted(known), cutoff=0.9)
    hint = "" if suggestion else "; is the library that defines it included?"
    raise TranslationError(f"unknown fluent function {name!r}{hint}", context, suggestion=suggestion)


def _fluent_names(translator: Translator) -> Iterator[str]:
    """The names of the fluent functions that may be called here."""
    for name in translator.library.function_names():
        if any(function.fluent for function in translator.library.functions(name)):
            yield name
    for exports in translator.library.includes.values():
        for name, functions in exports.functions.items():
            if any(function.fluent and function.public for function in functions):
                yield name


def _fluent_call(
    translator: Translator, receiver: Typed, name: str, arguments: list[Context], context: Context
) -> Typed | None:
    """The call of a fluent function of this library, or of the first included library with one that fits."""
    candidates: list[tuple[str | None, list[FunctionSymbol]]] = [(None, list(translator.library.functions(name)))]
    candidates += [(alias, exports.functions.get(name, [])) for alias, exports in translator.library.includes.items()]
    operands: list[Typed] | None = None
    for alias, overloads in candidates:
        fluent = [f for f in overloads if f.fluent and (alias is None or f.public)]
        if fluent:
            if operands is None:
                operands = [receiver, *map(translator.translate, arguments)]
            found = _call_function(translator, fluent, alias, name, operands, context)
            if found is not None:
                return found
    return None


def _call_function(
    translator: Translator,
    overloads: Sequence[FunctionSymbol],
    library: str | None,
    name: str,
    operands: list[Typed],
    context: Context,
) -> Typed | None:
    by_types = {tuple(type_ for _, type_ in overload.operands): overload for overload in overloads}
    signatures = [overload.signature(overload.result or ANY) for overload in overloads]
    resolution = translator.try_resolve(signatures, operands, name, context)
    if resolution is None:
        return None
    chosen = by_types[resolution.signature.operands]
    if _is_overloaded(translator, name, library, len(operands)):
        resolution = replace(resolution, has_overloads=True)
    if library is None:
        # The body is translated now even if the result type is declared, which finds functions that call themselves.
        result = translator.library.result_of(chosen, context)
    elif chosen.result is None:
        raise DependsOnBroken(f"{name!r} of {library} has errors", context)
    else:
        result = chosen.result
    node = nodes.FunctionRef(
        name=name,
        libraryName=library,
        operand=[operand.node for operand in translator.converted(operands, resolution)],
        signature=translator.call_signature(operands, resolution),
    )
    return translator.typed(node, result)


def _is_overloaded(translator: Translator, name: str, library: str | None, arity: int) -> bool:
    """Whether a library has several functions with this name and number of operands, fluent or not."""
    functions = (
        translator.library.functions(name)
        if library is None
        else translator.library.includes[library].functions.get(name, ())
    )
    return sum(len(function.operands) == arity for function in functions) > 1
