"""The `lakeq` command: parse, run, and turn every outcome into an exit status and one line on stderr."""

from __future__ import annotations

import os
import sys
import traceback
import warnings
from collections.abc import Sequence
from contextlib import suppress
from typing import NoReturn

from lakeq.cli.arguments import build_parser, choose_command
from lakeq.cli.commands import COMMANDS
from lakeq.errors import AuditFailedError, BudgetExceededError, LakeqError, QueryCancelledError

DONE, FAILED, OVER_BUDGET, INTERRUPTED = 0, 1, 3, 130


def run() -> NoReturn:
    """The process `lakeq`: run one command and exit with its status. After Ctrl-C it leaves at once, where
    the interpreter would first free each object and end each thread."""
    warnings.showwarning = _show_warning
    sys.meta_path.insert(0, _WithoutPandas())
    status = main()
    if status == INTERRUPTED:
        with suppress(BrokenPipeError):
            sys.stdout.flush()
        os._exit(status)
    sys.exit(status)


class _WithoutPandas:
    """Hides pandas from this process: pyarrow would load it at its first array, which takes 0.3 s, and no
    command uses it."""

    def find_spec(self, name: str, path: object = None, target: object = None) -> None:
        if name == "pandas":
            raise ModuleNotFoundError("lakeq's commands do without pandas", name=name)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status; wrong usage raises SystemExit(2), as argparse does."""
    parser = build_parser()
    if "_ARGCOMPLETE" in os.environ:  # a shell asks, at a TAB
        from lakeq.cli.completion import complete

        complete(parser)
    arguments = parser.parse_args(choose_command(sys.argv[1:] if argv is None else argv))
    try:
        COMMANDS[arguments.command](arguments)
        sys.stdout.flush()
    except (KeyboardInterrupt, QueryCancelledError):
        return _fail("interrupted", INTERRUPTED, arguments.debug)
    except BrokenPipeError:
        _abandon_stdout()
    except (AuditFailedError, BudgetExceededError) as error:
        return _fail(error, OVER_BUDGET, arguments.debug)
    except LakeqError as error:
        return _fail(error, FAILED, arguments.debug)
    except Exception as error:  # noqa: BLE001 - the last door: a defect of ours is told in one line, too
        from lakeq.cli.words import describe_defect

        return _fail(LakeqError(describe_defect(error)), FAILED, arguments.debug)
    return DONE


def _fail(error: LakeqError | str, status: int, debug: bool) -> int:
    from lakeq.cli.words import describe_error

    if debug:
        traceback.print_exc()
    try:
        words = error if isinstance(error, str) else f"error: {describe_error(error)}"
        sys.stderr.write(f"lakeq: {words}\n")
    except BrokenPipeError:
        pass  # nobody listens on stderr either
    return status


def _show_warning(message: Warning | str, *_: object, **__: object) -> None:
    with suppress(BrokenPipeError):
        sys.stderr.write(f"lakeq: note: {message}\n")


def _abandon_stdout() -> None:
    """The reader has gone (`| head`): let the interpreter's last flush go nowhere instead of failing."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
