"""The ledger: every query, what it was estimated to read and what it then read; and what a day may read."""
