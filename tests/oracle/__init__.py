"""The oracle: random queries over random lakes, answered by lakeq and by DuckDB over all the rows."""
