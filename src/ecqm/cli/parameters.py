"""The parameters of a command as the fields of a dataclass, which the command takes as its only argument.

    @dataclass(frozen=True)
    class ContentOptions:
        path: Path = argument(metavar="CONTENT", type=EXISTING)
        libraries: tuple[Path, ...] = option("--libraries", multiple=True, type=EXISTING, help="More libraries.")

    @dataclass(frozen=True)
    class PlanRequest:
        measure: str = option("--measure", required=True, help="The measure.")
        content: ContentOptions = group(ContentOptions)

    @click.command("plan")
    @takes(PlanRequest)
    def command(request: PlanRequest) -> None: ...

A field is an option, an argument, or a group of these that several commands have. Its name is the name of the click
parameter, so that fields of a command have different names across its groups. Help lists options in the order of the
fields.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import Field, field, fields
from functools import update_wrapper
from typing import Any, TypeVar

import click

_PARAMETER, _GROUP = "parameter", "group"

_R = TypeVar("_R")
_F = TypeVar("_F", bound=Callable[..., Any])


def option(*declarations: str, **settings: Any) -> Any:
    """A field that is an option, with declarations and settings as of `click.option`."""
    return field(metadata={_PARAMETER: lambda name: click.option(*declarations, name, **settings)})


def argument(**settings: Any) -> Any:
    """A field that is an argument, with settings as of `click.argument`."""
    return field(metadata={_PARAMETER: lambda name: click.argument(name, **settings)})


def group(parameters: type) -> Any:
    """A field whose value is a dataclass of parameters."""
    return field(metadata={_GROUP: parameters})


def takes(request: Callable[..., _R]) -> Callable[[Callable[[_R], None]], Callable[..., None]]:
    """Give a command the parameters of a dataclass, of which it gets an instance."""

    def with_parameters(command: Callable[[_R], None]) -> Callable[..., None]:
        def call(**values: Any) -> None:
            command(_instance(request, values))

        update_wrapper(call, command)
        # As with decorators of click, the last to be applied is the first in help.
        for parameter in reversed(list(_parameters(request))):
            parameter(call)
        return call

    return with_parameters


def _parameters(of: Any) -> Iterator[Callable[[_F], _F]]:
    for each in fields(of):
        if _GROUP in each.metadata:
            yield from _parameters(each.metadata[_GROUP])
        else:
            yield each.metadata[_PARAMETER](each.name)


def _instance(of: Any, values: Mapping[str, Any]) -> Any:
    return of(**{each.name: _value(each, values) for each in fields(of)})


def _value(of: Field[Any], values: Mapping[str, Any]) -> Any:
    return _instance(of.metadata[_GROUP], values) if _GROUP in of.metadata else values[of.name]
