"""Operators on strings (CQL reference, string operators; ELM chapter 17).

Positions count Unicode characters from 0. Regular expressions are those of Python, with PCRE's spelling of named groups
(the specification recommends PCRE). They match any part of the string, are case-sensitive, and `.` matches line feeds.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from ecqm.operators.registry import NONE, operator, overload
from ecqm.values.errors import CqlError


@operator("Combine", spec="elm:17.1")
class Combine:
    """The strings of a list joined, with a separator between them. Null elements are ignored; the result is null if
    there are no others."""

    @overload("(List<String>) -> String")
    def alone(source: Sequence[str | None]) -> str | None:
        return _combine(source, "")

    @overload("(List<String>, String) -> String")
    def separated(source: Sequence[str | None], separator: str) -> str | None:
        return _combine(source, separator)


@operator("Concatenate", spec="elm:17.2")
class Concatenate:
    """The strings joined in order."""

    @overload("(String...) -> String")
    def strings(*parts: str) -> str:
        return "".join(parts)


@operator("EndsWith", spec="elm:17.3")
class EndsWith:
    """Whether a string ends with another."""

    @overload("(String, String) -> Boolean")
    def strings(argument: str, suffix: str) -> bool:
        return argument.endswith(suffix)


@operator("StartsWith", spec="elm:17.16")
class StartsWith:
    """Whether a string starts with another."""

    @overload("(String, String) -> Boolean")
    def strings(argument: str, prefix: str) -> bool:
        return argument.startswith(prefix)


@operator("Indexer", spec="elm:17.6")
class Indexer:
    """The character at a position; null if out of range."""

    @overload("(String, Integer) -> String")
    def strings(argument: str, index: int) -> str | None:
        return argument[index] if 0 <= index < len(argument) else None


@operator("PositionOf", spec="elm:17.12")
class PositionOf:
    """The position of the first occurrence of a pattern in a string; -1 if there is none."""

    @overload("(String, String) -> Integer")
    def strings(pattern: str, argument: str) -> int:
        return argument.find(pattern)


@operator("LastPositionOf", spec="elm:17.7")
class LastPositionOf:
    """The position of the last occurrence of a pattern in a string; -1 if there is none."""

    @overload("(String, String) -> Integer")
    def strings(pattern: str, argument: str) -> int:
        return argument.rfind(pattern)


@operator("Length", spec="elm:17.8")
class Length:
    """The number of characters of a string."""

    @overload("(String) -> Integer")
    def strings(argument: str) -> int:
        return len(argument)


@operator("Lower", spec="elm:17.9")
class Lower:
    """The string in lower case, by the locale-independent Unicode mapping."""

    @overload("(String) -> String")
    def strings(argument: str) -> str:
        return argument.lower()


@operator("Upper", spec="elm:17.18")
class Upper:
    """The string in upper case, by the locale-independent Unicode mapping."""

    @overload("(String) -> String")
    def strings(argument: str) -> str:
        return argument.upper()


@operator("Matches", spec="elm:17.10")
class Matches:
    """Whether a regular expression matches some part of a string."""

    @overload("(String, String) -> Boolean", may_raise=True)
    def strings(argument: str, pattern: str) -> bool:
        return _compiled(pattern).search(argument) is not None


@operator("ReplaceMatches", spec="elm:17.13")
class ReplaceMatches:
    """The string with each match of a regular expression replaced. In the substitution, `$1` is the first group,
    `${name}` a named group, `$0` the whole match, and a backslash makes the next character literal."""

    @overload("(String, String, String) -> String", may_raise=True)
    def strings(argument: str, pattern: str, substitution: str) -> str:
        expression = _compiled(pattern)
        template = _template(substitution)

        def replacement(match: re.Match[str]) -> str:
            return "".join(part if group is None else match[group] or "" for part, group in template)

        try:
            return expression.sub(replacement, argument)
        except IndexError:
            raise CqlError(f"{substitution!r} refers to a group that {pattern!r} does not have") from None


@operator("Split", spec="elm:17.14")
class Split:
    """The parts of a string between separators; the whole string if the separator is null or empty."""

    @overload("(String, String) -> List<String>", nulls=NONE)
    def strings(argument: str | None, separator: str | None) -> tuple[str, ...] | None:
        if argument is None:
            return None
        return tuple(argument.split(separator)) if separator else (argument,)


@operator("SplitOnMatches", spec="elm:17.15")
class SplitOnMatches:
    """The parts of a string between matches of a regular expression; the whole string if nothing matches."""

    @overload("(String, String) -> List<String>", nulls=NONE, may_raise=True)
    def strings(argument: str | None, pattern: str | None) -> tuple[str, ...] | None:
        if argument is None:
            return None
        if pattern is None:
            return (argument,)
        parts, start = [], 0
        for match in _compiled(pattern).finditer(argument):
            if match.end() > match.start():
                parts.append(argument[start : match.start()])
                start = match.end()
        return (*parts, argument[start:])


@operator("Substring", spec="elm:17.17")
class Substring:
    """The characters from a start position, all that follow or at most `length`. A start out of range gives null; 0 is
    in range even for the empty string."""

    @overload("(String, Integer) -> String")
    def to_the_end(argument: str, start: int) -> str | None:
        return argument[start:] if _starts_inside(argument, start) else None

    @overload("(String, Integer, Integer) -> String", nulls=NONE)
    def of_length(argument: str | None, start: int | None, length: int | None) -> str | None:
        if argument is None or start is None or not _starts_inside(argument, start):
            return None
        return argument[start:] if length is None else argument[start : start + max(0, length)]


def _combine(source: Sequence[str | None], separator: str) -> str | None:
    present = [text for text in source if text is not None]
    return separator.join(present) if present else None


def _starts_inside(text: str, start: int) -> bool:
    return 0 <= start < max(1, len(text))


_NAMED_GROUP = re.compile(r"(?<!\\)\(\?<(?=[A-Za-z_])")


@lru_cache(maxsize=512)
def _compiled(pattern: str) -> re.Pattern[str]:
    try:
        return re.compile(_NAMED_GROUP.sub("(?P<", pattern), re.DOTALL)
    except (re.error, OverflowError, RecursionError) as error:
        raise CqlError(f"{pattern!r} is not a regular expression: {error}") from None


_REFERENCE = re.compile(r"\\(.)|\$(\d)|\$\{(\w+)\}", re.DOTALL)


@lru_cache(maxsize=512)
def _template(substitution: str) -> tuple[tuple[str, int | str | None], ...]:
    """A substitution as literal text and references to groups, in order."""
    parts: list[tuple[str, int | str | None]] = []
    start = 0
    for match in _REFERENCE.finditer(substitution):
        parts.append((substitution[start : match.start()], None))
        literal, number, name = match.groups()
        if literal is not None:
            parts.append((literal, None))
        elif number is not None:
            parts.append(("", int(number)))
        else:
            parts.append(("", int(name) if name.isdecimal() else name))
        start = match.end()
    return (*parts, (substitution[start:], None))
