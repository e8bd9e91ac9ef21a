"""The option that chooses the form of a command's output."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

_F = TypeVar("_F", bound=Callable[..., Any])


def format_option(*forms: str, of: str) -> Callable[[_F], _F]:
    """--format, with the first form as default; `of` says in the help what has the form. The parameter is `form`."""
    return click.option(
        "--format", "form", type=click.Choice(forms), default=forms[0], show_default=True, help=f"Form of the {of}."
    )
