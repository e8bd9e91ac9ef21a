"""Kernels on columns, for the operators whose scalar semantics the chapters of `ecqm.operators` declare.

A kernel takes the operands as columns (each of n values, or of one for all rows) and the settings of the ELM node by
keyword; it gives a column, or NotImplemented for layouts that it does not handle: then the operator is lifted, which
is to say that its scalar semantics is evaluated on distinct rows. A kernel means exactly what the scalars mean.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

from ecqm.columns import Column, Mask

Kernel = Callable[..., Any]


class Partial(NamedTuple):
    """What a kernel gives that could not serve every row: the column, null in the rows of `failed`, and the reason."""

    column: Column
    failed: Mask
    reason: str


class Rest(NamedTuple):
    """What a kernel gives that leaves some rows to the scalars: the column, null in the rows of `undecided` (n)."""

    column: Column
    undecided: Mask


_KERNELS: dict[str, Kernel] = {}
_TAKING_CHOICES: set[str] = set()
_K = TypeVar("_K", bound=Kernel)
_loaded = False


def vector(*operators: str, choices: bool = False) -> Callable[[_K], _K]:
    """Register a kernel under the ELM names of operators.

    `choices`: it looks at whether values are there, or moves them about, so that a choice is to it a column like any
    other. Other kernels are called for each alternative of a choice.
    """

    def register(kernel: _K) -> _K:
        for name in operators:
            if name in _KERNELS:
                raise ValueError(f"operator {name} has two kernels")
            _KERNELS[name] = kernel
            if choices:
                _TAKING_CHOICES.add(name)
        return kernel

    return register


def kernel_of(operator: str) -> Kernel | None:
    """The kernel of an operator, None where it is always lifted."""
    _load()
    return _KERNELS.get(operator)


def takes_choices(operator: str) -> bool:
    """Does an operator's kernel take choices as they are?"""
    _load()
    return operator in _TAKING_CHOICES


def _load() -> None:
    """Import every chapter of this package, so that all kernels are registered."""
    global _loaded
    if not _loaded:
        _loaded = True
        for module in pkgutil.iter_modules(__path__):
            importlib.import_module(f"{__name__}.{module.name}")
