"""`python -m lakeq` is the `lakeq` command."""

import sys

from lakeq.cli.app import main

if __name__ == "__main__":
    sys.exit(main())
