"""What the prompt offers: names and values of the lake in SQL, commands and their arguments behind a dot."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from prompt_toolkit.completion import CompleteEvent
from prompt_toolkit.document import Document

import lakeq
from lakeq.cli.repl.commands import COMMANDS
from lakeq.cli.repl.completer import ReplCompleter

Offers = dict[str, str]


class Offered:
    """Completes a text at its end: what the text would become, and what is said of it."""

    def __init__(self, completer: ReplCompleter) -> None:
        self._completer = completer

    def __call__(self, text: str) -> Offers:
        found = self._completer.get_completions(Document(text), CompleteEvent())
        return {text[: len(text) + c.start_position] + c.text: c.display_meta_text for c in found}


@pytest.fixture(scope="module")
def offered(lake: str) -> Iterator[Offered]:
    with lakeq.connect(lake, history=False) as opened:
        opened.tables()
        yield Offered(ReplCompleter(opened))


def test_tables_come_with_their_size(offered: Offered) -> None:
    assert offered("select * from sa")["select * from sales"].startswith("24 files, ")


def test_columns_are_those_of_the_tables_in_from(offered: Offered) -> None:
    offers = offered("select amount from sales where m")
    assert offers["select amount from sales where month"] == "bigint · partition key"
    assert offered("select * from sales where am")["select * from sales where amount"] == "double"


def test_values_of_a_partition_key_follow_its_comparison(offered: Offered) -> None:
    offers = list(offered("select * from sales where year = "))
    assert offers[:2] == ["select * from sales where year = 2026", "select * from sales where year = 2025"]


def test_functions_are_offered(offered: Offered) -> None:
    assert offered("select date_tr")["select date_trunc("] == "function"


def test_commands_are_offered_with_what_they_do(offered: Offered) -> None:
    assert offered(".") == {f".{name}": command.help for name, command in COMMANDS.items()}
    assert list(offered(".pa")) == [".partitions"]


@pytest.mark.parametrize(
    ("typed", "whole"),
    [
        (".schema sa", ".schema sales"),
        (".mode js", ".mode json"),
        (".timing of", ".timing off"),
        (".set ask", ".set ask_above"),
        (".set keys v", ".set keys vi"),
        (".help ti", ".help timing"),
        (".budget o", ".budget off"),
        (".explain select amo", ".explain select amount"),
    ],
)
def test_arguments_of_commands_are_completed(offered: Offered, typed: str, whole: str) -> None:
    assert whole in offered(typed)


def test_files_are_offered_where_a_command_takes_one(
    offered: Offered, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("scripts")
    (folder / "report.sql").touch()
    assert f".read {folder}/report.sql" in offered(f".read {folder}/rep")


def test_nothing_is_offered_in_a_comment_nor_behind_an_unknown_command(offered: Offered) -> None:
    assert offered("select 1 -- sa") == {}
    assert offered(".nope sa") == {}
