"""Translation of a whole library."""

from __future__ import annotations

from typing import Any

from ecqm.elm import nodes
from ecqm.language.diagnostics import Diagnostics, TranslationError
from ecqm.language.literals import unescape
from ecqm.language.model_context import ModelContext
from ecqm.language.options import CompilerOptions
from ecqm.language.parse_trees import Context
from ecqm.language.parsing import ParsedLibrary
from ecqm.language.symbols import Exports
from ecqm.language.translation.declarations import Declaring, IncludeLibrary, declare
from ecqm.language.translation.library_names import DependsOnBroken
from ecqm.language.translation.names import parts_of
from ecqm.language.translation.statements import UNFILTERED, Statement, Statements
from ecqm.types import CqlType


class LibraryTranslator:
    """Translates one library; `library` is its ELM, `exports` what others may refer to."""

    def __init__(
        self,
        parsed: ParsedLibrary | None,
        models: ModelContext,
        options: CompilerOptions,
        diagnostics: Diagnostics,
        include: IncludeLibrary,
    ) -> None:
        self.parsed = parsed
        self.statements = Statements(models, options, diagnostics)
        self.translator = self.statements.translator
        self.library = nodes.Library(
            identifier=nodes.VersionedIdentifier(),
            schemaIdentifier=nodes.VersionedIdentifier(id="urn:hl7-org:elm", version="r1"),
            contexts=self.statements.contexts,
        )
        self._declaring = Declaring(self.translator, self.library, include)

    @property
    def exports(self) -> Exports:
        """The declarations of the library."""
        return self.statements.exports

    def translate_library(self) -> nodes.Library:
        """The library as ELM. Statements with errors are left out, and reported in the diagnostics."""
        if self.parsed is None:
            declare(self._declaring, (), lambda _: True)
            return self.library
        header = self.parsed.header
        if header is not None and header.qualifiedIdentifier() is not None:
            self.library.identifier = _identifier(header)
            self.exports.id = self.library.identifier.id or ""
            self.exports.version = self.library.identifier.version
            self.translator.diagnostics.library = self.exports.id
        declare(self._declaring, self.parsed.definitions, self.parsed.is_whole)
        statements = self.statements.collect(self.parsed.statements, self.parsed.is_whole)
        for statement in statements:
            self.statements.finish(statement)
        self.library.statements += [s.element for s in statements if s.element is not None]
        return self.library

    def translate_standalone(self, context: Context, name: str, diagnostics: Diagnostics) -> CqlType | None:
        """Translate a separate expression to a definition `name`. Returns its type, None if it has errors, which
        `diagnostics` then has."""
        self.translator.diagnostics = diagnostics
        statement = Statement(context, next(iter(self.library.contexts), nodes.ContextDef(name=UNFILTERED)).name)
        try:
            with self.statements.alone(statement, name, []):
                value = self.translator.translate(context.expression())
            element = nodes.ExpressionDef(name=name, context=statement.evaluation_context, expression=value.node)
            self.statements.complete(statement, element, value.type)
        except DependsOnBroken:
            return None
        except TranslationError as error:
            error.context = error.context or context
            self.translator.report(error)
            return None
        except RecursionError:
            self.translator.report(TranslationError("the expression is nested too deeply", context))
            return None
        self.library.statements.append(element)
        return value.type


def _identifier(header: Context) -> nodes.VersionedIdentifier:
    *namespace, name = parts_of(header.qualifiedIdentifier())
    version = header.STRING()
    return nodes.VersionedIdentifier(
        id=name,
        system=".".join(namespace) or None,
        version=None if version is None else unescape(version.getText(), header),
    )


def translator_info(version: str, options: CompilerOptions) -> dict[str, Any]:
    """The annotation of a library that names the translator and its options."""
    return {
        "type": "CqlToElmInfo",
        "translatorVersion": version,
        "translatorOptions": options.names(),
        "signatureLevel": options.signatures.value,
    }
