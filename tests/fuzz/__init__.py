"""A fuzzer: bytes that are made to break what lakeq reads. `python -m tests.fuzz --help`."""
