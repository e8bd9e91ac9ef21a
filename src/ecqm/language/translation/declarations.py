"""The header of a library: models, included libraries, terminology and parameters."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ecqm.elm import nodes
from ecqm.language.diagnostics import CqlError
from ecqm.language.literals import unescape
from ecqm.language.model_context import SYSTEM_URI
from ecqm.language.symbols import Declared, Exports, Symbol
from ecqm.language.translation.core import Context
from ecqm.language.translation.fhirpath import FhirPathTranslator
from ecqm.language.translation.names import name_of, parts_of
from ecqm.language.translation.retrieves import RetrieveTranslator
from ecqm.models import assumption, standing_for
from ecqm.types import CODE, CODE_SYSTEM, CONCEPT, VALUE_SET, CqlType


class BrokenLibrary(CqlError):
    """An included library has errors. `exports` has those of its declarations that could be translated."""

    def __init__(self, message: str, context: Context, exports: Exports) -> None:
        super().__init__(message, context)
        self.exports = exports


IncludeLibrary = Callable[[str, str | None, Context], Exports]


class DeclarationTranslator(RetrieveTranslator, FhirPathTranslator):
    """Translates the definitions before the statements, and adds them to `library` and `exports`."""

    library: nodes.Library
    exports: Exports
    include: IncludeLibrary

    def declare(self, definitions: Sequence[Context], parsed: Callable[[Context], bool]) -> None:
        """Translate all definitions: models and includes first, then code systems, then what refers to these."""
        self.library.usings.append(nodes.UsingDef(localIdentifier="System", uri=SYSTEM_URI))
        order = ("Using", "Include", "Codesystem", "Valueset", "Code", "Concept", "Parameter")
        for kind in order:
            for definition in definitions:
                if type(definition).__name__ == f"{kind}DefinitionContext":
                    if not parsed(definition):
                        self._declare_broken(definition)
                        continue
                    try:
                        getattr(self, f"_declare_{kind}")(definition)
                    except CqlError as error:
                        error.context = error.context or definition
                        self.report(error)
                        self._declare_broken(definition)

    def _declare_broken(self, definition: Context) -> None:
        """Remember the name of a definition with errors, so that references to it are not reported too."""
        identifier = getattr(definition, "identifier", None)
        found = identifier() if identifier is not None else None
        if found is not None and not isinstance(found, list):
            self.broken.add(name_of(found))

    broken: set[str]

    def _add(self, definition: Context, kind: Declared, type_: CqlType, element: Any, into: list[Any]) -> None:
        name = element.name
        if name in self.exports.symbols or name in self.includes:
            raise CqlError(f"the name {name!r} is declared twice", definition.identifier())
        public = self._access(definition) == "Public"
        self.exports.symbols[name] = Symbol(kind, name, type_, public)
        self.locate(element, definition)
        if self.options.result_types:
            self.set_result_type(element, type_)
        self.annotate(element, definition)
        into.append(element)

    def annotate(self, element: nodes.Element, context: Context) -> None:
        """Attach the narrative of a definition if the options ask for annotations."""
        raise NotImplementedError

    def _access(self, definition: Context) -> str:
        modifier = definition.accessModifier()
        return "Public" if modifier is None else str(modifier.getText()).capitalize()

    def _declare_Using(self, definition: Context) -> None:
        name = ".".join(parts_of(definition.qualifiedIdentifier()))
        version = _version(definition)
        local = definition.identifier()
        local_name = name if local is None else name_of(local)
        notice = None if version is None else assumption(name, version)
        if notice is not None:
            self.report(CqlError(notice, definition), "warning")
        try:
            model = self.models.use(name, standing_for(name, version) or version, local_name)
        except LookupError as error:
            raise CqlError(str(error.args[0]), definition) from None
        if name == "System" or any(known.localIdentifier == local_name for known in self.library.usings):
            return
        is_mapped = model.target_url not in (None, model.url)
        using = nodes.UsingDef(
            localIdentifier=local_name, uri=self.models.uri(model), version=None if is_mapped else version
        )
        self.locate(using, definition)
        self.annotate(using, definition)
        self.library.usings.append(using)

    def _declare_Include(self, definition: Context) -> None:
        path = ".".join(parts_of(definition.qualifiedIdentifier()))
        version = _version(definition)
        local = definition.identifier()
        alias = path.rpartition(".")[2] if local is None else name_of(local)
        if alias in self.includes:
            raise CqlError(f"the name {alias!r} is declared twice", definition)
        try:
            self.includes[alias] = self.include(path, version, definition)
        except BrokenLibrary as broken:
            self.report(broken)
            self.includes[alias] = broken.exports
        except CqlError:
            self.not_included[alias] = path.rpartition(".")[2]
            raise
        include = nodes.IncludeDef(localIdentifier=alias, path=path, version=version)
        self.locate(include, definition)
        self.annotate(include, definition)
        self.library.includes.append(include)

    def _declare_Codesystem(self, definition: Context) -> None:
        element = nodes.CodeSystemDef(
            name=name_of(definition.identifier()),
            id=unescape(definition.STRING(0).getText()),
            version=_version(definition, 1),
            accessLevel=self._access(definition),
        )
        self._add(definition, Declared.CODE_SYSTEM, CODE_SYSTEM, element, self.library.codeSystems)

    def _declare_Valueset(self, definition: Context) -> None:
        systems = definition.codesystems()
        element = nodes.ValueSetDef(
            name=name_of(definition.identifier()),
            id=unescape(definition.STRING(0).getText()),
            version=_version(definition, 1),
            accessLevel=self._access(definition),
            codeSystem=[]
            if systems is None
            else [self.code_system(system) for system in systems.qualifiedIdentifier()],
        )
        self._add(definition, Declared.VALUE_SET, VALUE_SET, element, self.library.valueSets)

    def _declare_Code(self, definition: Context) -> None:
        element = nodes.CodeDef(
            name=name_of(definition.identifier()),
            id=unescape(definition.STRING().getText()),
            display=_display(definition),
            accessLevel=self._access(definition),
            codeSystem=self.code_system(definition.qualifiedIdentifier()),
        )
        self._add(definition, Declared.CODE, CODE, element, self.library.codes)

    def _declare_Concept(self, definition: Context) -> None:
        codes: list[nodes.CodeRef] = []
        for context in definition.qualifiedIdentifier():
            code = self.terminology(context, Declared.CODE)
            assert isinstance(code, nodes.CodeRef)
            codes.append(code)
        element = nodes.ConceptDef(
            name=name_of(definition.identifier()),
            display=_display(definition),
            accessLevel=self._access(definition),
            code=codes,
        )
        self._add(definition, Declared.CONCEPT, CONCEPT, element, self.library.concepts)

    def _declare_Parameter(self, definition: Context) -> None:
        specifier = definition.typeSpecifier()
        default = None if definition.expression() is None else self.translate(definition.expression())
        if specifier is not None:
            type_ = self.type_of(specifier)
            if default is not None:
                default = self.to_type(default, type_, definition.expression())
        elif default is not None:
            type_ = default.type
        else:
            raise CqlError("a parameter needs a type or a default value", definition)
        element = nodes.ParameterDef(
            name=name_of(definition.identifier()),
            accessLevel=self._access(definition),
            default=None if default is None else default.node,
            parameterTypeSpecifier=None if specifier is None else self.models.specifier(type_),
        )
        self._add(definition, Declared.PARAMETER, type_, element, self.library.parameters)


def _version(definition: Context, index: int = 0) -> str | None:
    """The version of a definition: its `index`-th string, if it has that many."""
    texts = definition.STRING()
    if not isinstance(texts, list):
        return None if texts is None else unescape(texts.getText())
    return unescape(texts[index].getText()) if len(texts) > index else None


def _display(definition: Context) -> str | None:
    clause = definition.displayClause()
    return None if clause is None else unescape(clause.STRING().getText())
