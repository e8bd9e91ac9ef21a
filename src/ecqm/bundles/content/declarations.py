"""The declarations of a library: the libraries and value sets that it needs.

They are read from the head of its ELM, or from its CQL if there is no ELM, without interpreting the logic: enough to
collect the libraries of a measure and to report missing value sets before a run.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from ecqm.elm import ElmError, read_head


@dataclass(frozen=True)
class Declarations:
    """The includes (name, version) and the value sets (identifier, with `|version` if one is given) of a library.

    `version` is the version stated in the logic, which can differ from that of the Library resource.
    """

    includes: tuple[tuple[str, str | None], ...]
    value_sets: tuple[str, ...]
    version: str | None = None


_COMMENT = re.compile(r"//[^\n]*|/\*.*?\*/|(\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*')", re.DOTALL)
_LIBRARY = re.compile(r"^\s*library\s+[^\n]*?\s+version\s+'(?P<version>[^']*)'", re.MULTILINE)
_INCLUDE = re.compile(
    r"^\s*include\s+(?:\w+\.)*(?:\"(?P<quoted>[^\"]+)\"|(?P<plain>\w+))(?:\s+version\s+'(?P<version>[^']*)')?",
    re.MULTILINE,
)
_VALUE_SET = re.compile(
    r"^\s*valueset\s+(?:\"[^\"]+\"|\w+)\s*:\s*'(?P<id>[^']+)'(?:\s+version\s+'(?P<version>[^']*)')?", re.MULTILINE
)


def of_elm(data: bytes) -> Declarations:
    """The declarations in ELM (JSON or XML). Raises ElmError."""
    head = read_head(data)
    if head is None:
        raise ElmError("not an ELM library")
    includes = [(library.name, library.version) for library in head.includes]
    return _declared(includes, head.value_sets, head.identifier.version)


def of_cql(text: str) -> Declarations:
    text = _COMMENT.sub(lambda match: match[1] or " ", text)
    return _declared(
        [(m["quoted"] or m["plain"], m["version"]) for m in _INCLUDE.finditer(text)],
        [(m["id"], m["version"]) for m in _VALUE_SET.finditer(text)],
        next((m["version"] for m in _LIBRARY.finditer(text)), None),
    )


def _declared(
    includes: Iterable[tuple[str, str | None]], value_sets: Iterable[tuple[str, str | None]], version: str | None
) -> Declarations:
    return Declarations(
        includes=tuple(dict.fromkeys(includes)),
        value_sets=tuple(dict.fromkeys(f"{vs}|{fixed}" if fixed else vs for vs, fixed in value_sets)),
        version=version,
    )
