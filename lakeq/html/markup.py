"""Well-formed HTML and SVG, made of elements. Whatever is not Markup is text, and is escaped.

What is drawn stands in a page whose colours are not known: it takes the page's own (`currentColor`, and
JupyterLab's variables with a fallback), its styles are inline, and it has no ids, scripts or links.
"""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from lakeq.texts import show_line

KEPT = "var(--jp-brand-color1, #1e88e5)"
"""The colour of what is read."""
LINE = "1px solid var(--jp-border-color2, rgba(128, 128, 128, 0.35))"
"""A border that is seen on light and on dark pages."""
DIM = "opacity: 0.65"
MONO = "font-family: var(--jp-code-font-family, ui-monospace, Menlo, Consolas, monospace); font-size: 0.92em"
NO_MATH = "tex2jax_ignore mathjax_ignore"
"""The class of what a page shows by itself: Jupyter would set what is between two `$` as a formula."""
_VOID = frozenset({"br"})
_LINES = ("pre", "code")
"""Elements in which the ends of lines are kept."""


class Markup(str):
    """Text that is well-formed markup already. Made by `element`, `join` and of numbers only."""

    __slots__ = ()


Content = str | Markup | None
"""What an element may hold; None: nothing."""


def escape_text(text: str) -> Markup:
    """The text on one line; what a browser would take for markup, or obey (turns of writing, control
    characters), is written out."""
    return Markup(escape(show_line(text)))


def escape_lines(text: str) -> Markup:
    """As `escape_text`, but the lines stay lines."""
    return Markup("\n".join(escape_text(line.expandtabs(4)) for line in text.splitlines()))


def element(tag: str, *contents: Content, **attributes: str | int | float | None) -> Markup:
    """An element; an attribute that is None is left out, `_` in its name stands for `-`."""
    given = "".join(
        f' {name.rstrip("_").replace("_", "-")}="{escape_text(str(value))}"'
        for name, value in attributes.items()
        if value is not None
    )
    if tag in _VOID:
        return Markup(f"<{tag}{given}/>")
    spell = escape_lines if tag in _LINES else escape_text
    inner = "".join(c if isinstance(c, Markup) else spell(c) for c in contents if c is not None)
    return Markup(f"<{tag}{given}>{inner}</{tag}>")


def join(contents: Iterable[Content], between: str = "") -> Markup:
    """The contents one after the other, `between` them a text."""
    parts = [c if isinstance(c, Markup) else escape_text(c) for c in contents if c is not None]
    return Markup(escape(between).join(parts))


def draw_card(title: Content, *parts: Content) -> Markup:
    """A box with a title: what a notebook shows of one thing. An empty part is left out."""
    head = element("div", title, style="margin-bottom: 0.35em; font-weight: 600") if title else None
    return element(
        "div",
        head,
        *(part for part in parts if part),
        class_=NO_MATH,
        style=f"border: {LINE}; border-radius: 4px; padding: 0.6em 0.9em; margin: 0.2em 0; max-width: 62em; "
        "line-height: 1.45; font-variant-numeric: tabular-nums; overflow-x: auto",
    )


def draw_beside(*parts: Content) -> Markup:
    """Parts beside each other where the page is wide enough."""
    shown = (element("div", part, style="max-width: 100%") for part in parts if part)
    style = "display: flex; flex-wrap: wrap; gap: 0.2em 2.5em; align-items: flex-start"
    return element("div", *shown, style=style)


def draw_code(text: str) -> Markup:
    """A piece of code within a line."""
    return element("code", text, style=f"{MONO}; background: none; padding: 0; white-space: pre-wrap")


def draw_lines(text: str) -> Markup:
    """Lines of code."""
    return element("pre", text, style=f"{MONO}; background: none; margin: 0.2em 0; white-space: pre-wrap")


def draw_note(text: Content) -> Markup:
    """A line of less weight."""
    return element("div", text, class_=NO_MATH, style=DIM)


def draw_details(title: Content, *parts: Content) -> Markup:
    """Parts that are shown once they are asked for."""
    summary = element("summary", title, style="cursor: pointer")
    return element("details", summary, *parts, style="margin-top: 0.4em")
