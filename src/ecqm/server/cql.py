"""$cql: the value of a CQL expression (Using CQL with FHIR, CQL operation)."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from functools import cache
from typing import Any

import msgspec

from ecqm.bundles.evaluation.compiling import ContentSources, compiled_cache
from ecqm.columns import ResourceRow
from ecqm.expressions.evaluation import ExpressionRefused, Expressions
from ecqm.json_decoding import json_decoder
from ecqm.measures.results.fhir_elements import Json
from ecqm.server.calls import Call
from ecqm.server.cql_values import UnreadableParameter, by_name, value_of
from ecqm.server.fhir_values import FindResource, parameters_of
from ecqm.server.inputs import Input, Inputs
from ecqm.server.outcomes import RequestError, invalid, issue, not_found, outcome
from ecqm.server.service import Patients, Service, patient_of
from ecqm.types import CqlType
from ecqm.values import CqlError, EvaluationContext
from ecqm.values.text import parse_datetime

_KNOWN = ("expression", "subject", "parameters", "library", "data", "prefetchData", "useServerData", "timestamp")
_NO_CONNECTIONS = "the server opens no connections"
_UNSUPPORTED = dict.fromkeys(
    ("dataEndpoint", "contentEndpoint", "terminologyEndpoint", "artifactEndpointConfiguration"), _NO_CONNECTIONS
)
_decode = json_decoder(dict[str, Any], float_hook=Decimal)


class _Entry(msgspec.Struct):
    resource: dict[str, Any] = {}


class _Bundle(msgspec.Struct):
    entry: list[_Entry] = []


_decode_bundle = json_decoder(_Bundle, float_hook=Decimal)


def cql(service: Service, call: Call) -> Json:
    """Parameters with the value (`return`), and warnings if there are any (`_messages`).

    Raises RequestError for what is wrong with the request, also for an expression that does not compile; CqlError for
    a run-time error, DataError, PlanError and EvaluationError.
    """
    inputs = Inputs(call, _KNOWN, _UNSUPPORTED)
    expression = inputs.text("expression")
    if expression is None:
        raise invalid("parameter expression is missing")
    parameters = _parameters(inputs)
    includes = list(_includes(service, inputs))
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
        try:
            value, type_ = expressions.evaluate(expression)
        except ExpressionRefused as error:
            texts = [each.render(each.library or "expression") for each in error.errors]
            raise RequestError(400, "invalid", *texts) from error
        returned = parameters_of("return", value, type_, _finder(patients))
        if patients is not None and patient is not None:
            warnings += patients.problems()
    if warnings:
        told = outcome(issue("warning", "incomplete", warning) for warning in warnings)
        returned.append({"name": "_messages", "resource": told})
    return {"resourceType": "Parameters", "parameter": returned}


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


def _includes(service: Service, inputs: Inputs) -> Iterator[str]:
    """The include declarations of the libraries named by `library`."""
    for given in inputs.all("library"):
        parts: dict[str, Input] = {part.name: part for part in given.parts()}
        if "url" not in parts:
            raise invalid("parameter library has no part url")
        url, _, version = parts["url"].text().partition("|")
        libraries = service.content.libraries
        found = libraries.versions(libraries.name_of(url))
        found = tuple(each for each in found if version in ("", each.version))
        if not found:
            raise not_found(f"there is no library {url}" + (f" in version {version}" if version else ""))
        name = parts["name"].text() if "name" in parts else found[0].name
        stated = "" if found[0].version is None else f" version '{found[0].version}'"
        yield f"include {_quoted(found[0].name)}{stated} called {_quoted(name)}"


def _library(includes: list[str], parameters: dict[str, tuple[Any, CqlType]]) -> str:
    """The library that the expression is evaluated in: of FHIR data, with what the request includes and declares."""
    declared = [f"parameter {_quoted(name)} {type_}" for name, (_, type_) in parameters.items()]
    return "\n".join(["using FHIR version '4.0.1'", "include FHIRHelpers", *includes, *declared, "context Patient", ""])


def _quoted(name: str) -> str:
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


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


def _finder(patients: Patients | None) -> FindResource:
    """A function that finds the JSON of resources: in the Bundles of the request, or kept with the server's data."""

    @cache
    def posted() -> dict[tuple[str, str], Json]:
        bundles = () if patients is None else patients.bundles
        resources = [entry.resource for bundle in bundles for entry in _decode_bundle(bundle).entry]
        return {(each.get("resourceType", ""), each.get("id", "")): each for each in resources}

    def find(row: ResourceRow) -> Json | None:
        table: Any = row.table
        raws = table.raws
        if raws is not None:
            return _decode(bytes(raws[row.row]))
        return posted().get((table.resource_type, table.ids.texts()[row.row]))

    return find
