"""What every drawing for a notebook must be: well-formed, with no scripts, links, ids or turns of writing."""

from __future__ import annotations

from xml.etree import ElementTree

HOSTILE = "<script>alert(1)<&\"'>\u202e\x1b</p>"
"""A name that nothing drawn may obey."""
_TEXT = {"b", "br", "code", "details", "div", "pre", "span", "summary"}
_TABLES = {"table", "tbody", "td", "th", "thead", "tr"}
_PICTURES = {"g", "path", "rect", "svg", "text", "title"}


def parse_page(html: str) -> ElementTree.Element:
    """The drawing as a tree; AssertionError when it is more than a drawing."""
    tree = ElementTree.fromstring(f"<page>{html}</page>")
    for node in tree.iter():
        assert node is tree or node.tag in _TEXT | _TABLES | _PICTURES, node.tag
        for name, value in node.attrib.items():
            assert not name.startswith("on") and name not in ("id", "href", "src"), name
            assert "url(" not in value and "javascript:" not in value
    assert html.isprintable() or all(c.isprintable() or c == "\n" for c in html)
    return tree


def parse_output(html: str) -> ElementTree.Element:
    """As `parse_page`, of what a notebook shows by itself: no dollar in it may begin a formula."""
    tree = parse_page(html)
    for part in tree:
        assert part.tag == "svg" or "mathjax_ignore" in part.attrib["class"].split()
    return tree


def read_text(html: str) -> str:
    """What one reads of it, the pieces one after the other, in one line."""
    return " ".join(" ".join(parse_page(html).itertext()).split())
