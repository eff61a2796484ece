"""SQL out of bytes: each byte is a word, so that what a fuzzer makes of bytes is often a query."""

from __future__ import annotations

_SQL = """
    SELECT FROM WHERE GROUP~BY HAVING ORDER~BY LIMIT OFFSET WITH AS RECURSIVE DISTINCT ON ALL UNION INTERSECT
    EXCEPT JOIN LEFT RIGHT FULL CROSS NATURAL SEMI ANTI ASOF POSITIONAL LATERAL USING AND OR NOT NULL IS IN
    BETWEEN LIKE SIMILAR~TO EXISTS ANY CASE WHEN THEN ELSE END CAST TRY_CAST INTERVAL DATE TIMESTAMP TRUE
    UNNEST VALUES OVER PARTITION~BY ROWS RANGE PRECEDING FOLLOWING CURRENT~ROW UNBOUNDED FILTER WITHIN~GROUP
    QUALIFY WINDOW PIVOT UNPIVOT FOR TABLESAMPLE EXCLUDE REPLACE RENAME COLUMNS ROLLUP CUBE GROUPING~SETS
    DESC NULLS~FIRST COLLATE ARRAY MAP ROW lambda DESCRIBE SUMMARIZE EXPLAIN SHOW TABLE SET COPY INSERT ATTACH
    PRAGMA events users logs e u l x year day id kind price at tags place city zip name level * count sum min
    avg any_value array_agg list_transform list_filter struct_pack row_number lag rank date_trunc date_part
    make_date strftime strptime now current_date coalesce nullif greatest abs round lower length substr
    regexp_matches concat split_part random range generate_series unnest read_csv hash ifnull if try error
    grouping list_contains INTEGER BIGINT VARCHAR DOUBLE DECIMAL(9,2) BOOLEAN BLOB TIMESTAMPTZ
    STRUCT(a~INT) INTEGER[] ( ) , . ; : :: = <> < > <= >= == + - / // % ** ^ || && | & ~ << [ ] { } ? $1 $x -> ->>
    => := @ # 0 1 2 3 01 2025 2026 1e5 1.5 0x10 9223372036854775808 '' 'a' '%' '2026-01-01' '01' "id" "year"
    "$path" "events$partitions" "events$files" `id` /* */ -- U&'\\0061' $$a$$ IS~NOT~DISTINCT~FROM
"""

WORDS = tuple(_SQL.split())
"""What a query is made of, 256 words at most; `~` stands for a space."""


def join_words(data: bytes) -> str:
    """A word for each byte, with spaces between them."""
    return " ".join(WORDS[byte % len(WORDS)].replace("~", " ") for byte in data)
