"""$cql and Library/$evaluate: values of CQL (Using CQL with FHIR, Operations)."""

from __future__ import annotations

from collections.abc import Iterator

from ecqm.bundles.content.libraries import LibrarySource
from ecqm.elm.nodes import FunctionDef
from ecqm.measures.results.fhir_elements import Json
from ecqm.server.calls import Call
from ecqm.server.expressions import KNOWN, UNSUPPORTED, expressions_of, include, quoted
from ecqm.server.inputs import Inputs
from ecqm.server.outcomes import invalid, not_found
from ecqm.server.service import Service
from ecqm.types import TupleType

# The name by which an expression refers to the library that is evaluated.
_EVALUATED = "Evaluated"


def cql(service: Service, call: Call) -> Json:
    """Parameters with the value of an expression (`return`), and warnings if there are any (`_messages`).

    Raises RequestError for what is wrong with the request, also for an expression that does not compile; CqlError for
    a run-time error, DataError, PlanError and EvaluationError.
    """
    inputs = Inputs(call, (*KNOWN, "library"), UNSUPPORTED)
    expression = inputs.text("expression")
    if expression is None:
        raise invalid("parameter expression is missing")
    with expressions_of(service, inputs, list(_includes(service, inputs))) as expressions:
        value, type_ = expressions.evaluate(expression)
        returned = expressions.parameters("return", value, type_)
    return _parameters([*returned, *expressions.messages()])


def evaluate_library(service: Service, call: Call) -> Json:
    """Parameters with the values of definitions of a library, by their names: those asked for, or all public ones.

    Raises as `cql`, and ElmError for a library that does not compile.
    """
    unsupported = UNSUPPORTED | {"library": "libraries are those of the content"}
    inputs = Inputs(call, (*KNOWN, "url", "includePrivate"), unsupported)
    url = f"Library/{call.id}" if call.id else inputs.text("url")
    if url is None:
        raise invalid("parameter url is missing: which library is to be evaluated?")
    library = _find(service, url)
    names = list(_definitions(service, library, inputs))
    # All of them in one expression share what they have in common.
    together = ", ".join(f"{quoted(name)}: {quoted(_EVALUATED)}.{quoted(name)}" for name in names)
    with expressions_of(service, inputs, [include(library, _EVALUATED)]) as expressions:
        value, type_ = expressions.evaluate(f"Tuple {{ {together or ':'} }}")
        assert isinstance(type_, TupleType)
        returned = [each for name, of in type_.elements for each in expressions.parameters(name, value[name], of)]
    return _parameters([*returned, *expressions.messages()])


def _definitions(service: Service, library: LibrarySource, inputs: Inputs) -> Iterator[str]:
    compiled, _ = service.compiler.library(library)
    definitions = {each.name: each for each in compiled.expressions.values() if not isinstance(each, FunctionDef)}
    asked = dict.fromkeys(each.text() for each in inputs.all("expression"))
    for name in asked:
        if name not in definitions:
            raise not_found(f"library {library} does not define {name!r}")
    if asked:
        yield from asked
        return
    private_too = inputs.truth("includePrivate", default=False)
    yield from (name for name, each in definitions.items() if private_too or each.accessLevel == "Public")


def _includes(service: Service, inputs: Inputs) -> Iterator[str]:
    """The declarations that include the libraries named by `library`."""
    for given in inputs.all("library"):
        parts = {part.name: part for part in given.parts()}
        if "url" not in parts:
            raise invalid("parameter library has no part url")
        yield include(_find(service, parts["url"].text()), parts["name"].text() if "name" in parts else None)


def _find(service: Service, canonical: str) -> LibrarySource:
    """The library with a canonical URL or of a reference, in its version or the latest. Raises RequestError."""
    url, _, version = canonical.partition("|")
    libraries = service.content.libraries
    for found in libraries.versions(libraries.name_of(url)):
        if version in ("", found.version):
            return found
    raise not_found(f"there is no library {url}" + (f" in version {version}" if version else ""))


def _parameters(found: list[Json]) -> Json:
    return {"resourceType": "Parameters", **({"parameter": found} if found else {})}
