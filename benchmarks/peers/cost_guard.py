"""athena-cost-guard's estimates over a folder of Hive tables in Parquet, as it would see them in S3 and Glue.

    python cost_guard.py FOLDER < queries.json > estimates.json

Run by benchmarks.estimate_accuracy in an environment of its own. moto plays S3 and Glue in this process.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import boto3
from athena_cost_guard import estimate
from moto import mock_aws

BUCKET, DATABASE, REGION = "lake", "lake", "us-east-1"
_PARQUET = "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat"


def upload(folder: Path, s3: Any, glue: Any) -> None:
    """Each folder below `folder` as a table, each `key=value` folder as a partition."""
    s3.create_bucket(Bucket=BUCKET)
    glue.create_database(DatabaseInput={"Name": DATABASE})
    for table in sorted(path for path in folder.iterdir() if path.is_dir()):
        files = sorted(table.rglob("*.parquet"))
        for file in files:
            s3.upload_file(str(file), BUCKET, str(file.relative_to(folder)))
        parts = [tuple(file.relative_to(table).parts[:-1]) for file in files]
        keys = [part.partition("=")[0] for part in parts[0]]
        place = f"s3://{BUCKET}/{table.name}/"
        glue.create_table(
            DatabaseName=DATABASE,
            TableInput={
                "Name": table.name,
                "StorageDescriptor": {"Location": place, "InputFormat": _PARQUET, "Columns": []},
                "PartitionKeys": [{"Name": key, "Type": "int"} for key in keys],
            },
        )
        for part in dict.fromkeys(parts) if keys else ():
            values = [piece.partition("=")[2] for piece in part]
            storage = {"Location": place + "/".join(part) + "/", "InputFormat": _PARQUET, "Columns": []}
            glue.create_partition(
                DatabaseName=DATABASE,
                TableName=table.name,
                PartitionInput={"Values": values, "StorageDescriptor": storage},
            )


def main() -> None:
    os.environ |= {"AWS_ACCESS_KEY_ID": "k", "AWS_SECRET_ACCESS_KEY": "s", "AWS_DEFAULT_REGION": REGION}
    queries: dict[str, str] = json.load(sys.stdin)
    told: dict[str, int | None] = {}
    with mock_aws():
        s3, glue = boto3.client("s3"), boto3.client("glue")
        upload(Path(sys.argv[1]), s3, glue)
        for name, sql in queries.items():
            try:
                guess = estimate(
                    sql,
                    database=DATABASE,
                    region=REGION,
                    sample_columns=True,
                    glue_client=glue,
                    s3_client=s3,
                    dialect="duckdb",
                )
                told[name] = guess.bytes_scanned
            except Exception as error:  # noqa: BLE001 - whatever it is, it has no estimate
                print(f"{name}: {type(error).__name__}: {error}", file=sys.stderr)
                told[name] = None
    json.dump(told, sys.stdout)


if __name__ == "__main__":
    main()
