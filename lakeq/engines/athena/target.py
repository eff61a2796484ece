"""As whom, where and within which limits Athena is asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from lakeq.engines.targets import check_settings
from lakeq.errors import ConfigError
from lakeq.formats.types import quote_name


@dataclass(frozen=True, slots=True)
class AthenaTarget:
    """A workgroup and a database. `output` is where results go (`s3://bucket/folder/`; "": as the workgroup
    says); `tables` names tables that are called otherwise there. `region` and `profile` are the lake's own
    unless they are given. `require_cutoff`: a query with a budget only runs in a workgroup that cuts off at
    the budget or below."""

    workgroup: str = "primary"
    database: str = "default"
    catalog: str = ""
    output: str = ""
    region: str = ""
    profile: str = ""
    endpoint_url: str = ""
    tables: Mapping[str, str] = field(default_factory=dict)
    require_cutoff: bool = False

    def name_table(self, table: str) -> str:
        """What a table of the lake is called in a query. A name with quotation marks is taken as it is."""
        given = self.tables.get(table, table)
        if '"' in given:
            return given
        parts = given.split(".") if table in self.tables else [given]
        return ".".join(quote_name(part) for part in ([self.database, *parts] if len(parts) == 1 else parts))


def parse_target(target: Any) -> AthenaTarget:
    """The target as given: a mapping; None: all by default. ConfigError for any other."""
    if target is None:
        return AthenaTarget()
    if not isinstance(target, Mapping):
        raise ConfigError(
            "Athena's target is a table of settings, such as engines={'athena': {'workgroup': 'lakeq', "
            "'database': 'raw'}}."
        )
    check_settings(AthenaTarget, target, "Athena")
    found = AthenaTarget(**target)
    if found.output and not found.output.startswith("s3://"):
        raise ConfigError("Athena's 'output' must be a folder of S3: s3://bucket/folder/.")
    return found
