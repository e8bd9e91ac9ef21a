"""Errors of requests, and the OperationOutcomes that tell of them (FHIR R4, OperationOutcome and HTTP)."""

from __future__ import annotations

from collections.abc import Iterable

from ecqm.measures.results.fhir_elements import Json


class RequestError(Exception):
    """A request that cannot be answered: the HTTP status, and a code of FHIR's issue types with a text per issue."""

    def __init__(self, status: int, code: str, *texts: str) -> None:
        super().__init__("; ".join(texts))
        self.status = status
        self.code = code
        self.texts = texts

    def outcome(self) -> Json:
        """The OperationOutcome of the error."""
        return outcome(issue("error", self.code, text) for text in self.texts)


def invalid(text: str) -> RequestError:
    """The request does not have the form that the operation needs."""
    return RequestError(400, "invalid", text)


def not_found(text: str) -> RequestError:
    """There is no such resource."""
    return RequestError(404, "not-found", text)


def not_supported(text: str) -> RequestError:
    """The request is valid, but asks for something that this server does not do."""
    return RequestError(501, "not-supported", text)


def cannot_process(*texts: str) -> RequestError:
    """The request is understood, but its logic, measure or data cannot be evaluated."""
    return RequestError(422, "processing", *texts)


def issue(severity: str, code: str, text: str) -> Json:
    """An issue of an OperationOutcome."""
    return {"severity": severity, "code": code, "details": {"text": text}}


def outcome(issues: Iterable[Json]) -> Json:
    """An OperationOutcome."""
    return {"resourceType": "OperationOutcome", "issue": list(issues)}
