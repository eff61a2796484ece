"""DuckDB's `.test` format (sqllogictest), of which the queries over files are asked of lakeq."""
