"""The header of a library: models, included libraries, terminology and parameters."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from ecqm.elm import nodes
from ecqm.language.diagnostics import TranslationError
from ecqm.language.literals import unescape
from ecqm.language.parse_trees import Context, rule_of
from ecqm.language.symbols import Declared, Exports, Symbol
from ecqm.language.translation.core import Translator
from ecqm.language.translation.library_names import LibraryNames
from ecqm.language.translation.names import name_of, parts_of
from ecqm.language.translation.selectors import code_system, terminology
from ecqm.language.translation.type_specifiers import type_of
from ecqm.models import SYSTEM_NAMESPACE, assumption, standing_for
from ecqm.types import CODE, CODE_SYSTEM, CONCEPT, VALUE_SET, CqlType


class BrokenLibrary(TranslationError):
    """An included library has errors. `exports` has those of its declarations that could be translated."""

    def __init__(self, message: str, context: Context, exports: Exports) -> None:
        super().__init__(message, context)
        self.exports = exports


IncludeLibrary = Callable[[str, str | None, Context], Exports]
"""Compiles the library with a name and version. Raises TranslationError if it is not found, BrokenLibrary if it has
errors."""


@dataclass
class Declaring:
    """The library that declarations are added to (`elm`), and how it includes others."""

    translator: Translator
    elm: nodes.Library
    include: IncludeLibrary


Declare = Callable[[Declaring, Context], None]
# In the order in which definitions are translated, which is that of the functions below.
_DECLARATIONS: dict[str, Declare] = {}


def declares(rule: str) -> Callable[[Declare], Declare]:
    """Register the function (declaring, definition) that adds definitions of one kind."""

    def register(function: Declare) -> Declare:
        _DECLARATIONS[f"{rule}Definition"] = function
        return function

    return register


def declare(declaring: Declaring, definitions: Sequence[Context], is_whole: Callable[[Context], bool]) -> None:
    """Add all definitions: models and includes first, then code systems, then what refers to these. Those with errors,
    and those that are not whole, are left out."""
    translator = declaring.translator
    declaring.elm.usings.append(nodes.UsingDef(localIdentifier="System", uri=SYSTEM_NAMESPACE))
    for rule, add in _DECLARATIONS.items():
        for definition in definitions:
            if rule_of(definition) != rule:
                continue
            if not is_whole(definition):
                _note_broken(translator.library, definition)
                continue
            try:
                add(declaring, definition)
            except TranslationError as error:
                error.context = error.context or definition
                translator.report(error)
                _note_broken(translator.library, definition)


def _note_broken(library: LibraryNames, definition: Context) -> None:
    """Remember the name of a definition with errors, so that references to it are not reported too."""
    identifier = getattr(definition, "identifier", None)
    found = identifier() if identifier is not None else None
    if found is not None and not isinstance(found, list):
        library.broken.add(name_of(found))


def _add(
    declaring: Declaring, definition: Context, kind: Declared, type_: CqlType, element: Any, into: list[Any]
) -> None:
    """Add a definition to the library, and its name to the exports. Raises TranslationError if the name is taken."""
    translator, name = declaring.translator, element.name
    if name in translator.library.exports.symbols or name in translator.library.includes:
        raise TranslationError(f"the name {name!r} is declared twice", definition.identifier())
    public = _access(definition) == "Public"
    translator.library.exports.symbols[name] = Symbol(kind, name, type_, public)
    translator.annotate(translator.described(element, definition, type_), definition)
    into.append(element)


def _access(definition: Context) -> str:
    modifier = definition.accessModifier()
    return "Public" if modifier is None else str(modifier.getText()).capitalize()


@declares("Using")
def using_definition(declaring: Declaring, definition: Context) -> None:
    translator = declaring.translator
    name = ".".join(parts_of(definition.qualifiedIdentifier()))
    version = _version(definition)
    local = definition.identifier()
    local_name = name if local is None else name_of(local)
    notice = None if version is None else assumption(name, version)
    if notice is not None:
        translator.report(TranslationError(notice, definition), "warning")
    try:
        model = translator.models.use(name, standing_for(name, version) or version, local_name)
    except LookupError as error:
        raise TranslationError(str(error.args[0]), definition) from None
    if name == "System" or any(known.localIdentifier == local_name for known in declaring.elm.usings):
        return
    is_mapped = model.target_url not in (None, model.url)
    using = nodes.UsingDef(localIdentifier=local_name, uri=model.target_url, version=None if is_mapped else version)
    translator.locate(using, definition)
    translator.annotate(using, definition)
    declaring.elm.usings.append(using)


@declares("Include")
def include_definition(declaring: Declaring, definition: Context) -> None:
    translator = declaring.translator
    path = ".".join(parts_of(definition.qualifiedIdentifier()))
    version = _version(definition)
    local = definition.identifier()
    alias = path.rpartition(".")[2] if local is None else name_of(local)
    if alias in translator.library.includes:
        raise TranslationError(f"the name {alias!r} is declared twice", definition)
    try:
        translator.library.includes[alias] = declaring.include(path, version, definition)
    except BrokenLibrary as broken:
        translator.report(broken)
        translator.library.includes[alias] = broken.exports
    except TranslationError:
        translator.library.not_included[alias] = path.rpartition(".")[2]
        raise
    include = nodes.IncludeDef(localIdentifier=alias, path=path, version=version)
    translator.locate(include, definition)
    translator.annotate(include, definition)
    declaring.elm.includes.append(include)


@declares("Codesystem")
def codesystem_definition(declaring: Declaring, definition: Context) -> None:
    element = nodes.CodeSystemDef(
        name=name_of(definition.identifier()),
        id=unescape(definition.STRING(0).getText(), definition),
        version=_version(definition, 1),
        accessLevel=_access(definition),
    )
    _add(declaring, definition, Declared.CODE_SYSTEM, CODE_SYSTEM, element, declaring.elm.codeSystems)


@declares("Valueset")
def valueset_definition(declaring: Declaring, definition: Context) -> None:
    translator = declaring.translator
    systems = definition.codesystems()
    element = nodes.ValueSetDef(
        name=name_of(definition.identifier()),
        id=unescape(definition.STRING(0).getText(), definition),
        version=_version(definition, 1),
        accessLevel=_access(definition),
        codeSystem=[]
        if systems is None
        else [code_system(translator, system) for system in systems.qualifiedIdentifier()],
    )
    _add(declaring, definition, Declared.VALUE_SET, VALUE_SET, element, declaring.elm.valueSets)


@declares("Code")
def code_definition(declaring: Declaring, definition: Context) -> None:
    translator = declaring.translator
    element = nodes.CodeDef(
        name=name_of(definition.identifier()),
        id=unescape(definition.STRING().getText(), definition),
        display=_display(definition),
        accessLevel=_access(definition),
        codeSystem=code_system(translator, definition.qualifiedIdentifier()),
    )
    _add(declaring, definition, Declared.CODE, CODE, element, declaring.elm.codes)


@declares("Concept")
def concept_definition(declaring: Declaring, definition: Context) -> None:
    translator = declaring.translator
    codes: list[nodes.CodeRef] = []
    for context in definition.qualifiedIdentifier():
        code = terminology(translator, context, Declared.CODE)
        assert isinstance(code, nodes.CodeRef)
        codes.append(code)
    element = nodes.ConceptDef(
        name=name_of(definition.identifier()),
        display=_display(definition),
        accessLevel=_access(definition),
        code=codes,
    )
    _add(declaring, definition, Declared.CONCEPT, CONCEPT, element, declaring.elm.concepts)


@declares("Parameter")
def parameter_definition(declaring: Declaring, definition: Context) -> None:
    translator = declaring.translator
    specifier = definition.typeSpecifier()
    default = None if definition.expression() is None else translator.translate(definition.expression())
    if specifier is not None:
        type_ = type_of(translator, specifier)
        if default is not None:
            default = translator.to_type(default, type_, definition.expression())
    elif default is not None:
        type_ = default.type
    else:
        raise TranslationError("a parameter needs a type or a default value", definition)
    element = nodes.ParameterDef(
        name=name_of(definition.identifier()),
        accessLevel=_access(definition),
        default=None if default is None else default.node,
        parameterTypeSpecifier=None if specifier is None else translator.models.specifier(type_),
    )
    _add(declaring, definition, Declared.PARAMETER, type_, element, declaring.elm.parameters)


def _version(definition: Context, index: int = 0) -> str | None:
    """The version of a definition: its `index`-th string, if it has that many."""
    texts = definition.STRING()
    if not isinstance(texts, list):
        return None if texts is None else unescape(texts.getText(), definition)
    return unescape(texts[index].getText(), definition) if len(texts) > index else None


def _display(definition: Context) -> str | None:
    clause = definition.displayClause()
    return None if clause is None else unescape(clause.STRING().getText(), definition)
