"""Kernels: the operators of `ecqm.operators` on columns instead of scalars.

A kernel takes the operands as columns, each with n rows or with one row that stands for all, and the attributes of the
ELM node as keyword arguments. It returns one of:

- a column, equal in every row to what the scalar overload gives;
- a `Rest`: some rows are left to the scalar overload;
- a `Partial`: some rows are run-time errors;
- None for layouts that it leaves to the scalar overload altogether. The operator is then *lifted*: the overload is
  evaluated once for each distinct row.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from typing import NamedTuple, TypeVar

from ecqm.columns import Column, Mask


class Partial(NamedTuple):
    """A result with run-time errors: the column, null in the rows of the mask `failed` (n), and the message."""

    column: Column
    failed: Mask
    reason: str


class Rest(NamedTuple):
    """A result that leaves the rows of the mask `undecided` (n), which are null in the column, to the scalars."""

    column: Column
    undecided: Mask


Result = Column | Rest | Partial | None
Kernel = Callable[..., Result]

_KERNELS: dict[str, Kernel] = {}
_TAKING_CHOICES: set[str] = set()
_K = TypeVar("_K", bound=Kernel)
_loaded = False


def vector(*operators: str, choices: bool = False) -> Callable[[_K], _K]:
    """Register a kernel under the ELM names of operators.

    `choices`: the kernel handles choice columns like any other, because it only tests values for null or moves them.
    Other kernels are called for each alternative of a choice.
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
    """The kernel of an operator; None if it has none and is always lifted."""
    _load()
    return _KERNELS.get(operator)


def takes_choices(operator: str) -> bool:
    """Whether the kernel of an operator handles choice columns."""
    _load()
    return operator in _TAKING_CHOICES


def _load() -> None:
    """Import all modules of this package, which registers their kernels."""
    global _loaded
    if not _loaded:
        _loaded = True
        for module in pkgutil.iter_modules(__path__):
            importlib.import_module(f"{__name__}.{module.name}")
