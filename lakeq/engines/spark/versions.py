"""Whether the S3A of a session fits its Hadoop: of two versions, they miss methods of each other."""

from __future__ import annotations

import re
from typing import Any

from lakeq.errors import ConfigError

_CLASS = "org.apache.hadoop.fs.s3a.S3AFileSystem"


def check_s3a(session: Any) -> None:
    """ConfigError, with the line to set, for a session of this process that has no S3A, or that of another
    Hadoop."""
    jvm = session.sparkContext._jvm
    hadoop = str(jvm.org.apache.hadoop.util.VersionInfo.getVersion())
    line = f'spark.jars.packages = "org.apache.hadoop:hadoop-aws:{hadoop}"'
    try:
        loader = jvm.java.lang.Thread.currentThread().getContextClassLoader()
        source = jvm.java.lang.Class.forName(_CLASS, False, loader).getProtectionDomain().getCodeSource()
        found = re.search(r"hadoop-aws-([^/]+)\.jar", str(source.getLocation()))
    except Exception as error:  # py4j's, of whichever class Java throws
        raise ConfigError(
            f"This Spark, with Hadoop {hadoop}, has no hadoop-aws to read s3:// with. Start it with {line}"
        ) from error
    if found is not None and found[1] != hadoop:
        raise ConfigError(
            f"This Spark has hadoop-aws {found[1]} beside Hadoop {hadoop}. Start it with {line}"
        )
