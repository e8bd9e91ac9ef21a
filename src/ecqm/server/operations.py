"""The operations that a worker answers, and how their errors are answered."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Mapping
from typing import Any

from ecqm.bundles.content.documents import ContentError
from ecqm.data import DataError
from ecqm.elm import ElmError
from ecqm.engine import EvaluationError
from ecqm.operators.message import telling
from ecqm.plan.lowering import PlanError
from ecqm.server.calls import Answer, Call
from ecqm.server.cql import cql, evaluate_library
from ecqm.server.evaluate_measure import evaluate, evaluate_measure
from ecqm.server.measures import data_requirements, read, search
from ecqm.server.outcomes import RequestError, cannot_process
from ecqm.server.service import Service
from ecqm.values import CqlError

OPERATIONS: Mapping[str, Callable[[Service, Call], Any]] = {
    "read": read,
    "search": search,
    "evaluate-measure": evaluate_measure,
    "evaluate": evaluate,
    "data-requirements": data_requirements,
    "cql": cql,
    "evaluate-library": evaluate_library,
}

_FORESEEN = (ContentError, CqlError, DataError, ElmError, EvaluationError, PlanError)


def answer(service: Service, call: Call, log: Callable[[str], None]) -> Answer:
    """The answer to a call. All errors are answered too; unexpected ones are logged by their place in the code, without
    their message, which may quote a patient's data."""
    try:
        # Messages of the logic may quote a patient's data as well.
        with telling(lambda told: None):
            return Answer.of(OPERATIONS[call.operation](service, call))
    except RequestError as error:
        failed = error
    except _FORESEEN as error:
        failed = cannot_process(str(error))
    except MemoryError:
        failed = RequestError(422, "too-costly", "there is not enough memory to answer this request")
    except Exception as error:
        log(f"{type(error).__name__} in {call.operation}\n{''.join(traceback.format_tb(error.__traceback__))}")
        failed = RequestError(500, "exception", f"internal error: {type(error).__name__}")
    return Answer.of(failed.outcome(), failed.status)
