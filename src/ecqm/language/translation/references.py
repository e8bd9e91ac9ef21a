"""Terms that refer to something by its name (Author's Guide, Identifier Resolution; Path Traversal)."""

from __future__ import annotations

from ecqm.elm import nodes
from ecqm.language.diagnostics import TranslationError, nearest
from ecqm.language.literals import unescape
from ecqm.language.parse_trees import Context, rule_of
from ecqm.language.symbols import Declared
from ecqm.language.syntax_errors import KEYWORDS
from ecqm.language.translation.core import Translator, unknown_name
from ecqm.language.translation.functions import call_by_name, call_in_library, call_method, system_function
from ecqm.language.translation.library_names import DependsOnBroken
from ecqm.language.translation.names import library_member, lookup, member, name_of, reference
from ecqm.language.translation.registry import Typed, translates
from ecqm.types import INTEGER


@translates("NameTerm")
def name_term(translator: Translator, context: Context) -> Typed:
    name = name_of(context.referentialIdentifier())
    if context.getChildCount() > 1:
        return call_by_name(translator, name, _arguments(context), context)
    found = lookup(translator, name, context)
    if found is not None:
        return found
    if name in translator.library.includes:
        raise TranslationError(f"{name!r} is a library, not a value", context)
    if name in translator.library.not_included:
        raise DependsOnBroken(f"library {name} is not included", context)
    known = [
        *(n for scope in translator.scopes for n in scope.names()),
        *translator.library.names(),
        *translator.library.includes,
    ]
    error = unknown_name(name, known, "name", context)
    error.suggestion = error.suggestion or nearest(name, KEYWORDS, cutoff=0.8)
    raise error


@translates("MemberTerm")
def member_term(translator: Translator, context: Context) -> Typed:
    source, name = context.term(), name_of(context.anyName())
    is_call = context.getChildCount() > 3
    library = _library_of(translator, source)
    if library is not None:
        if is_call:
            return call_in_library(translator, library, name, _arguments(context), context)
        return library_member(translator, library, name, context)
    if is_call and source.getText() == "System" and lookup(translator, "System", source) is None:
        return system_function(translator, name, _arguments(context), context)
    if is_call:
        return call_method(translator, source, name, _arguments(context), context)
    return member(translator, translator.translate(source), name, context)


@translates("ContextTerm")
def context_term(translator: Translator, context: Context) -> Typed:
    name = str(context.getText())
    for scope in reversed(translator.scopes):
        if name == "$this" and scope.row is not None:
            return Typed(nodes.IdentifierRef(name=name), scope.row)
        if name == "$index" and "$this" in scope.aliases:
            return Typed(nodes.Iteration(scope="$this"), INTEGER)
        if name in scope.aliases:
            return Typed(nodes.AliasRef(name=name), scope.aliases[name])
        if name in scope.lets:
            return Typed(nodes.QueryLetRef(name=name), scope.lets[name])
    raise TranslationError(f"{name} is not available here", context)


@translates("ExternalConstantTerm")
def external_constant_term(translator: Translator, context: Context) -> Typed:
    inner = context.referentialIdentifier()
    name = name_of(inner) if inner is not None else unescape(context.STRING().getText(), context)
    symbol = translator.library.symbol(name, context)
    if symbol is None or symbol.kind is not Declared.PARAMETER:
        raise unknown_name(name, translator.library.names(), "parameter", context)
    return reference(symbol, None)


def _library_of(translator: Translator, context: Context) -> str | None:
    """The alias of the included library that a term names; None if it names none, or an inner name hides it."""
    if rule_of(context) != "NameTerm" or context.getChildCount() > 1:
        return None
    name = name_of(context.referentialIdentifier())
    if name not in translator.library.includes or any(name in scope.names() for scope in translator.scopes):
        return None
    return name


def _arguments(context: Context) -> list[Context]:
    """The argument contexts of a call."""
    given = context.arguments()
    return [] if given is None else list(given.expression())
