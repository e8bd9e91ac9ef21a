"""HTML markup, and the frame of every page."""

from __future__ import annotations

from html import escape
from pathlib import Path

_STYLE = (Path(__file__).parent / "style.css").read_text("utf-8")
_VOID = frozenset({"br", "meta"})


class Markup(str):
    """Text that is already markup; other text is escaped when it becomes part of markup."""

    __slots__ = ()


Content = Markup | str | None
"""What goes into an element; None is left out."""


def tag(name: str, /, *content: Content, **attributes: str | None) -> Markup:
    """An element. Attributes that are None are left out; a trailing underscore of a name is removed (`class_`)."""
    stated = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(value)}"'
        for key, value in attributes.items()
        if value is not None
    )
    if name in _VOID:
        return Markup(f"<{name}{stated}>")
    return Markup(f"<{name}{stated}>{joined(*content)}</{name}>")


def joined(*content: Content) -> Markup:
    """Several pieces after one another."""
    return Markup("".join(_escaped(each) for each in content if each is not None))


def _escaped(content: Markup | str) -> str:
    return content if isinstance(content, Markup) else escape(content)


def table(headings: list[Content], rows: list[list[Content]], **attributes: str | None) -> Markup:
    """A table; the first cell of a row is its heading."""
    head = tag("tr", *(tag("th", heading, scope="col") for heading in headings))
    body = (
        tag(
            "tr",
            *(tag("td" if place else "th", cell, scope=None if place else "row") for place, cell in enumerate(row)),
        )
        for row in rows
    )
    # A wide table scrolls by itself, not the page.
    return tag("div", tag("table", tag("thead", head), tag("tbody", *body), **attributes), class_="wide")


def page(title: str, *body: Content) -> str:
    """A whole document."""
    head = joined(
        tag("meta", charset="utf-8"),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        # Nothing is ever loaded or run, whatever the data contain.
        tag("meta", http_equiv="Content-Security-Policy", content="default-src 'none'; style-src 'unsafe-inline'"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("title", title),
        tag("style", Markup(_STYLE)),
    )
    return f'<!DOCTYPE html>\n<html lang="en">{tag("head", head)}{tag("body", tag("main", *body))}</html>\n'
