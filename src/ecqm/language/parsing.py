"""Parsing: from source text to parse tree, with useful syntax errors.

Parsing has two stages. The first uses ANTLR's faster SLL prediction, which suffices for sources without syntax errors.
Only if it fails, the source is parsed again with LL prediction. In this second stage a library is parsed statement by
statement, so that an error in one statement neither hides nor causes errors in others. The first error of each
statement is reported.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias, TypeVar

from antlr4 import CommonTokenStream, InputStream, ParserRuleContext, Token
from antlr4.atn.PredictionMode import PredictionMode
from antlr4.error.Errors import ParseCancellationException
from antlr4.error.ErrorStrategy import BailErrorStrategy
from antlr4.ListTokenSource import ListTokenSource

from ecqm.language.diagnostics import Diagnostic, Diagnostics, Span
from ecqm.language.generated.CqlLexer import CqlLexer
from ecqm.language.generated.CqlParser import CqlParser
from ecqm.language.nesting import deep_recursion, too_deep
from ecqm.language.parse_trees import definition_of
from ecqm.language.syntax_errors import FirstError

Tokens: TypeAlias = Sequence[Token]
_T = TypeVar("_T")

_DEFINITIONS = frozenset(("using", "include", "codesystem", "valueset", "code", "concept", "parameter"))
# By the rules of the parts of a library, the rules for one such part up to the end of the tokens.
_STANDALONE = {
    "libraryDefinition": "standaloneHeader",
    "definition": "standaloneDefinition",
    "statement": "standaloneStatement",
}
_ACCESS = frozenset(("public", "private"))


@dataclass(frozen=True, slots=True)
class ParsedLibrary:
    """The parse trees of the parts of a library. `damaged` holds the ids (`id(…)`) of those with syntax errors."""

    header: ParserRuleContext | None
    definitions: Sequence[ParserRuleContext]
    statements: Sequence[ParserRuleContext]
    damaged: frozenset[int] = frozenset()

    def is_whole(self, context: ParserRuleContext) -> bool:
        """Whether a part has no syntax errors."""
        return id(context) not in self.damaged


def lex(source: str) -> list[Token]:
    """The tokens of a source, with comments on the hidden channel."""
    lexer = CqlLexer(InputStream(source))
    lexer.removeErrorListeners()
    return list(lexer.getAllTokens())


def parse_library(source: str, diagnostics: Diagnostics) -> ParsedLibrary | None:
    """The parts of a library; syntax errors go to `diagnostics`. None if it is nested too deeply to be parsed."""
    return _parsed(source, diagnostics, _whole_library, _library_by_parts)


def parse_expression(source: str, diagnostics: Diagnostics) -> ParserRuleContext | None:
    """The tree of a single expression; None if it has syntax errors, which go to `diagnostics`."""
    return _parsed(source, diagnostics, _whole_expression, _damaged_expression)


def _parsed(
    source: str,
    diagnostics: Diagnostics,
    fast: Callable[[Tokens], _T],
    thorough: Callable[[Tokens, Diagnostics], _T],
) -> _T | None:
    """The result of the first stage, or of the second if the first finds an error; None if the nesting is too deep."""
    tokens = [token for token in lex(source) if token.channel == Token.DEFAULT_CHANNEL]
    deep = too_deep(tokens)
    if deep is None:
        try:
            with deep_recursion():
                try:
                    return fast(tokens)
                except ParseCancellationException:
                    return thorough(tokens, diagnostics)
        except RecursionError:
            deep = tokens[0]
    span = Span(deep.line, deep.column + 1, deep.line, deep.column + 1)
    diagnostics.add(Diagnostic("nested too deeply", span, text=deep.text))
    return None


# -- the first stage --------------------------------------------------------------------------------------------------


def _whole_library(tokens: Tokens) -> ParsedLibrary:
    tree = _tree(tokens, "library")
    return ParsedLibrary(tree.libraryDefinition(), tree.definition(), tree.statement())


def _whole_expression(tokens: Tokens) -> ParserRuleContext:
    return _tree(tokens, "standaloneExpression")


def _tree(tokens: Tokens, rule: str) -> ParserRuleContext:
    """The tree of a rule. Raises ParseCancellationException at the first error."""
    parser = _parser(tokens, PredictionMode.SLL)
    parser._errHandler = BailErrorStrategy()
    return getattr(parser, rule)()


def _parser(tokens: Tokens, prediction: PredictionMode) -> CqlParser:
    for token in tokens:
        token.tokenIndex = -1  # what an earlier parser set
    parser = CqlParser(CommonTokenStream(ListTokenSource(list(tokens))))
    parser.removeErrorListeners()
    parser._interp.predictionMode = prediction
    return parser


# -- the second stage -------------------------------------------------------------------------------------------------


def _library_by_parts(tokens: Tokens, diagnostics: Diagnostics) -> ParsedLibrary:
    """Parse each definition and statement separately."""
    parts: dict[str, list[ParserRuleContext]] = {rule: [] for rule in _STANDALONE}
    damaged: set[int] = set()
    for rule, chunk in _chunks(tokens):
        tree, error = _tree_with_error(chunk, _STANDALONE[rule])
        part = getattr(tree, rule)()
        if part is not None:
            parts[rule].append(part)
        if error is not None:
            diagnostics.add(replace(error, definition=definition_of(part)))
            damaged.add(id(part))
    header = next(iter(parts["libraryDefinition"]), None)
    return ParsedLibrary(header, parts["definition"], parts["statement"], frozenset(damaged))


def _damaged_expression(tokens: Tokens, diagnostics: Diagnostics) -> ParserRuleContext | None:
    """The tree of an expression that only the first stage could not parse; None if it has a syntax error."""
    tree, error = _tree_with_error(tokens, "standaloneExpression")
    if error is None:
        return tree
    diagnostics.add(error)
    return None


def _tree_with_error(tokens: Tokens, rule: str) -> tuple[ParserRuleContext, Diagnostic | None]:
    """The tree of a rule, as far as it can be parsed, and the first error."""
    parser, errors = _parser(tokens, PredictionMode.LL), FirstError()
    parser.addErrorListener(errors)
    return getattr(parser, rule)(), errors.found


def _chunks(tokens: Tokens) -> Iterator[tuple[str, Tokens]]:
    """The tokens split where a definition or statement begins, each chunk with the grammar rule for it.

    'define' always begins a statement, unless it follows a dot. The other keywords may also be names: they count only
    at the start of a line, and keywords of definitions only before the first statement.
    """
    start, rule = 0, "libraryDefinition" if tokens and tokens[0].text == "library" else "definition"
    in_statements = False
    for at, token in enumerate(tokens):
        text = token.text
        begins_line = at == 0 or tokens[at - 1].line < token.line
        next_rule = None
        if (text == "define" and (at == 0 or tokens[at - 1].text != ".")) or (text == "context" and begins_line):
            next_rule, in_statements = "statement", True
        elif begins_line and not in_statements and (text in _DEFINITIONS or text in _ACCESS):
            next_rule = "definition"
        if next_rule is not None:
            if at > start:
                yield rule, tokens[start:at]
            start, rule = at, next_rule
    if tokens[start:]:
        yield rule, tokens[start:]
