"""Dividing input files into parts for processes. Parts are consecutive: results of all parts, in the order of the
parts, are in the order of the input, for any number of parts."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from itertools import accumulate, pairwise
from pathlib import Path
from typing import NamedTuple

from ecqm.data.files.archived import is_in_archive
from ecqm.data.files.content import read_blocks, unpacked_size
from ecqm.data.files.suffixes import PLAIN_NDJSON_SUFFIXES
from ecqm.data.problems import DataError

# Bytes of JSON that are worth starting another process.
_LEAST = 64 << 20


class Place(NamedTuple):
    """A place in the input: the number of a file, and a byte in it (unpacked) where the line of some number begins."""

    file: int = 0
    byte: int = 0
    line: int = 1


class _Stretch(NamedTuple):
    """Whole lines of a file, as a range of its bytes."""

    path: Path
    start: int
    stop: int


Mapped = Callable[[Callable[[_Stretch], int | None], Iterable[_Stretch]], Iterable[int | None]]


def n_parts(files: Iterable[Path], jobs: int) -> int:
    """Into how many parts files should be divided for up to `jobs` processes: one if they are small."""
    return max(1, min(jobs, sum(map(unpacked_size, files)) // _LEAST))


def divide(files: Sequence[Path], n: int, mapped: Mapped = map) -> list[Place]:
    """Where `n` parts of files begin, about equal in size; fewer than `n` if files cannot be divided that way.

    Only plain files of lines are divided, at line ends, and only if both sides have some size. `mapped` is used like
    `map`, to count lines.
    """
    sizes = [0, *accumulate(map(unpacked_size, files))]
    places = [Place()]
    cuts: dict[int, list[int]] = {}
    for part in range(1, n):
        cut = sizes[-1] * part // n
        file = bisect_left(sizes, cut) - 1
        before, after = cut - sizes[file], sizes[file + 1] - cut
        if _is_divisible(files[file]) and min(before, after) >= _LEAST // 4:
            cuts.setdefault(file, []).append(before)
        else:
            places.append(Place(file if before < after else file + 1))
    for file, bytes_ in cuts.items():
        places += _divided_file(file, files[file], bytes_, mapped)
    return sorted({place for place in places if place.file < len(files)})


def _is_divisible(path: Path) -> bool:
    return path.name.endswith(PLAIN_NDJSON_SUFFIXES) and not is_in_archive(path)


def _divided_file(file: int, path: Path, cuts: Iterable[int], mapped: Mapped) -> list[Place]:
    """The places of the first lines after some bytes of a file. There are none if the file cannot be read to its end:
    it is not divided then, and the error is reported when it is sorted."""
    try:
        starts = sorted({cut + int(next(read_blocks(path, start=cut)).ends[0]) for cut in cuts})
    except (OSError, DataError):
        return []
    bounds = [0, *(start for start in starts if start < path.stat().st_size), path.stat().st_size]
    counts = list(mapped(_lines, (_Stretch(path, start, stop) for start, stop in pairwise(bounds))))
    if None in counts:
        return []
    lines = accumulate((count or 0 for count in counts), initial=1)
    return [Place(file, byte, line) for byte, line in zip(bounds, lines, strict=True)][1:-1]


def _lines(stretch: _Stretch) -> int | None:
    """The number of lines; None if they cannot be read."""
    try:
        return sum(len(block.ends) for block in read_blocks(stretch.path, start=stretch.start, stop=stretch.stop))
    except (OSError, DataError):
        return None
