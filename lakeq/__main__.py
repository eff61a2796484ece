"""`python -m lakeq` is the `lakeq` command."""

from lakeq.cli.app import run

if __name__ == "__main__":
    run()
