"""CQL expressions of a request: what they may refer to, and their values as parameters (Using CQL with FHIR)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache
from typing import Any

import msgspec

from ecqm.bundles.content.libraries import LibrarySource
from ecqm.bundles.evaluation.compiling import ContentSources, compiled_cache
from ecqm.columns import ResourceRow
from ecqm.expressions.evaluation import ExpressionRefused, Expressions, TypedValue
from ecqm.json_decoding import json_decoder
from ecqm.measures.results.fhir_elements import Json
from ecqm.server.cql_values import UnreadableParameter, by_name, value_of
from ecqm.server.fhir_values import FindResource, parameters_of
from ecqm.server.inputs import Inputs
from ecqm.server.outcomes import RequestError, invalid, issue, outcome
from ecqm.server.patients import Patients, patient_of
from ecqm.server.service import Service
from ecqm.types import CqlType
from ecqm.values import CqlError, EvaluationContext
from ecqm.values.text import parse_datetime

KNOWN = ("expression", "subject", "parameters", "data", "prefetchData", "useServerData", "timestamp")
UNSUPPORTED = dict.fromkeys(
    ("dataEndpoint", "contentEndpoint", "terminologyEndpoint", "artifactEndpointConfiguration"),
    "the server opens no connections",
)
_decode = json_decoder(dict[str, Any], float_hook=Decimal)


@dataclass
class RequestExpressions:
    """Evaluates expressions with the subject, data, parameters and timestamp of a request."""

    _expressions: Expressions
    _find: FindResource
    _warnings: list[str] = field(default_factory=list)

    def evaluate(self, expression: str) -> TypedValue:
        """The value of an expression. Raises RequestError if it does not compile, CqlError for a run-time error,
        DataError, PlanError and EvaluationError."""
        try:
            return self._expressions.evaluate(expression)
        except ExpressionRefused as error:
            texts = [each.render(each.library or "expression") for each in error.errors]
            raise RequestError(400, "invalid", *texts) from error

    def parameters(self, name: str, value: Any, type_: CqlType) -> list[Json]:
        """The parameters of one name that stand for a value."""
        return parameters_of(name, value, type_, self._find)

    def messages(self) -> list[Json]:
        """What the expressions lacked, and what is wrong with the data, as the parameter `_messages`, if anything."""
        issues = [issue("warning", "incomplete", warning) for warning in self._warnings]
        return [{"name": "_messages", "resource": outcome(issues)}] if issues else []


@contextmanager
def expressions_of(service: Service, inputs: Inputs, includes: Sequence[str]) -> Iterator[RequestExpressions]:
    """What evaluates expressions for a request, with declarations that include libraries. Raises RequestError."""
    parameters = _parameters(inputs)
    warnings: list[str] = []
    with service.patients(inputs) as patients:
        patient = _patient(patients, patient_of(inputs.text("subject")))
        is_plain = not parameters and not includes and patient is None
        expressions = Expressions(
            _context(inputs),
            None if is_plain else _library(includes, parameters),
            ContentSources(service.content, service.served.relax_versions),
            patients.data if patients is not None and patient is not None else None,
            patient,
            service.content.value_sets,
            {name: value for name, (value, _) in parameters.items()},
            warnings.append,
            compiled_cache(),
        )
        yield RequestExpressions(expressions, _finder(patients, patient), warnings)
        if patients is not None and patient is not None:
            warnings += patients.problems()


def include(library: LibrarySource, name: str | None = None) -> str:
    """The declaration that includes a library, under another name if one is given."""
    version = "" if library.version is None else f" version '{library.version}'"
    return f"include {quoted(library.name)}{version} called {quoted(name or library.name)}"


def quoted(name: str) -> str:
    """A name as CQL's quoted identifier."""
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _parameters(inputs: Inputs) -> dict[str, tuple[Any, CqlType]]:
    """The values of the Parameters resource `parameters`, with their types, by name."""
    given = inputs.one("parameters")
    if given is None:
        return {}
    try:
        resource = _decode(given.resource())
        named = by_name(resource.get("parameter", ()))
        return {name: value_of(parameters) for name, parameters in named.items()}
    except UnreadableParameter as error:
        raise invalid(str(error)) from error
    except (msgspec.DecodeError, KeyError, TypeError, AttributeError) as error:
        raise invalid("parameter parameters has to be a Parameters resource with named parameters") from error


def _library(includes: Sequence[str], parameters: dict[str, tuple[Any, CqlType]]) -> str:
    """The library that the expression is evaluated in: of FHIR data, with what the request includes and declares."""
    declared = [f"parameter {quoted(name)} {type_}" for name, (_, type_) in parameters.items()]
    return "\n".join(["using FHIR version '4.0.1'", "include FHIRHelpers", *includes, *declared, "context Patient", ""])


def _context(inputs: Inputs) -> EvaluationContext:
    stamp = inputs.text("timestamp")
    if stamp is None:
        return EvaluationContext.of_this_moment()
    try:
        now = parse_datetime(stamp)
    except CqlError as error:
        raise invalid(f"parameter timestamp: {error}") from error
    return EvaluationContext(now, now.offset or 0)


def _patient(patients: Patients | None, subject: str | None) -> str | None:
    """The patient that the expression is about: the subject, otherwise the only patient of the request's data."""
    if subject is not None and patients is None:
        raise invalid("there are no patients: send a Bundle in parameter data, or start the server with --data")
    if subject is not None or patients is None or not patients.bundles:
        return subject
    ids = patients.data.patient_ids()
    if not ids:
        raise RequestError(400, "invalid", "there is no patient in the data", *patients.problems())
    if len(ids) != 1:
        raise invalid(f"parameter subject is missing: there are {len(ids)} patients in the data")
    return ids[0]


def _finder(patients: Patients | None, patient: str | None) -> FindResource:
    """A function that finds the JSON of resources: in the Bundles of the request, or in the server's stores."""

    @cache
    def found(resource_type: str) -> Mapping[str, bytes]:
        return {} if patients is None or patient is None else patients.resources(resource_type, patient)

    def find(row: ResourceRow) -> Json | None:
        table: Any = row.table
        raw = found(table.resource_type).get(table.ids.texts()[row.row])
        return None if raw is None else _decode(raw)

    return find
