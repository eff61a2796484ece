"""Folders without keys in their names: declare what each level holds, in Python or in a lakeq.toml."""

import tempfile
from pathlib import Path

import lakeq

DEFINITION = """
[tables.orders]
layout = "{product}/{ordered:date}/"
format = "csv"
delimiter = "|"
header = false
null = "-"

[tables.orders.columns]
id = "bigint"
price = "decimal(8,2)"
"""

with tempfile.TemporaryDirectory() as folder:
    for product in ("coffee", "kettle"):
        for day in ("2026-11-01", "2026-11-02"):
            partition = Path(folder, "orders", product, day)
            partition.mkdir(parents=True)
            (partition / "orders.csv").write_text("1|4.50\n2|-\n", encoding="utf-8")
    definition = Path(folder, "lakeq.toml")
    definition.write_text(DEFINITION, encoding="utf-8")

    with lakeq.connect(definition, history=False) as lake:
        print(lake.sql("SELECT * FROM orders WHERE product = 'kettle' AND ordered = '2026-11-02'").arrow())
