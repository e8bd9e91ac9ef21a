"""Message: telling the calling environment something from within logic (CQL reference, errors and messaging; ELM 24.1).

What is told goes to the sink of the evaluation, by default the log of this module. A message carries its source for
those who trace; the log does not show it, since it may be data of a patient.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from ecqm.operators.registry import NONE, operator, overload
from ecqm.values.errors import CqlError

_log = logging.getLogger("ecqm.message")


class Severity(StrEnum):
    """How conspicuously a message is to be made known; an error also ends the evaluation."""

    TRACE = "Trace"
    MESSAGE = "Message"
    WARNING = "Warning"
    ERROR = "Error"


@dataclass(frozen=True, slots=True)
class Told:
    """One message that logic gave off, with the value it was about."""

    severity: Severity
    code: str | None
    text: str | None
    source: Any = None


class MessageError(CqlError):
    """A Message of severity Error: `told` is what it said."""

    def __init__(self, told: Told) -> None:
        super().__init__(f"{told.code}: {told.text}" if told.code else told.text or "an error without a text")
        self.told = told


Sink = Callable[[Told], None]

_LEVELS = {
    Severity.TRACE: logging.DEBUG,
    Severity.MESSAGE: logging.INFO,
    Severity.WARNING: logging.WARNING,
    Severity.ERROR: logging.ERROR,
}


def _to_log(told: Told) -> None:
    _log.log(_LEVELS[told.severity], "%s %s: %s", told.severity, told.code, told.text)


_sink: ContextVar[Sink] = ContextVar("message_sink", default=_to_log)


@contextmanager
def telling(sink: Sink) -> Iterator[None]:
    """Send the messages of everything evaluated inside the block to `sink`."""
    token = _sink.set(sink)
    try:
        yield
    finally:
        _sink.reset(token)


@operator("Message", spec="elm:24.1")
class Message:
    """The source as it is; where the condition is true, a message is given off, and severity Error raises MessageError.
    Operands: source, condition, code, severity (Message when null), text."""

    @overload("(T, Boolean, String, String, String) -> T", nulls=NONE, may_raise=True)
    def any_source(
        source: Any, condition: bool | None, code: str | None, severity: str | None, text: str | None
    ) -> Any:
        if condition is not True:
            return source
        told = Told(_severity(severity), code, text, source)
        _sink.get()(told)
        if told.severity is Severity.ERROR:
            raise MessageError(told)
        return source


def _severity(name: str | None) -> Severity:
    if name is None:
        return Severity.MESSAGE
    try:
        return Severity(name)
    except ValueError:
        raise CqlError(f"{name!r} is not a severity of messages") from None
