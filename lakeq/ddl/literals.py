"""How names and texts are spelled in the statements of each engine.

Statements are printable and one line a clause: characters that a terminal would obey are escaped where the
engine's texts have escapes.
"""

from __future__ import annotations


def hive_text(text: str) -> str:
    """A text of Hive's DDL (Athena) and of Spark: `\\` escapes."""
    return "'" + "".join(_escape(c) for c in text) + "'"


def _escape(character: str) -> str:
    if character in "\\'":
        return f"\\{character}"
    return character if character.isprintable() else _unicode_escapes(character)


def _unicode_escapes(character: str) -> str:
    """In UTF-16, as Java has it."""
    units = character.encode("utf-16-be")
    return "".join(f"\\u{units[i : i + 2].hex()}" for i in range(0, len(units), 2))


def trino_text(text: str) -> str:
    """A text of Trino."""
    doubled = text.replace("'", "''")
    if text.isprintable():
        return f"'{doubled}'"
    escaped = (c if c.isprintable() and c != "\\" else f"\\+{ord(c):06x}" for c in doubled)
    return "U&'" + "".join(escaped) + "'"


def redshift_text(text: str) -> str:
    """A text of Redshift: `\\` escapes, octal for what is not printable."""
    doubled = text.replace("\\", "\\\\").replace("'", "''")
    return "'" + "".join(c if c.isprintable() else _octal_escapes(c) for c in doubled) + "'"


def _octal_escapes(character: str) -> str:
    return "".join(f"\\{byte:03o}" for byte in character.encode())


def back_quoted(name: str) -> str:
    """A name in Hive's DDL and in Spark."""
    return "`" + name.replace("`", "``") + "`"


def double_quoted(name: str) -> str:
    """A name in Trino and in Redshift."""
    return '"' + name.replace('"', '""') + '"'
