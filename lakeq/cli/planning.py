"""`lakeq estimate`, `explain`, `restore` and `check`: what is known of a query before it runs."""

from __future__ import annotations

import sys
from argparse import Namespace

from lakeq.cli.check import checked_to_dict, checked_to_junit, describe_checked, raise_failure, run_check
from lakeq.cli.opening import open_lake, read_query
from lakeq.cli.pager import paged
from lakeq.cli.printing import print_json, say
from lakeq.cli.words import describe_estimate
from lakeq.planner.archived import find_restores


def show_estimate(arguments: Namespace) -> None:
    """`lakeq estimate LAKE SQL`."""
    with open_lake(arguments) as lake:
        estimate = lake.estimate(*read_query(arguments), arguments.exact, arguments.dialect)
    if arguments.json:
        print_json(estimate.to_dict())
        return
    for line in describe_estimate(estimate):
        say(line)


def show_plan(arguments: Namespace) -> None:
    """`lakeq explain LAKE SQL`."""
    with open_lake(arguments) as lake:
        explain = lake.explain_to_dict if arguments.json else lake.explain
        plan = explain(*read_query(arguments), arguments.exact, arguments.dialect)
    if not isinstance(plan, str):
        print_json(plan)
        return
    with paged(arguments.no_pager):
        for line in plan.splitlines():
            say(line)


def show_restores(arguments: Namespace) -> None:
    """`lakeq restore LAKE SQL`."""
    with open_lake(arguments) as lake:
        restores = list(find_restores(lake.plan(*read_query(arguments), dialect=arguments.dialect)))
    if arguments.json:
        print_json([restore.to_dict() for restore in restores])
        return
    for restore in restores:
        sys.stdout.write(f"{restore.command}\n")


def check_files(arguments: Namespace) -> None:
    """`lakeq check LAKE FILE…`."""
    with open_lake(arguments) as lake:
        checked = run_check(lake, arguments)
    if arguments.json:
        print_json([checked_to_dict(query) for query in checked])
    elif arguments.junit:
        sys.stdout.write(checked_to_junit(checked) + "\n")
    else:
        for line in describe_checked(checked):
            say(line)
    sys.stdout.flush()
    raise_failure(checked)
