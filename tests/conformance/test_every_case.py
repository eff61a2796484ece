"""Every case of others is run by a test, or listed here with the reason why lakeq is not asked.

A case has an address: `spark_partition/hidden_files/3`. A test that differs on purpose is named so
(`test_differs_from_…`) and says why.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest

from tests.conformance.partition_cases import CASES, load_cases

MODULES = [
    f"tests.conformance.test_{name}"
    for name in (
        "partition_cases",
        "partition_cases_arrow",
        "partition_cases_spark",
        "partition_cases_lakes",
        "pruning_cases",
        "storage_classes",
        "faults",
    )
] + ["tests.storage.test_s3_listing", "tests.storage.test_local", "tests.storage.test_stores"]

NOT_CASES = {"source", "note", "config"}
LISTS_OF_CASES = {
    *("cases", "reads", "values", "checks", "rejected", "accepted", "column_names", "discovery_errors"),
    *("dates", "float", "string", "utf8"),
}

RUN = {
    # Spark
    "spark_partition/value_type_inference/1[5-8]": "test_differs_from_spark_times_of_day_are_text",
    "spark_partition/value_type_inference/19": "test_spark_declared_text_is_not_inferred",
    "spark_partition/value_type_inference/*": "test_spark_value_types",
    "spark_partition/parse_one_path/2": "test_differs_from_spark_a_plain_folder_between_keys_is_an_error",
    "spark_partition/parse_one_path/3": "test_spark_a_path_without_folders_has_no_keys",
    "spark_partition/parse_one_path/[4-8]": "test_spark_temporary_paths_are_no_data",
    "spark_partition/parse_one_path/9": "test_spark_an_empty_key_is_an_error",
    "spark_partition/parse_one_path/10": "test_differs_from_spark_an_empty_value_is_a_value",
    "spark_partition/parse_one_path/11": "test_spark_discovery_stops_at_the_table_root",
    "spark_partition/parse_one_path/*": "test_spark_one_path",
    "spark_partition/parse_many_paths/5": "test_differs_from_spark_plain_sibling_folders_are_a_partition_level",
    "spark_partition/parse_many_paths/9": "test_spark_common_types",
    "spark_partition/parse_many_paths/1[0-3]": "test_spark_common_types",
    "spark_partition/parse_many_paths/*": "test_spark_many_paths",
    "spark_partition/conflicting_layout/0": (
        "test_differs_from_spark_without_a_base_path_the_lake_holds_two_tables"
    ),
    "spark_partition/conflicting_layout/[123]": "test_spark_layouts_without_conflict",
    "spark_partition/conflicting_layout/4": "test_spark_plain_folders_beside_keys_conflict",
    "spark_partition/conflicting_layout/5": (
        "test_differs_from_spark_other_tables_beside_a_broken_one_are_read"
    ),
    "spark_partition/conflicting_layout/[678]": "test_spark_conflicting_keys_name_both_lists",
    "spark_partition/conflicting_layout/9": "test_spark_keys_of_another_case_are_one_column",
    "spark_partition/conflicting_layout/1[12]": (
        "test_spark_a_value_that_does_not_fit_its_declared_type_is_an_error"
    ),
    "spark_partition/conflicting_layout/13": (
        "test_differs_from_spark_paths_spell_a_column_not_its_declared_type"
    ),
    "spark_partition/hidden_files/[34]": "test_differs_from_spark_summary_files_are_never_read",
    "spark_partition/hidden_files/1[12]": "test_spark_hidden_files_do_not_break_discovery",
    "spark_partition/hidden_files/*": "test_spark_hidden_files",
    "spark_partition/roots_and_globs/0": "test_spark_a_root_that_looks_like_a_key_is_no_column",
    "spark_partition/roots_and_globs/[15]": "test_spark_keys_are_those_below_the_root",
    "spark_partition/roots_and_globs/4": "test_a_root_may_end_in_a_slash_and_be_a_file_uri",
    "spark_partition/escaping_roundtrip/values/*": "test_spark_escaped_names_are_read_back",
    "spark_partition/escaping_roundtrip/column_names/*": "test_spark_escaped_names_are_read_back",
    "spark_partition/typed_roundtrip/*": "test_spark_values_of_a_declared_type_are_read_back",
    "spark_partition/file_vs_path/0": "test_spark_a_column_in_file_and_path_is_the_paths",
    "spark_partition/file_vs_path/1": (
        "test_spark_keys_that_files_hold_too_are_shown_once_and_null_where_the_path_is"
    ),
    "spark_partition/pruning/1[34]": "test_spark_files_left",
    "spark_partition/pruning/*": "test_spark_partitions_left",
    "spark_partition/estimate": "test_spark_the_estimate_of_some_partitions_is_their_size",
    "spark_partition/missing_folder": "test_differs_from_spark_a_missing_folder_is_an_error",
    # Arrow
    "arrow_partition/positional_declared/cases/[145]": "test_differs_from_arrow_a_missing_level_is_an_error",
    "arrow_partition/positional_declared/cases/*": "test_arrow_positional_values",
    "arrow_partition/positional_discovery/cases/*": "test_arrow_positional_types",
    "arrow_partition/positional_typed/cases/0": "test_arrow_positional_times",
    "arrow_partition/positional_filename_not_partition": "test_arrow_a_file_name_is_no_partition",
    "arrow_partition/positional_existing_schema/cases/4": (
        "test_differs_from_arrow_a_missing_level_is_an_error_where_types_are_declared"
    ),
    "arrow_partition/positional_existing_schema/cases/*": "test_arrow_positional_declared_types",
    "arrow_partition/hive_declared/cases/*": "test_arrow_hive_values",
    "arrow_partition/hive_declared_python/cases/*": "test_arrow_hive_values",
    "arrow_partition/hive_discovery/cases/*": "test_arrow_hive_types",
    "arrow_partition/hive_existing_schema/cases/*": "test_arrow_hive_declared_types",
    "arrow_partition/percent_decoding/cases/[01]": "test_arrow_percent_escapes_are_decoded",
    "arrow_partition/percent_decoding/cases/2": "test_differs_from_arrow_an_escaped_null_text_is_text",
    "arrow_partition/percent_decoding/cases/[379]": "test_arrow_names_that_are_not_utf8_are_errors",
    "arrow_partition/percent_decoding/cases/4": "test_a_name_that_is_not_unicode_is_named",
    "arrow_partition/percent_decoding/cases/6": "test_arrow_keys_are_decoded",
    "arrow_partition/percent_decoding/cases/8": "test_arrow_positional_values_are_decoded",
    "arrow_partition/percent_decoding/cases/10": "test_arrow_slashes_are_written_escaped",
    "arrow_partition/percent_decoding/cases/11": "test_differs_from_arrow_spaces_are_written_as_they_are",
    "arrow_partition/discovery_files/1": "test_arrow_keys_above_the_root_are_no_columns",
    "arrow_partition/discovery_files/[23]": "test_arrow_hidden_names_below_the_root_are_ignored",
    "arrow_partition/discovery_files/5": "test_arrow_a_hidden_looking_key_is_kept",
    "arrow_partition/discovery_files/[678]": (
        "test_arrow_values_that_do_not_fit_a_declared_schema_are_errors"
    ),
    "arrow_partition/discovery_files/9": (
        "test_differs_from_arrow_differing_keys_are_errors_even_when_declared"
    ),
    "arrow_partition/discovery_files/10": (
        "test_differs_from_arrow_differing_keys_are_errors_even_when_declared"
    ),
    "arrow_partition/discovery_files/0": "test_list_below_a_prefix_keeps_the_whole_path",
    "arrow_partition/strip_prefix/*": "test_arrow_directories_below_a_base",
    "arrow_partition/filters_dnf/cases/0": "test_arrow_a_condition_on_three_keys",
    "arrow_partition/filters_dnf/cases/[13]": "test_arrow_a_condition_that_no_partition_meets_has_no_rows",
    "arrow_partition/filters_dnf/cases/[256]": "test_arrow_ranges_of_keys",
    "arrow_partition/filters_dnf/cases/4": "test_arrow_a_column_that_is_not_there_is_an_error",
    "arrow_partition/no_io_property": "test_arrow_discovery_and_typing_open_no_file",
    "arrow_partition/count_only_partition_columns": "test_arrow_keys_alone_are_a_row_for_each_row",
    "arrow_partition/schema_merge/*": "test_arrow_types_of_several_files_have_a_common_one",
    "arrow_partition/chained_layout": "test_arrow_positional_and_hive_levels_in_one_path",
    # DuckDB
    "duckdb_hive/parser_rules/0": "test_differs_from_duckdb_a_value_may_hold_an_equals_sign",
    "duckdb_hive/parser_rules/1": "test_differs_from_duckdb_an_unhidden_question_mark_is_part_of_the_value",
    "duckdb_hive/parser_rules/2": "test_differs_from_duckdb_a_backslash_is_part_of_a_value",
    "duckdb_hive/parser_rules/3": "test_differs_from_duckdb_a_key_twice_in_a_path_is_an_error",
    "duckdb_hive/parser_rules/4": "test_differs_from_duckdb_null_text_makes_a_column_text",
    "duckdb_hive/parser_rules/5": "test_differs_from_duckdb_keys_are_decoded_as_values_are",
    "duckdb_hive/static_reads/[01]": "test_duckdb_keys_stand_in_any_order",
    "duckdb_hive/static_reads/2[23]": "test_duckdb_keys_stand_in_any_order",
    "duckdb_hive/static_reads/1[23]": "test_duckdb_mismatching_keys_are_an_error",
    "duckdb_hive/static_reads/2[45]": "test_duckdb_mismatching_keys_are_an_error",
    "duckdb_hive/static_reads/14": "test_duckdb_paths_win_over_columns_in_the_files",
    "duckdb_hive/static_reads/15": "test_duckdb_partitions_of_other_files_are_left_out",
    "duckdb_hive/static_reads/16": "test_duckdb_empty_and_null_texts_filter",
    "duckdb_hive/static_reads/17": "test_duckdb_keys_that_differ_from_a_column_in_case_alone_are_one_column",
    "duckdb_hive/static_reads/18": "test_differs_from_duckdb_a_key_twice_in_a_path_is_an_error",
    "duckdb_hive/static_reads/19": "test_duckdb_files_of_different_columns_and_types_are_united",
    "duckdb_hive/static_reads/2[01]": "test_duckdb_files_of_different_columns_and_types_are_united",
    "duckdb_hive/static_reads/3[234]": "test_duckdb_files_of_different_columns_and_types_are_united",
    "duckdb_hive/static_reads/*": "test_duckdb_rows_and_files_left",
    "duckdb_hive/type_rules/[012]": "test_duckdb_types_of_several_keys",
    "duckdb_hive/type_rules/4": "test_duckdb_a_value_that_cannot_be_cast_is_an_error",
    "duckdb_hive/type_rules/*": "test_duckdb_inferred_types",
    "duckdb_hive/null_rules/0": "test_duckdb_null_and_the_text_that_reads_like_it",
    "duckdb_hive/null_rules/1": "test_duckdb_the_default_partition_is_null_for_every_type",
    "duckdb_hive/null_rules/2": "test_duckdb_empty_and_null_texts_are_texts",
    "duckdb_hive/override/*": "test_duckdb_the_path_decides_type_and_filter_not_the_files_column",
    "duckdb_hive/escape_roundtrip/values/*": "test_duckdb_escaped_values_are_read_back",
    "duckdb_hive/dynamic_pruning/*": (
        "test_differs_from_duckdb_a_filter_by_a_subquery_is_not_pruned_while_planning"
    ),
    "duckdb_hive/explain_contract": "test_duckdb_the_plan_tells_files_kept_of_all",
    "duckdb_hive/conflicts/*": "test_duckdb_mismatching_keys_are_an_error",
    # Polars
    "polars_hive/inference/*": "test_polars_inferred_types",
    "polars_hive/directory_scan/reads/[0236]": "test_polars_keys_are_those_below_the_root",
    "polars_hive/filename_with_equals": "test_polars_an_equals_sign_in_a_file_name_is_no_key",
    "polars_hive/schema_errors/0": "test_polars_a_key_that_was_not_declared_is_an_error",
    "polars_hive/pruning/[0-5]": "test_polars_files_and_rows_left",
    "polars_hive/pruning/6": "test_polars_pruning_renumbers_no_row",
    "polars_hive/pruning/7": "test_polars_a_condition_after_the_last_row_was_taken_is_not_pushed_below",
    "polars_hive/projection/0": "test_polars_a_key_alone_has_a_row_for_each_row",
    "polars_hive/projection/1": "test_polars_columns_in_any_order",
    "polars_hive/projection/2": "test_differs_from_polars_keys_have_the_paths_type_wherever_they_stand",
    "polars_hive/dates/checks/[02]": "test_polars_dates_with_nulls",
    "polars_hive/dates/checks/1": "test_polars_dates_are_text_where_declared_so",
    "polars_hive/dates/checks/3": "test_polars_a_date_is_found_beside_the_null_partition",
    "polars_hive/roundtrip_values/float/*": "test_polars_floats_are_read_back",
    "polars_hive/roundtrip_values/string/*": "test_polars_texts_are_read_back",
    "polars_hive/roundtrip_values/utf8/*": "test_polars_every_character_is_a_value",
    "polars_hive/roundtrip_values/ascii": "test_polars_every_character_is_a_value",
    "polars_hive/uris/*": "test_a_root_may_end_in_a_slash_and_be_a_file_uri",
    # DataFusion
    "datafusion_partition/pruned_list/*": "test_differs_from_datafusion_files_without_the_keys_break_the_table",
    "datafusion_partition/parse/[25]": "test_datafusion_paths_without_the_keys_are_errors",
    "datafusion_partition/parse/*": "test_datafusion_values_of_a_path",
    "datafusion_partition/prunable_expressions/*": "test_datafusion_which_conditions_prune",
    "datafusion_partition/sql/0": "test_datafusion_zero_padding_is_kept_as_text_and_lost_as_integers",
    "datafusion_partition/sql/1": "test_datafusion_keys_compare_as_integers",
    "datafusion_partition/sql/2": "test_duckdb_paths_win_over_columns_in_the_files",
    "datafusion_partition/sql/3": "test_datafusion_groups_of_a_key",
    # Trino
    "trino/prune_expression_failure": "test_trino_an_expression_that_fails_while_pruning_fails_no_query",
    "trino/partition_filter_required/rejected/*": (
        "test_trino_a_query_without_a_condition_on_a_key_is_refused"
    ),
    "trino/partition_filter_required/accepted/*": "test_trino_a_condition_on_a_key_is_enough",
    "trino/s3/0": "test_a_fault_that_passes_leaves_the_answer_right",
    # Conditions that must not be pushed down
    "pushdown_soundness/*": "test_conditions_do_not_prune_where_that_would_show",
    # Our own
    "lakeq_own/value_text_traps/*": "test_texts_that_trap_parsers",
    "lakeq_own/key_traps/0": "test_differs_from_duckdb_a_value_may_hold_an_equals_sign",
    "lakeq_own/key_traps/[16]": "test_keys_that_are_errors",
    "lakeq_own/key_traps/2": "test_differs_from_spark_an_empty_value_is_a_value",
    "lakeq_own/key_traps/3": "test_a_second_equals_sign_belongs_to_the_value",
    "lakeq_own/key_traps/[489]": "test_keys_that_trap_parsers",
    "lakeq_own/key_traps/5": "test_spark_keys_of_another_case_are_one_column",
    "lakeq_own/key_traps/7": "test_a_key_of_another_type_than_the_files_column_wins",
    "lakeq_own/lakeq_prefix_traps/*": "test_paths_that_trap_prefixes",
    "lakeq_own/listing_edges/[015]": "test_markers_and_empty_objects_are_no_data",
    "lakeq_own/listing_edges/2": "test_short_pages_are_followed_to_the_last",
    "lakeq_own/listing_edges/4": "test_a_token_that_leads_in_a_circle_is_an_error",
    "lakeq_own/listing_edges/[67]": "test_odd_names_are_kept_as_they_are",
    "lakeq_own/listing_edges/10": "test_what_was_archived_since_it_was_listed_is_refused_by_the_store",
    # Answers of a store, by object_store
    "object_store_retry/cases/[02789]": "test_a_fault_that_passes_leaves_the_answer_right",
    "object_store_retry/cases/[168]": "test_a_fault_that_lasts_is_one_error",
    "object_store_retry/cases/1[12]": "test_an_error_with_status_200_is_waited_out",
}

NOT_ASKED = {
    "spark_partition/conflicting_layout/10": "names of columns never tell upper from lower case here",
    "spark_partition/roots_and_globs/[23]": "a table has one root; which of its folders, a condition says",
    "spark_partition/splits_for_distributed_engine/*": "DuckDB splits its work itself; a plan has files, no tasks",
    "arrow_partition/filename_style/*": "values that stand in file names are no layout of lakeq",
    "arrow_partition/percent_decoding/cases/5": "values are always decoded",
    "arrow_partition/percent_decoding/cases/12": "lakeq writes no partitions",
    "arrow_partition/discovery_files/4": "files are found, never given as a list",
    "polars_hive/directory_scan/reads/1": "keys are columns; a query need not name them",
    "polars_hive/directory_scan/reads/[459]": "a table has one root",
    "polars_hive/directory_scan/reads/[78]": "a root is a folder of tables or one file, never a pattern",
    "polars_hive/schema_errors/1": "layout and types are one setting, so they cannot contradict",
    "datafusion_partition/list_prefix_from_filter/*": (
        "a value never becomes a prefix (its own trap says why): folders are listed, parsed and judged, which "
        "tests/catalog/test_prefixes.py holds"
    ),
    "datafusion_partition/parse/1": "a table holds the files below its root alone, as a prefix trap of ours says",
    "trino/partition_limit/*": "the limits of a query are bytes and dollars",
    "trino/s3/1": "a remark on a simulator",
    "lakeq_own/listing_edges/3": "keys stand in the index once; duplicate pages are a fault that no store was seen to have",
    "lakeq_own/listing_edges/8": "a measurement: benchmarks and docs/performance.md",
    "lakeq_own/listing_edges/9": "the store shows no deleted keys",
    "lakeq_own/listing_edges/11": "sizes are int64 in the listing's schema; no store holds such an object",
    "object_store_retry/cases/3": "an answer without a body is asked for by writers alone",
    "object_store_retry/cases/[45]": "redirects: botocore follows those of regions, tests/storage/test_endpoints.py",
    "object_store_retry/cases/10": "lakeq sends no PUT",
    "object_store_retry/cases/13": "tests/storage/test_secrets.py holds it for every error",
}


def list_cases() -> dict[str, Any]:
    """Every case of every file by its address."""
    found: dict[str, Any] = {}
    for path in sorted(CASES.glob("*_cases.json")):
        name = path.name.removesuffix("_cases.json")
        for section, content in load_cases(name).items():
            if section not in NOT_CASES:
                found |= dict(_list_section(f"{name}/{section}", content))
    return found


def _list_section(address: str, content: Any) -> Iterator[tuple[str, Any]]:
    lists = [content] if isinstance(content, list) else []
    names = [""]
    if isinstance(content, dict):
        chosen = {key: value for key, value in content.items() if _holds_cases(key, value)}
        lists, names = list(chosen.values()), [f"/{key}" for key in chosen]
        if "ascii" in content:
            yield f"{address}/ascii", content["ascii"]
    for name, cases in zip(names, lists, strict=True):
        yield from ((f"{address}{name}/{number}", case) for number, case in enumerate(cases))
    if not lists:
        yield address, content


def _holds_cases(key: str, value: Any) -> bool:
    return key in LISTS_OF_CASES and isinstance(value, list)


def find_entry(address: str) -> tuple[str, str] | None:
    """The pattern that settles a case, and by which test, or why it is not asked. The first in order counts."""
    entries = [*NOT_ASKED.items(), *RUN.items()]
    return next((entry for entry in entries if fnmatchcase(address, entry[0])), None)


def find_tests() -> dict[str, list[Any]]:
    """The tests by name."""
    found: dict[str, list[Any]] = {}
    for module in map(importlib.import_module, MODULES):
        for name, value in vars(module).items():
            if name.startswith("test_") and callable(value):
                found.setdefault(name, []).append(value)
    return found


def list_values(test: Any) -> list[Any]:
    """What a test is parametrized by, one list for all of its parameters."""
    values: list[Any] = []
    for mark in getattr(test, "pytestmark", ()):
        if mark.name == "parametrize":
            for given in mark.args[1]:
                values.append(given)
                values.extend(given if isinstance(given, (list, tuple)) else ())
    return values


CASES_BY_ADDRESS = list_cases()


def test_every_case_is_run_or_listed_with_a_reason() -> None:
    assert len(CASES_BY_ADDRESS) > 400
    assert [address for address in CASES_BY_ADDRESS if find_entry(address) is None] == []


def test_no_entry_is_left_over() -> None:
    used = {entry[0] for entry in map(find_entry, CASES_BY_ADDRESS) if entry is not None}
    assert used == {*RUN, *NOT_ASKED}


def test_the_tests_that_run_cases_exist_and_those_that_differ_say_why() -> None:
    tests = find_tests()
    assert set(RUN.values()) <= set(tests)
    for name in RUN.values():
        if name.startswith("test_differs"):
            assert all(test.__doc__ for test in tests[name]), name


# Tests that draw their parameters from the cases: none of the cases may be filtered away.
DRAWN = {
    *("test_spark_value_types", "test_spark_one_path", "test_spark_many_paths", "test_spark_common_types"),
    *("test_spark_layouts_without_conflict", "test_spark_hidden_files", "test_spark_partitions_left"),
    *("test_spark_temporary_paths_are_no_data", "test_spark_escaped_names_are_read_back"),
    *("test_spark_values_of_a_declared_type_are_read_back", "test_arrow_positional_values"),
    *("test_differs_from_spark_times_of_day_are_text", "test_arrow_positional_types"),
    *("test_arrow_positional_declared_types", "test_arrow_hive_values", "test_arrow_hive_types"),
    *("test_arrow_hive_declared_types", "test_arrow_names_that_are_not_utf8_are_errors"),
    *("test_arrow_values_that_do_not_fit_a_declared_schema_are_errors",),
    *("test_differs_from_arrow_differing_keys_are_errors_even_when_declared",),
    *("test_arrow_directories_below_a_base", "test_arrow_types_of_several_files_have_a_common_one"),
    *(
        "test_duckdb_rows_and_files_left",
        "test_duckdb_inferred_types",
        "test_duckdb_escaped_values_are_read_back",
    ),
    *("test_polars_inferred_types", "test_polars_floats_are_read_back", "test_polars_texts_are_read_back"),
    *(
        "test_differs_from_datafusion_files_without_the_keys_break_the_table",
        "test_datafusion_which_conditions_prune",
    ),
    *(
        "test_trino_a_query_without_a_condition_on_a_key_is_refused",
        "test_trino_a_condition_on_a_key_is_enough",
    ),
    *("test_texts_that_trap_parsers", "test_paths_that_trap_prefixes"),
}


@pytest.mark.parametrize("name", sorted(DRAWN))
def test_a_test_that_draws_from_the_cases_has_each_that_it_is_said_to_run(name: str) -> None:
    addresses = [a for a in CASES_BY_ADDRESS if (entry := find_entry(a)) is not None and entry[1] == name]
    assert addresses
    values = [value for test in find_tests()[name] for value in list_values(test)]
    assert [a for a in addresses if CASES_BY_ADDRESS[a] not in values] == []


def test_the_docs_count_the_cases() -> None:
    page = (Path(__file__).parents[2] / "docs" / "oracle.md").read_text(encoding="utf-8")
    assert f"has {len(CASES_BY_ADDRESS)} cases" in page
