"""Message: reporting something to the calling environment (CQL reference, errors and messaging; ELM 24.1).

Messages go to the sink of the evaluation, by default the logger `ecqm.message`. A message includes its source value;
the log does not show it, because it may be a patient's data.
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
    """The severity of a message; Error also ends the evaluation."""

    TRACE = "Trace"
    MESSAGE = "Message"
    WARNING = "Warning"
    ERROR = "Error"


@dataclass(frozen=True, slots=True)
class Told:
    """A message from the logic, with the value that it is about."""

    severity: Severity
    code: str | None
    text: str | None
    source: Any = None


class MessageError(CqlError):
    """Raised by a Message of severity Error; `told` is the message."""

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
    """Send the messages of everything evaluated inside the `with` block to `sink`."""
    token = _sink.set(sink)
    try:
        yield
    finally:
        _sink.reset(token)


@operator("Message", spec="elm:24.1")
class Message:
    """Returns its source. If the condition is true, a message is sent; severity Error then raises MessageError.
    The operands are source, condition, code, severity (null means Message), and text."""

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
