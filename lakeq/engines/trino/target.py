"""Where a Trino is, as whom it is asked, and what a lake's tables are called there."""

from __future__ import annotations

import getpass
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote, urlsplit

from lakeq.engines.targets import check_settings
from lakeq.errors import ConfigError
from lakeq.formats.types import quote_name

_FORM = "Write it like http://user@host:8080/catalog/schema."
_PORTS = {"http": 8080, "https": 443}


@dataclass(frozen=True, slots=True)
class TrinoTarget:
    """A coordinator and a schema of it. `tables` names tables that are called otherwise there than in the
    lake; `session` are properties of Trino's session by name, "" for one that is not to be set. A password or
    a token comes from the environment, by the name of its variable. `ca_bundle` is a PEM file to trust."""

    url: str
    user: str = ""
    catalog: str = ""
    schema: str = ""
    tables: Mapping[str, str] = field(default_factory=dict)
    session: Mapping[str, str] = field(default_factory=dict)
    password_env: str = ""
    token_env: str = ""
    ca_bundle: str = ""

    @property
    def scheme(self) -> str:
        """`http` or `https`."""
        return urlsplit(self.url).scheme

    @property
    def host(self) -> str:
        """The name of the server."""
        return urlsplit(self.url).hostname or ""

    @property
    def port(self) -> int:
        """The port that it listens on."""
        return urlsplit(self.url).port or _PORTS[self.scheme]

    def name_table(self, table: str) -> str:
        """What a table of the lake is called in a query. A name with quotation marks is taken as it is."""
        given = self.tables.get(table, table)
        if '"' in given:
            return given
        parts = given.split(".") if table in self.tables else [given]
        places = (self.catalog, self.schema)
        return ".".join(quote_name(part) for part in (*places[: max(3 - len(parts), 0)], *parts))

    def read_secret(self, variable: str) -> str:
        """The secret in this variable of the environment. ConfigError when it is not there."""
        secret = os.environ.get(variable, "")
        if not secret:
            raise ConfigError(f"Trino's {variable!r} is not set in the environment. Set it.")
        return secret


def parse_target(target: Any) -> TrinoTarget:
    """The target as given: a URL, or a mapping that has one under `url`. ConfigError for any other."""
    if isinstance(target, str):
        target = {"url": target}
    if not isinstance(target, Mapping):
        raise ConfigError(
            "It is not said where Trino is. Give engines={'trino': 'http://user@host:8080/catalog/schema'}, "
            "or the same under [engines] in lakeq.toml."
        )
    check_settings(TrinoTarget, target, "Trino")
    url, user, places = _split_url(str(target.get("url", "")))
    given = {**target, "url": url}
    given["user"] = given.get("user") or user or _find_user()
    for name, place in zip(("catalog", "schema"), places, strict=False):
        given.setdefault(name, place)
    found = TrinoTarget(**given)
    if not found.catalog or not found.schema:
        raise ConfigError(f"Trino's URL names no catalog and schema. {_FORM}")
    if found.scheme == "http" and (found.password_env or found.token_env):
        raise ConfigError("Trino takes no password and no token over http. Give an https URL.")
    if found.password_env and found.token_env:
        raise ConfigError("Trino's password_env and token_env contradict. Leave one out.")
    return found


def _split_url(url: str) -> tuple[str, str, list[str]]:
    """The server's URL, the user and the path's parts. ConfigError, which repeats no password."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port = None, None
    if not host or parts.scheme not in _PORTS or parts.query or parts.fragment:
        raise ConfigError(f"Not the URL of a Trino. {_FORM}")
    if parts.password is not None:
        raise ConfigError(
            "Trino's URL holds a password. Leave it out, and name the environment's variable that has it: "
            "password_env = 'TRINO_PASSWORD'."
        )
    shown = f"[{host}]" if ":" in host else host
    places = [unquote(part) for part in parts.path.split("/") if part]
    return f"{parts.scheme}://{shown}:{port or _PORTS[parts.scheme]}", unquote(parts.username or ""), places


def _find_user() -> str:
    with suppress(OSError, KeyError, ImportError):
        return getpass.getuser()
    return "lakeq"
