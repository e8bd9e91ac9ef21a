"""Definitions and calls of functions (Author's Guide, Defining Functions; Fluent Functions)."""

from __future__ import annotations

from ecqm.elm import nodes
from ecqm.language import compile_library
from tests.language.libraries import HEADER, find


def test_functions_overloads_and_fluent_calls() -> None:
    statements = """
    define A: twice(2)
    define B: (2.5).twice()
    define function twice(x Integer): x * 2
    define fluent function twice(x Decimal): x * 2.0
    define private function unused(x String) returns Integer: external
    """
    compilation = compile_library(HEADER + statements, resolver=find)
    assert compilation.errors == ()
    by_name = {s.name: s.expression for s in compilation.library.statements if not isinstance(s, nodes.FunctionDef)}
    a, b = by_name["A"], by_name["B"]
    assert isinstance(a, nodes.FunctionRef) and isinstance(b, nodes.FunctionRef)
    assert next(s.name for s in a.signature if isinstance(s, nodes.NamedTypeSpecifier)).endswith("Integer")
    assert next(s.name for s in b.signature if isinstance(s, nodes.NamedTypeSpecifier)).endswith("Decimal")


def test_functions_come_before_operators_of_the_language_with_their_name() -> None:
    statements = """
    define function ToDate(x DateTime): x
    define function Length(x Integer): x
    define A: ToDate(Now())
    define B: Length(1)
    define C: System.Length('abc')
    """
    compilation = compile_library(statements)
    assert compilation.errors == ()
    expressions = [type(s.expression).__name__ for s in compilation.library.statements[2:]]
    assert expressions == ["FunctionRef", "FunctionRef", "Length"]


def test_the_body_of_a_function_has_its_declared_type() -> None:
    """Author's Guide, Defining Functions: the body is of the declared type; it is not converted."""
    (error,) = compile_library("define function f(a Integer) returns Decimal: a").errors
    assert "but its body is" in error.message


def test_functions_do_not_call_themselves() -> None:
    """Also if the result type is declared: the body of a function takes the place of its call."""
    source = "define function f(a Integer) returns Integer: g(a)\ndefine function g(a Integer) returns Integer: f(a)"
    assert any("calls itself" in error.message for error in compile_library(source).errors)
