"""What tests of engines share with those of the command line and of notebooks."""

from tests.cli.conftest import run as run
from tests.notebook.conftest import shell as shell
