"""Laws of sets and lists, of strings and their parts, and of conversions there and back."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from ecqm.operators import registry
from ecqm.operators.list_membership import ElementSet, contains, same
from ecqm.values import Code, Date, DateTime, Long, Quantity, Ratio, Time
from ecqm.values.numbers import MAX_DECIMAL, MAX_INTEGER, MAX_LONG, MIN_INTEGER, MIN_LONG
from tests.operators.notation import is_identical

kinds = st.sampled_from(
    [
        st.integers(0, 4) | st.none(),
        st.sampled_from([Decimal(1), Decimal("1.0"), Decimal("1.50"), Decimal(2), None]),
        st.sampled_from([Date(2012), Date(2012, 5), Date(2012, 5, 6), Date(2013), None]),
        st.sampled_from([Code("a", "s"), Code("a"), Code("b", "s"), None]),
        st.sampled_from([Quantity(Decimal(1), "m"), Quantity(Decimal(100), "cm"), Quantity(Decimal(1), "g"), None]),
    ]
)
# Three lists and an element of one type.
groups = kinds.flatmap(lambda kind: st.tuples(*(st.lists(kind, max_size=6).map(tuple) for _ in range(3)), kind))


def call(name: str, *operands: Any) -> Any:
    return registry.get(name).call(*operands)


def same_members(a: Any, b: Any) -> bool:
    return len(a) == len(b) and all(contains(b, element) for element in a)


@given(groups)
def test_distinct_is_idempotent_and_keeps_every_member(group: Any) -> None:
    list_ = group[0]
    once = call("Distinct", list_)
    assert is_identical(call("Distinct", once), once)
    assert all(contains(once, element) for element in list_)
    assert not any(same(a, b) for at, a in enumerate(once) for b in once[at + 1 :])


@given(groups)
def test_union_and_intersect_commute_as_sets(group: Any) -> None:
    a, b, *_ = group
    assert same_members(call("Union", a, b), call("Union", b, a))
    assert same_members(call("Intersect", a, b), call("Intersect", b, a))


@given(groups)
def test_set_operations_of_three_are_those_of_two_by_two(group: Any) -> None:
    a, b, c, _ = group
    for name in ("Union", "Intersect", "Except"):
        assert is_identical(call(name, a, b, c), call(name, call(name, a, b), c))


@given(groups)
def test_difference_and_intersection_divide_the_list(group: Any) -> None:
    a, b, *_ = group
    rest, common = call("Except", a, b), call("Intersect", a, b)
    assert not any(contains(b, element) for element in rest)
    assert same_members(rest + common, call("Distinct", a))


@given(groups)
def test_inclusion_agrees_with_the_set_operations(group: Any) -> None:
    a, b, *_ = group
    assert call("Includes", a, b) == (call("Except", b, a) == ())
    assert call("Includes", a, b) == call("IncludedIn", b, a)
    assert call("ProperIncludes", a, b) == call("ProperIncludedIn", b, a)
    assert call("Includes", a, a) and not call("ProperIncludes", a, a)
    assert call("Includes", call("Union", a, b), b)


@given(groups)
def test_membership_agrees_with_its_mirror_and_with_position(group: Any) -> None:
    list_, *_, element = group
    assert call("Contains", list_, element) == call("In", element, list_)
    assert is_identical(call("ProperContains", list_, element), call("ProperIn", element, list_))
    if element is not None:
        assert call("Contains", list_, element) == (call("IndexOf", list_, element) >= 0)
    if call("ProperContains", list_, element):
        assert call("Contains", list_, element) and len(list_) > 1


@given(groups, st.integers(0, 7))
def test_slices_divide_the_list(group: Any, at: int) -> None:
    list_ = group[0]
    assert is_identical(call("Slice", list_, 0, at) + call("Slice", list_, at, None), list_)


@given(groups)
def test_first_last_and_indexer_agree(group: Any) -> None:
    list_ = group[0]
    assert is_identical(call("First", list_), call("Indexer", list_, 0))
    assert is_identical(call("Last", list_), call("Indexer", list_, len(list_) - 1))
    assert call("Length", list_) == len(list_)


mixed = (
    st.integers(0, 2)
    | st.booleans()
    | st.sampled_from([Long(1), Decimal("1.0"), Quantity(Decimal(1)), Quantity(Decimal(1), "m"), "1", None])
    | st.sampled_from([Date(2012), Date(2012, 5), Time(10, 0, 0), Time(10, 0, 0, 0), Code("1"), Code("1", "s")])
)


@given(st.lists(mixed, max_size=8), mixed)
def test_members_are_found_by_key_as_they_are_one_by_one(list_: Any, element: Any) -> None:
    assert (element in ElementSet(list_)) == contains(list_, element)


texts = st.text("ab, é", max_size=8)


@given(texts, st.sampled_from([",", " ", "ab"]))
def test_combining_undoes_splitting(text: str, separator: str) -> None:
    assert call("Combine", call("Split", text, separator), separator) == text


@given(texts, st.sampled_from([",", " ", "ab"]))
def test_splitting_on_a_literal_pattern_is_splitting(text: str, separator: str) -> None:
    assert call("SplitOnMatches", text, separator) == call("Split", text, separator)


@given(texts, texts)
def test_positions_are_where_the_pattern_stands(pattern: str, text: str) -> None:
    first, last = call("PositionOf", pattern, text), call("LastPositionOf", pattern, text)
    assert first <= last
    if first >= 0:
        assert text[first:].startswith(pattern) and text[last:].startswith(pattern)
    assert call("StartsWith", text, pattern) == (first == 0)


@given(texts, st.integers(0, 8))
def test_substrings_rebuild_the_text(text: str, at: int) -> None:
    rest = call("Substring", text, at)
    assert (rest is None) == (at >= max(1, len(text)))
    if rest is not None:
        assert call("Concatenate", call("Substring", text, 0, at), rest) == text
    assert "".join(call("ToChars", text)) == text


quantities = st.builds(
    Quantity, st.decimals(-(10**6), 10**6, places=3), st.sampled_from(["1", "mg", "mg/dL", "days", "[lb_av]"])
)
datetimes = st.datetimes().map(
    lambda at: DateTime(at.year, at.month, at.day, at.hour, at.minute, at.second, at.microsecond // 1000, 90)
)
readable = {
    "Boolean": st.booleans(),
    "Integer": st.integers(MIN_INTEGER, MAX_INTEGER),
    "Long": st.integers(MIN_LONG, MAX_LONG).map(Long),
    "Decimal": st.decimals(-MAX_DECIMAL, MAX_DECIMAL, places=8),
    "Quantity": quantities,
    "Ratio": st.builds(Ratio, quantities, quantities),
    "Date": st.dates().map(lambda on: Date(on.year, on.month, on.day)) | st.just(Date(2012)) | st.just(Date(2012, 5)),
    "DateTime": datetimes | st.just(DateTime(2012, 5)) | st.just(DateTime(2012, 5, 6, 10, offset=-420)),
    "Time": st.times().map(lambda at: Time(at.hour, at.minute, at.second, at.microsecond // 1000)) | st.just(Time(9)),
}


@given(st.data(), st.sampled_from(sorted(readable)))
def test_a_value_is_read_back_from_its_text(data: st.DataObject, kind: str) -> None:
    value = data.draw(readable[kind])
    text = call("ToString", value)
    assert is_identical(call(f"To{kind}", text), value)
    assert call(f"ConvertsTo{kind}", text) is True
    assert call(f"ConvertsTo{kind}", value) is True


@given(st.text("0123456789+-.:TZ' mgy", max_size=12), st.sampled_from(sorted(readable)))
def test_any_text_converts_or_gives_null(text: str, kind: str) -> None:
    assert call(f"ConvertsTo{kind}", text) == (call(f"To{kind}", text) is not None)
