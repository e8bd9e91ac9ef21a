"""Making many objects, and large arrays, one after the other."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

import pyarrow as pa


@contextmanager
def many_objects() -> Iterator[None]:
    """Without the cycle collector: decoding data and planning measures make millions of objects that stay, and the
    collector's walks over what is there so far would take most of the time. Afterwards they count as old."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            if not gc.get_freeze_count():
                # Thawed objects are of the oldest generation: the next collection need not walk over all of them.
                gc.freeze()
                gc.unfreeze()
            gc.enable()


@contextmanager
def large_arrays() -> Iterator[None]:
    """With the C library's memory for Arrow's arrays. Arrow's own allocator returns large blocks to the system as soon
    as they are free, and the system has to clear them again for the next array."""
    before = pa.default_memory_pool()
    pa.set_memory_pool(pa.system_memory_pool())
    try:
        yield
    finally:
        pa.set_memory_pool(before)
