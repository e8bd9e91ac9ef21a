"""The declarations of a library: the libraries, data models and value sets that it needs.

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
    """The includes (name, version), the value sets (identifier, with `|version` if one is given), and the names of the
    data models of a library.

    `version` is the version stated in the logic, which can differ from that of the Library resource.
    """

    includes: tuple[tuple[str, str | None], ...]
    value_sets: tuple[str, ...]
    version: str | None = None
    models: tuple[str, ...] = ()


_COMMENT = re.compile(r"//[^\n]*|/\*.*?\*/|(\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*')", re.DOTALL)
# An identifier, of which the last part is captured: Status, "My Status", fhir.onc."us-quality-core".Status.
_NAME = r"(?:(?:\"[^\"]+\"|`[^`]+`|\w+)\s*\.\s*)*(?:\"(?P<quoted>[^\"]+)\"|`(?P<delimited>[^`]+)`|(?P<plain>\w+))"
_VERSION = r"(?:\s+version\s+'(?P<version>[^']*)')?"
_LIBRARY = re.compile(rf"^\s*library\s+{_NAME}{_VERSION}", re.MULTILINE)
_INCLUDE = re.compile(rf"^\s*include\s+{_NAME}{_VERSION}", re.MULTILINE)
_USING = re.compile(rf"^\s*using\s+{_NAME}", re.MULTILINE)
_VALUE_SET = re.compile(
    rf"^\s*(?:(?:public|private)\s+)?valueset\s+{_NAME}\s*:\s*'(?P<id>[^']+)'{_VERSION}", re.MULTILINE
)


def of_elm(data: bytes) -> Declarations:
    """The declarations in ELM (JSON or XML). Raises ElmError."""
    head = read_head(data)
    if head is None:
        raise ElmError("not an ELM library")
    includes = [(library.name, library.version) for library in head.includes]
    return _declared(includes, head.value_sets, head.identifier.version, head.models)


def of_cql(text: str) -> Declarations:
    """The declarations of a library in CQL, found by keywords, without compiling it."""
    text = _without_comments(text)
    library = _LIBRARY.search(text)
    return _declared(
        [(_name(include), include["version"]) for include in _INCLUDE.finditer(text)],
        [(value_set["id"], value_set["version"]) for value_set in _VALUE_SET.finditer(text)],
        None if library is None else library["version"],
        map(_name, _USING.finditer(text)),
    )


def library_of_cql(text: str) -> tuple[str, str | None] | None:
    """The name, without its namespace, and version that a CQL text declares; None if it declares no library."""
    library = _LIBRARY.search(_without_comments(text))
    return None if library is None else (_name(library), library["version"])


def _without_comments(text: str) -> str:
    return _COMMENT.sub(lambda match: match[1] or " ", text)


def _name(match: re.Match[str]) -> str:
    return match["quoted"] or match["delimited"] or match["plain"]


def _declared(
    includes: Iterable[tuple[str, str | None]],
    value_sets: Iterable[tuple[str, str | None]],
    version: str | None,
    models: Iterable[str],
) -> Declarations:
    return Declarations(
        includes=tuple(dict.fromkeys(includes)),
        value_sets=tuple(dict.fromkeys(f"{vs}|{fixed}" if fixed else vs for vs, fixed in value_sets)),
        version=version,
        models=tuple(dict.fromkeys(models)),
    )
