"""The canonical layout of CQL, which changes white space only."""

from __future__ import annotations

import pytest

from ecqm.language.formatting import FormatError, format_source
from ecqm.language.parsing import lex
from tests.content import CONTENT, needs_content

SOURCE = """// A library
library   A version '1.0'  // trailing
using QICore version '6.0.0'

include FHIRHelpers version '4.4.000' called FHIRHelpers
valueset "V":   'urn:x'
parameter "MP" Interval< DateTime >
context Patient
/* about B */
define B: [Encounter:"V"] E with [Condition] C such that C.onset before E.period
where E.status='finished' and E.period during "MP" // why
 sort by start of period desc
define function f(a Integer,b List<Choice<Integer,String>>) returns Integer:
if a>-1 then f( 2,{ } ) else case a when 1 then 2 else 3 end
// the end
"""

FORMATTED = """\
// A library
library A version '1.0' // trailing
using QICore version '6.0.0'

include FHIRHelpers version '4.4.000' called FHIRHelpers
valueset "V": 'urn:x'
parameter "MP" Interval<DateTime>
context Patient

/* about B */
define B:
  [Encounter: "V"] E
    with [Condition] C such that C.onset before E.period
    where E.status = 'finished' and E.period during "MP" // why
    sort by start of period desc

define function f(a Integer, b List<Choice<Integer, String>>) returns Integer:
  if a > -1
    then f(2, {})
    else case a
      when 1 then 2
      else 3
    end
// the end
"""


def words(source: str) -> list[str]:
    return [" ".join(token.text.split()) for token in lex(source.replace("\r\n", "\n"))]


def test_the_canonical_layout() -> None:
    formatted = format_source(SOURCE)
    assert formatted == FORMATTED
    assert format_source(formatted) == formatted
    assert words(formatted) == words(SOURCE)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("define A:1+2*3", "define A:\n  1 + 2 * 3\n"),
        ("define A:Interval[ 1,2 )", "define A:\n  Interval[1, 2)\n"),
        ("define A:Tuple{a:1,b:{1,2}}", "define A:\n  Tuple { a: 1, b: { 1, 2 } }\n"),
        ("define A: Code{code:'x'}.code", "define A:\n  Code { code: 'x' }.code\n"),
        ("define A: -x [0]", "define A:\n  -x[0]\n"),
        ("define A: f( )", "define A:\n  f()\n"),
        ("define A: // here\n 1", "define A: // here\n  1\n"),
        ("define A: B such  that", None),
        ("define A: (", None),
    ],
)
def test_a_source_is_laid_out_or_refused(source: str, expected: str | None) -> None:
    if expected is None:
        with pytest.raises(FormatError):
            format_source(source)
    else:
        assert format_source(source) == expected


def test_long_chains_break_at_their_operators() -> None:
    names = [f'"A rather long name of a definition, number {at}"' for at in range(4)]
    formatted = format_source(f"define A: {' or '.join(names)}")
    assert formatted.splitlines()[1:] == [f"  {names[0]}", *(f"    or {name}" for name in names[1:])]


@needs_content
def test_published_libraries_keep_their_tokens() -> None:
    paths = sorted((CONTENT / "ecqm-content-qicore-2025/input/cql").glob("*.cql"))
    for path in paths[::7]:
        source = path.read_text(encoding="utf-8-sig")
        formatted = format_source(source)
        assert format_source(formatted) == formatted, path.name
        assert words(formatted) == words(source), path.name
