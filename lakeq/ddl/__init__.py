"""DDL: statements that make another engine see a table as lakeq sees it."""
