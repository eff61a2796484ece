"""What the differential tests ask: expressions over the table `v` of `values`, and whole queries."""

from __future__ import annotations

_NUMBERS = ("i", "j", "h", "x", "y", "g", "d", "e")


def _arithmetic() -> list[str]:
    pairs = [
        ("i", "j"),
        ("i", "h"),
        ("i", "x"),
        ("x", "y"),
        ("d", "i"),
        ("d", "e"),
        ("d", "j"),
        ("e", "x"),
        ("g", "i"),
        ("g", "x"),
        ("g", "d"),
        ("h", "d"),
        ("e", "e"),
    ]
    made = [f"{a} {sign} {b}" for a, b in pairs for sign in ("+", "-")]
    made += [f"{a} * {b}" for a, b in pairs if (a, b) != ("i", "j")]
    made += [f"{a} / {b}" for a, b in [*pairs, ("j", "i"), ("y", "x"), ("i", "d")]]
    made += [
        f"{a} {sign} {b}"
        for sign in ("%", "//")
        for a, b in [
            ("x", "y"),
            ("x", "2"),
            ("j", "3"),
            ("i", "-3"),
            ("j", "nullif(i, 0)"),
            ("d", "nullif(e, 0)"),
            ("d", "2"),
            ("y", "x"),
            ("h", "7"),
        ]
    ]
    made += [f"{a} + 1" for a in _NUMBERS] + [f"{a} * 2" for a in _NUMBERS] + [f"-{a}" for a in _NUMBERS]
    made += (
        [f"{a} + 1.5" for a in _NUMBERS] + [f"{a} * 0.05" for a in _NUMBERS] + [f"{a} / 3" for a in _NUMBERS]
    )
    made += [f"abs({a})" for a in _NUMBERS] + [f"1e3 * {a}" for a in ("i", "x", "d")]
    return [*made, "d * (1 - e)", "d * (1 - d) * (1 + e)", "i + NULL", "j * 1000000", "i & 6", "i | 8", "xor(i, 3)",
            "1.5 + 2.25", "(i + 1) * (h - 2)", "d / 0", "i / 0", "x / 0", "0 / x", "-x / 0", "i % NULL", "5 - -3", "j % 7 + j // 7",
            "CAST(j AS HUGEINT) + 1", "CAST(j AS HUGEINT) * 3 - j", "CAST(j AS HUGEINT) / 7", "CAST(j AS HUGEINT) % 7", "1 / 3", "7 // 2", "-7 // 2", "7 % -3",
            "2147483647 + CAST(i AS BIGINT)", "i * 3000000000",
            "NULL + NULL", "x + '2'", "h + 30000", "d::DECIMAL(30, 10) * e::DECIMAL(30, 10)", "d::DECIMAL(38, 10) + e::DECIMAL(38, 12)", "e::DECIMAL(38, 20) * 1.5"]  # fmt: skip


def _comparisons() -> list[str]:
    signs = ("=", "<>", "<", "<=", ">", ">=", "IS DISTINCT FROM", "IS NOT DISTINCT FROM")
    pairs = [
        ("x", "y"),
        ("i", "j"),
        ("d", "e"),
        ("x", "i"),
        ("s", "t"),
        ("da", "db"),
        ("ts", "da"),
        ("b", "b"),
        ("i", "1.5"),
        ("g", "x"),
        ("tz", "ts"),
    ]
    made = [f"{a} {sign} {b}" for sign in signs for a, b in pairs]
    made += [
        f"{a} {sign} {b}"
        for sign in ("=", "<", ">=", "<>")
        for a, b in [
            ("x", "1.5"),
            ("x", "'nan'::DOUBLE"),
            ("x", "'inf'"),
            ("da", "'2024-01-01'"),
            ("ts", "'2024-02-29 00:00:00'"),
            ("i", "'7'"),
            ("g", "0.1"),
            ("x", "0.1"),
            ("d", "0.05"),
            ("1.5", "x"),
            ("da", "TIMESTAMP '2024-02-29 12:00:00'"),
            ("tz", "DATE '2024-01-01'"),
            ("tz", "'2000-01-01 00:00:00+00'"),
            ("tz", "TIMESTAMPTZ '2024-03-31 04:30:00+02'"),
            ("s", "'it''s'"),
            ("h", "300000"),
        ]
    ]
    return [*made, "i BETWEEN 1 AND 7", "x BETWEEN 0 AND 'inf'::DOUBLE", "x BETWEEN y AND 5", "j BETWEEN 9007199254740994 AND 9007199254740993::DOUBLE", "j NOT BETWEEN 9007199254740994 AND 9007199254740993::DOUBLE", "j IN (2.5::DOUBLE, 9007199254740992)", "i NOT BETWEEN h AND j", "s BETWEEN 'a' AND 'b'",
            "da BETWEEN DATE '2000-01-01' AND DATE '2024-01-01'", "da BETWEEN '2000-01-01' AND TIMESTAMP '2024-01-01'", "d BETWEEN 0.05 AND 7",
            "i IN (1, 2, NULL)", "i NOT IN (1, 2)", "i NOT IN (1, NULL)", "x IN (1.5, 0)", "s IN ('abc', '', NULL)", "d IN (1.5, 0.05, 7)", "da IN ('2024-01-01', DATE '2000-01-01')",
            "i IN (1.5, 7.0)", "h IN (j, i)", "i = NULL", "NULL = NULL", "x IS NULL", "x IS NOT NULL", "b IS TRUE", "b IS NOT TRUE", "b IS FALSE", "NOT b", "b AND x > 1", "b OR i > 2", "b AND NULL",
            "(i > 1) = b", "(i > 1) IS NOT FALSE", "NOT (i > 1 OR s = 'abc')", "i > 1 AND j > 1 AND x > 1", "b = TRUE", "b > FALSE", "x = x", "x <> x", "1 = 1", "1 < 2.5", "'a' < 'b'"]  # fmt: skip


_CHOICES = [
    "coalesce(i, j)", "coalesce(i, 0)", "coalesce(d, e)", "coalesce(d, 0)", "coalesce(x, i)", "coalesce(s, t, 'z')", "coalesce(da, ts)", "coalesce(NULL, i)", "coalesce(ts, '2020-01-01')",
    "coalesce(h, 1.5)", "coalesce(g, 2.5)", "ifnull(s, '-')", "nullif(i, 7)", "nullif(x, 0)", "nullif(s, '')", "nullif(d, 7)", "nullif(x, 'nan'::DOUBLE)", "nullif(1, 1)", "nullif(NULL, i)", "coalesce(i)", "greatest(i)",
    "greatest(i, j)", "greatest(i, 3, h)", "least(x, y)", "greatest(x, y)", "least(s, t)", "greatest(d, e)", "least(da, db)", "greatest(i, NULL)", "greatest(x, 1.5)", "least(i, 2.5)",
    "CASE WHEN i > 1 THEN 'big' WHEN i = 1 THEN 'one' ELSE s END", "CASE i WHEN 1 THEN 1.5 WHEN 7 THEN 2 END", "CASE WHEN b THEN i ELSE d END", "CASE WHEN b THEN i ELSE x END", "CASE WHEN NULL THEN 1 ELSE 2 END",
    "CASE WHEN b THEN da ELSE ts END", "CASE WHEN b THEN NULL ELSE 5 END", "if(b, i, 0)", "if(i > 2, s, t)", "CASE x WHEN 0 THEN 'zero' WHEN 'nan'::DOUBLE THEN 'nan' END",
    "CASE WHEN i = 0 THEN 0 ELSE j / i END", "CASE WHEN b THEN h ELSE 70000 END", "CASE WHEN x > 1 THEN d * 2 ELSE 0 END",
]  # fmt: skip
_CASTS = [
    "CAST(x AS INTEGER)", "CAST(round(y / 1e300) AS INTEGER)", "CAST(d AS INTEGER)", "CAST(e AS BIGINT)", "CAST(d * 10 AS INTEGER)", "CAST(i AS DOUBLE)", "CAST(j AS DOUBLE)", "CAST(d AS DOUBLE)", "CAST(e AS DOUBLE)", "CAST(g AS DOUBLE)", "CAST(i AS FLOAT)",
    "CAST(i AS VARCHAR)", "CAST(j AS VARCHAR)", "CAST(d AS VARCHAR)", "CAST(e AS VARCHAR)", "CAST(b AS VARCHAR)", "CAST(da AS VARCHAR)", "CAST(ts AS VARCHAR)", "CAST(x AS VARCHAR)", "CAST(tz AS VARCHAR)",
    "CAST(b AS INTEGER)", "CAST(i AS BOOLEAN)", "CAST(d AS DECIMAL(12, 1))", "CAST(e AS DECIMAL(18, 2))", "CAST(i AS DECIMAL(10, 2))", "CAST(x AS DECIMAL(10, 2))", "CAST('1.255' AS DECIMAL(9, 2))",
    "CAST(da AS TIMESTAMP)", "CAST(ts AS DATE)", "CAST(tz AS DATE)", "CAST(tz AS TIMESTAMP)", "CAST(ts AS TIMESTAMPTZ)", "CAST(da AS TIMESTAMPTZ)", "CAST('2024-02-29' AS DATE)", "CAST('2024-02-29 10:11:12.5' AS TIMESTAMP)",
    "CAST(CAST(da AS VARCHAR) AS DATE)", "CAST(CAST(i AS VARCHAR) AS INTEGER)", "CAST(CAST(d AS VARCHAR) AS DOUBLE)", "TRY_CAST(s AS INTEGER)", "TRY_CAST(t AS BIGINT)", "TRY_CAST(j AS INTEGER)", "TRY_CAST(j AS SMALLINT)",
    "TRY_CAST(s AS DATE)", "TRY_CAST(s AS DOUBLE)", "CAST('7' AS INTEGER)", "CAST(7 AS VARCHAR)", "CAST('true' AS BOOLEAN)", "CAST(1.5 AS INTEGER)", "CAST(2.5 AS INTEGER)", "CAST(-2.5 AS INTEGER)", "2.5::DOUBLE::INTEGER", "3.5::DOUBLE::INTEGER",
    "(i + 0.5)::DOUBLE::BIGINT", "-(i + 0.5)::DOUBLE::BIGINT", "i::HUGEINT", "CAST(sign(d) AS DOUBLE)", "j::DECIMAL(20, 2)", "CAST(h AS TINYINT)", "TRY_CAST(h AS TINYINT)", "CAST(b AS BIGINT) + 1", "d::DECIMAL(9,2)", "CAST(i AS UTINYINT)",
    "TRY_CAST(i AS VARCHAR)", "TRY_CAST(b AS INTEGER)", "TRY_CAST(NULL AS INTEGER)", "TRY_CAST(da AS TIMESTAMP)", "TRY_CAST(x AS DOUBLE)", "CAST(127 AS TINYINT)", "CAST('128' AS SMALLINT)", "[1, 2]::BIGINT[]", "st::STRUCT(a INTEGER, b VARCHAR)",
]  # fmt: skip
_TEXTS = [
    "length(s)", "upper(s)", "lower(t)", "upper('straße')", "lower('ΑΣ')", "s || t", "s || '-' || i", "s || NULL", "concat(s, t, i)", "concat(s, NULL)", "concat(NULL, NULL)", "lower('ABC')", "upper(NULL)", "length(NULL)", "regexp_matches(NULL, 'a')", "concat_ws('-', s, t, NULL)", "concat_ws(',', s, i)",
    "substring(s, 2)", "substring(s, 2, 2)", "substr(s, 1, 0)", "substr(s, 0, 2)", "substr(s, -2)", "substr(s, i)", "substring(s FROM 2 FOR 1)", "left(s, 2)", "right(s, 2)", "left(s, -1)", "s[1]",
    "strpos(s, 'b')", "strpos(s, t)", "position('b' IN s)", "instr(s, '')", "replace(s, 'b', 'X')", "replace(s, '', 'X')", "replace(s, t, 'X')", "trim(s)", "ltrim(s)", "rtrim(s)", "trim(s, 'a ')", "trim(BOTH ' ' FROM s)",
    "lpad(s, 5, '*')", "rpad(s, 2, '*')", "lpad(i::VARCHAR, 3, '0')", "lpad(s, i, 'x')", "repeat(s, 2)", "repeat(s, -1)", "reverse(s)", "starts_with(s, 'a')", "ends_with(s, 'c')", "contains(s, '%')", "contains(s, t)", "s ^@ 'a'",
    "split_part(s, '%', 1)", "split_part(s, '%', 2)", "split_part('a,b,c', ',', 5)", "split_part(s, ',', -1)", "string_split(s, '%')", "string_split('a.b..c', '.')", "md5(s)", "sha256(s)", "ascii(s)", "chr(65)", "hex(s)", "levenshtein(s, t)",
    "s LIKE 'a%'", "s LIKE 'a\\%b'", "s LIKE 'a\\\\b'", "s LIKE '%\\%'", "s LIKE 'a_b'", "s LIKE 'a!%b' ESCAPE '!'", "s NOT LIKE t ESCAPE '!'", "s LIKE 'a\\%b' ESCAPE '\\'", "s NOT LIKE '%b%'", "s LIKE t", "s LIKE NULL", "s ILIKE 'AB%'", "s ILIKE 'ÜN%'", "s LIKE ''", "s LIKE '%'", "s LIKE '__'", "t LIKE '\\'",
    "regexp_matches(s, '^a')", "regexp_matches(s, 'b$')", "regexp_matches(s, '[a-c]+\\d*')", "regexp_matches(s, 'a.b')", "regexp_matches(s, '\\s')", "regexp_matches(s, '(?i)ABC')", "regexp_matches(s, '\\bab')", "regexp_full_match(s, '[a-z]+')", "s ~ 'ab.'", "s SIMILAR TO 'a.*'", "s SIMILAR TO '(abc|ABC)'",
    "regexp_extract(s, 'b.*')", "regexp_extract(s, '(a)(.)', 2)", "regexp_extract(s, '(a)|(b)', 2)", "regexp_replace(s, '[ab]', 'X', 'g')", "regexp_replace(s, '[ab]', 'X')", "regexp_replace(s, 'b', '\\0', 'g')", "regexp_matches(s, t)",
    "'it''s'", "'a\\b'", "'two\nlines'", "'日本'", "''", "s = 'a\\b'", "char_length(s)", "strlen(s)", "length('🤦🏼‍♂️')", "left('🤦🏼‍♂️x', 2)", "s COLLATE NOCASE = 'abc'", "s GLOB 'a*'", "bar(s, 1, 2)",
]  # fmt: skip
_MOMENTS = [
    *(f"{name}({c})" for name in ("year", "month", "day", "quarter", "week", "isodow", "dayofweek", "dayofyear", "isoyear") for c in ("da", "ts")),
    *(f"{name}({c})" for name in ("hour", "minute", "second") for c in ("ts", "da", "tz")),
    *(f"date_trunc('{unit}', {c})" for unit in ("year", "quarter", "month", "week", "day", "hour", "minute", "second") for c in ("da", "ts")),
    *(f"date_trunc('{unit}', tz)" for unit in ("year", "month", "week", "day", "hour")),
    *(f"date_diff('{unit}', da, db)" for unit in ("day", "week", "month", "quarter", "year", "hour", "second")),
    *(f"date_diff('{unit}', da, ts)" for unit in ("day", "month", "hour", "minute")),
    "extract(year FROM da)", "date_part('dow', da)", "extract(epoch FROM ts)", "epoch(da)", "extract(millennium FROM da)", "epoch_ms(ts)", "year(tz)", "day(tz)", "month(tz)", "date_part('isodow', tz)",
    "db + 1", "db - 1", "1 + db", "da - db", "db - da", "ts - ts", "db + i", "db + INTERVAL 1 DAY", "db - INTERVAL 1 MONTH", "db + INTERVAL 1 YEAR", "ts + INTERVAL 1 MONTH", "ts - INTERVAL 90 MINUTE", "ts + INTERVAL '2 days'", "tz + INTERVAL 1 DAY", "tz - INTERVAL 3 HOUR",
    "db + INTERVAL (i) DAY", "db - (-INTERVAL 1 DAY)", "ts + (INTERVAL 1 DAY + INTERVAL 2 HOUR)", "ts - (INTERVAL 1 MONTH - INTERVAL 2 DAY)", "INTERVAL 2 DAY + db", "db + INTERVAL '+3 days'", "DATE '2024-01-01' + 3", "3 + DATE '2024-01-01'", "DATE '2024-01-01' - 3", "strftime(ts, '100%% %Y')", "ts - to_days(3)", "db + to_months(h // 1000)", "db + INTERVAL 1 WEEK", "ts + INTERVAL 1.5 DAY", "INTERVAL 1 DAY", "DATE '2024-01-31' + INTERVAL 1 MONTH", "DATE '2024-02-29' - INTERVAL 1 YEAR", "DATE '2024-01-31' + INTERVAL 1 MONTH + INTERVAL 1 DAY", "date_add(db, INTERVAL 5 DAY)",
    "da < DATE '2024-01-01' + INTERVAL 3 MONTH", "da >= TIMESTAMP '2024-01-01'", "ts >= DATE '2024-01-01'", "da > TIMESTAMP '2024-01-01 10:00:00'",
    "last_day(db)", "make_date(2024, 2, 29)", "make_date(year(db)::INT, 1, 1)", "strftime(da, '%Y-%m-%d')", "strftime(ts, '%Y-%m-%d %H:%M:%S')", "strftime(db, '%d/%m/%y')", "strftime(db, '%B %A %b %a')", "strftime(db, '%j|%-d.%-m.')", "strftime(ts, '%I %p %f')", "strftime(db, 'Week %V')", "strftime(db, 'q''x')", "strftime(tz, '%Y')",
    "dayname(db)", "monthname(db)", "strptime('2024-01-01', '%Y-%m-%d')", "age(ts)", "DATE '2024-02-29'", "TIMESTAMP '2024-02-29 01:02:03.004005'", "TIMESTAMPTZ '2024-02-29 01:02:03+02'", "TIMESTAMP '1969-12-31 23:59:59.999999'", "current_date > DATE '2020-01-01'", "now() > TIMESTAMPTZ '2020-01-01'",
    "CAST(now() AS DATE) > DATE '2020-01-01'", "TIME '10:00:00'", "to_timestamp(0)", "datesub('day', da, db)",
]  # fmt: skip
_FUNCTIONS = [
    *(f"round({c})" for c in ("x", "d", "e", "i", "g")), *(f"round({c}, 1)" for c in ("x", "d", "e", "i")), "round(x, 2)", "round(1.005::DOUBLE, 2)", "round(d, -1)", "round(x, -1)", "round(i, -1)", "round(d, 5)", "round(2.5)", "round(-2.5::DOUBLE)", "round(x, i)",
    *(f"{name}({c})" for name in ("floor", "ceil", "trunc", "sign") for c in ("x", "d", "e", "i")),
    *(f"{name}(x)" for name in ("sqrt", "ln", "log10", "log2", "exp", "cbrt", "sin", "atan", "radians", "isnan", "isinf", "isfinite")), "power(x, 2)", "x ** 2", "x ^ 2", "pow(i, 2)", "ln(i)", "ln(d)", "mod(i, 3)", "pi()", "atan2(x, y)", "isnan(g)", "sqrt(NULL)", "abs(NULL)", "sign(NULL)", "gcd(i, 2)", "factorial(3)",
    "l[1]", "l[-1]", "l[0]", "l[5]", "l[i]", "len(l)", "list_extract(l, -1)", "list_contains(l, 2)", "list_contains(l, NULL)", "[i, 2, 3]", "[1.5, d]", "['a', s]", "[]", "st.a", "st.b", "st['a']", "struct_extract(st, 'b')", "{'a': i, 'b': s}", "l", "st", "{'a': i}.a", "[i, 2][1]",
    "list_transform(l, lambda e: e + 1)", "list_filter(l, lambda e: e > 1)", "list_max(l)", "list_min(l)", "list_sum(l)", "list_sort(l)", "l[1:2]", "l = [1, 2]", "st.a + 1", "2 = ANY(l)", "len(list_filter(l, lambda e: e IS NULL))", "list_transform(l, lambda e: e * i)",
    "1", "1.5", "1e3", "-1", "5000000000", "50000000000000000000", "1.23456789012345678901", "NULL", "TRUE", "'nan'::DOUBLE", "'-inf'::DOUBLE", "0.1", ".5", "1e-7", "random() >= 0", "typeof(i)", "hash(i)",
    "(SELECT max(n) FROM w)", "(SELECT n FROM w WHERE w.id = 3)", "(SELECT max(w.n) FROM w WHERE w.id = v.id)", "(SELECT count(*) FROM w WHERE w.id = v.id)", "EXISTS (SELECT 1 FROM w WHERE w.id = v.id)", "NOT EXISTS (SELECT 1 FROM w WHERE w.id = v.id AND w.n > 1)",
    "i IN (SELECT id FROM w)", "i NOT IN (SELECT id FROM w WHERE id IS NOT NULL)", "i NOT IN (SELECT id FROM w)", "s IN (SELECT k FROM w)", "j IN (SELECT id FROM w)", "d IN (SELECT n FROM w)", "i = ANY (SELECT id FROM w)", "i <> ALL (SELECT id FROM w)", "i > ALL (SELECT n FROM w)", "x IN (SELECT f FROM w)",
    "(i, j) IN (SELECT id, n FROM w)", "(i, j) = (1, 2)", "i IN (SELECT n FROM nothing)", "i NOT IN (SELECT n FROM nothing)",
]  # fmt: skip

EXPRESSIONS: list[str] = [
    *_arithmetic(), *_comparisons(), *_CHOICES, *_CASTS, *_TEXTS, *_MOMENTS, *_FUNCTIONS,
]  # fmt: skip
"""Each is compared for every row of `v`."""

_AGGREGATES = [
    "count(*)", "count(i)", "count(DISTINCT i)", "count(DISTINCT x)", "sum(i)", "sum(j)", "sum(h)", "sum(x)", "sum(g)", "sum(d)", "sum(e)", "sum(b::INT)", "sum(DISTINCT i)", "sum(d * e)", "avg(i)", "avg(j)", "avg(d)", "avg(x)", "avg(DISTINCT d)",
    "min(i)", "max(x)", "min(x)", "max(y)", "min(y)", "min(s)", "max(s)", "max(da)", "min(ts)", "max(d)", "bool_and(b)", "bool_or(b)", "count_if(i > 1)", "arg_min(s, i)", "arg_max(s, j)", "arg_max(i, s)", "arg_max(s, x)", "max_by(s, id)", "any_value(1 + 1)", "any_value(s) IS NULL", "sum(b)", "bool_or(NULL)",
    "sum(i) FILTER (WHERE b)", "count(*) FILTER (WHERE x > 1)", "avg(d) FILTER (WHERE i > 0)", "arg_max(s, id) FILTER (WHERE i > 1)", "string_agg(s, ',' ORDER BY id)", "string_agg(s, '|' ORDER BY id DESC)", "string_agg(s, ',')", "string_agg(s, '-' ORDER BY id) FILTER (WHERE i > 0)", "list(i ORDER BY id)", "list(i)",
    "stddev(i)", "stddev_pop(d)", "var_samp(i)", "variance(h)", "median(i)", "quantile_cont(i, 0.5)", "approx_count_distinct(i)", "first(i ORDER BY id)", "bit_and(i)", "bit_or(i)", "sum(i) + count(*)", "sum(i) / count(*)", "sum(d) / sum(i)", "sum(d) * 2", "100.00 * sum(d) / sum(e)", "max(i) - min(i)", "sum(CASE WHEN b THEN 1 ELSE 0 END)",
    "coalesce(sum(i) FILTER (WHERE i > 1000), 0)", "count(l)", "min(l)", "corr(i, j)", "mode(i)", "sum(NULL)", "max(NULL)", "avg(i) > 1", "sum(i) > 10 AND min(s) < 'z'", "product(i)", "round(avg(d), 2)", "sum(x) FILTER (WHERE x < 100)", "histogram(i)",
]  # fmt: skip
_WINDOWS = [
    "row_number() OVER (ORDER BY id)", "row_number() OVER (PARTITION BY b ORDER BY id DESC)", "rank() OVER (ORDER BY i)", "dense_rank() OVER (ORDER BY i DESC NULLS FIRST)", "rank() OVER (ORDER BY x)", "rank() OVER (ORDER BY s DESC)", "percent_rank() OVER (ORDER BY i)", "cume_dist() OVER (ORDER BY i)", "ntile(3) OVER (ORDER BY id)",
    "lag(i) OVER (ORDER BY id)", "lead(s, 2) OVER (ORDER BY id)", "lag(i, 1, 0) OVER (ORDER BY id)", "lag(d, 1, 0) OVER (PARTITION BY b ORDER BY id)", "first_value(i) OVER (ORDER BY id)", "last_value(s) OVER (PARTITION BY b ORDER BY id)", "nth_value(i, 2) OVER (ORDER BY id)", "first_value(i IGNORE NULLS) OVER (ORDER BY id DESC)", "last_value(i IGNORE NULLS) OVER (ORDER BY id)", "lag(i IGNORE NULLS) OVER (ORDER BY id)", "first_value(i RESPECT NULLS) OVER (ORDER BY id)", "ntile(2) OVER (ORDER BY id)",
    "sum(i) OVER (ORDER BY id)", "sum(i) OVER ()", "sum(d) OVER (PARTITION BY b)", "avg(i) OVER (PARTITION BY b ORDER BY id)", "count(*) OVER (PARTITION BY b)", "max(x) OVER (PARTITION BY b ORDER BY id)", "sum(i) OVER (ORDER BY id ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING)", "sum(j) OVER (ORDER BY id ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)",
    "count(i) OVER (ORDER BY id ROWS 2 PRECEDING)", "sum(i) OVER (ORDER BY i RANGE BETWEEN 1 PRECEDING AND CURRENT ROW)", "sum(i) OVER (ORDER BY i)", "sum(i) OVER (ORDER BY x)", "min(s) OVER (ORDER BY id ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING)", "count(*) FILTER (WHERE i > 1) OVER (ORDER BY id)", "sum(i) FILTER (WHERE b) OVER (PARTITION BY h > 2)", "avg(d) OVER (ORDER BY id ROWS BETWEEN 2 PRECEDING AND CURRENT ROW)",
    "count(DISTINCT i) OVER ()", "sum(i) OVER w", "sum(i) OVER (ORDER BY 1, id)", "row_number() OVER (w ORDER BY id)", "rank() OVER ()", "count(*) OVER (ORDER BY i GROUPS 1 PRECEDING)", "sum(i) OVER (ORDER BY id EXCLUDE CURRENT ROW)", "arg_max(s, id) OVER (PARTITION BY b)", "row_number() OVER (ORDER BY id) * 3000000000", "sum(i) OVER (PARTITION BY b ORDER BY id DESC) - i", "lag(db) OVER (ORDER BY id) + 1",
]  # fmt: skip

WINDOWS: list[str] = _WINDOWS
"""Expressions with OVER, of a SELECT with `WINDOW w AS (PARTITION BY b)`."""
AGGREGATES: list[str] = _AGGREGATES
"""Compared over all rows of `v`, over none, and by group."""

QUERIES: list[str] = [
    "SELECT string_agg(s, '|' ORDER BY id DESC), sum(DISTINCT i) FILTER (WHERE i > 0) FROM v", "SELECT string_agg(s, '|' ORDER BY id), sum(DISTINCT i), count(DISTINCT j) FROM v",
    "SELECT * FROM v ORDER BY id", "SELECT v.* FROM v ORDER BY v.id DESC LIMIT 3", "SELECT id, i FROM v ORDER BY i, id", "SELECT id, i FROM v ORDER BY i DESC, id", "SELECT id, i FROM v ORDER BY i NULLS FIRST, id DESC LIMIT 5 OFFSET 2", "SELECT id, x FROM v ORDER BY x, id", "SELECT id, x FROM v ORDER BY x DESC NULLS FIRST, id",
    "SELECT id, s FROM v ORDER BY s, id", "SELECT id, b FROM v ORDER BY b DESC, id", "SELECT id FROM v ORDER BY d + e, id", "SELECT id, i + 1 AS n FROM v ORDER BY n, id", "SELECT -i AS id, id AS i FROM v ORDER BY i", "SELECT id AS k FROM v ORDER BY -k", "FROM v SELECT id ORDER BY id LIMIT 2", "FROM w ORDER BY ALL", "SELECT id, n FROM w ORDER BY ALL DESC",
    "SELECT * EXCLUDE (l, st) FROM v ORDER BY id", "SELECT * REPLACE (i + 1 AS i) FROM v ORDER BY id", "SELECT * RENAME (i AS ii) FROM v ORDER BY id", "SELECT COLUMNS('^(i|j|h)$') FROM v ORDER BY id", "SELECT max(COLUMNS('^(i|j|h)$')) FROM v", "SELECT w.*, 1 AS one FROM w ORDER BY ALL",
    "SELECT id + 1 AS q, q * 2 AS r FROM v WHERE q > 3 ORDER BY q", "SELECT i AS a, i AS a FROM v ORDER BY id", "SELECT * FROM (SELECT 1 AS a, 2 AS a)", "SELECT 1, 'x', NULL", "SELECT i % 2 AS s, count(*) AS c FROM v GROUP BY i % 2 HAVING s > 0", "SELECT b AS q, max(i) AS i FROM v GROUP BY b HAVING i > 5",
    "SELECT b, count(*), sum(i) FROM v GROUP BY b ORDER BY b", "SELECT b, s IS NULL AS z, count(*) FROM v GROUP BY ALL ORDER BY ALL", "SELECT b, count(*) AS c FROM v GROUP BY 1 ORDER BY 2 DESC, 1", "SELECT i % 3 AS m, sum(j) FROM v GROUP BY m ORDER BY m", "SELECT x, count(*) FROM v GROUP BY x ORDER BY x", "SELECT y, count(*) FROM v GROUP BY y ORDER BY y", "SELECT b, count(*) FROM v GROUP BY b HAVING count(*) > 3 ORDER BY b", "SELECT b FROM v GROUP BY b HAVING sum(i) > 5 ORDER BY sum(i)",
    "SELECT 'k' AS k, count(*) FROM v GROUP BY k", "SELECT count(*) FROM v HAVING count(*) > 100", "SELECT b, h > 1 AS g, count(*) FROM v GROUP BY ROLLUP (b, h > 1) ORDER BY ALL", "SELECT b, h > 1 AS g, count(*) FROM v GROUP BY CUBE (b, h > 1) ORDER BY ALL", "SELECT b, i, sum(j) FROM v GROUP BY GROUPING SETS ((b), (i), (b, i), ()) ORDER BY ALL", "SELECT b, grouping(b) AS g, count(*) FROM v GROUP BY ROLLUP (b) ORDER BY ALL", "SELECT b, h > 1 AS g, sum(i) AS si FROM v GROUP BY b, ROLLUP (h > 1) ORDER BY ALL", "SELECT b, sum(i) FROM v GROUP BY ROLLUP (b) HAVING sum(i) > 0 ORDER BY ALL", "SELECT n, count(*) FROM nothing GROUP BY ROLLUP (n)", "SELECT n, count(*), grouping(n) FROM nothing GROUP BY GROUPING SETS ((n), ())", "SELECT b, count(*) FROM v GROUP BY GROUPING SETS ((b)) HAVING b IS NOT NULL", "SELECT coalesce(b, TRUE), count(*) FROM v GROUP BY ROLLUP (b)",
    "SELECT DISTINCT b FROM v ORDER BY b", "SELECT DISTINCT x FROM v ORDER BY x", "SELECT DISTINCT i % 2 AS p, b FROM v ORDER BY ALL", "SELECT DISTINCT ON (b) b, id, s FROM v ORDER BY b, id DESC", "SELECT DISTINCT ON (i % 3) id FROM v ORDER BY i % 3, id", "SELECT DISTINCT ON (b) b, id FROM v", "SELECT DISTINCT l FROM v", "SELECT DISTINCT st FROM v", "SELECT count(*) FROM (SELECT DISTINCT s, t FROM v)",
    "SELECT id FROM v QUALIFY row_number() OVER (PARTITION BY b ORDER BY id DESC) = 1 ORDER BY id", "SELECT id, rank() OVER (ORDER BY i) AS r FROM v QUALIFY r <= 3 ORDER BY r, id", "SELECT b, sum(i) AS si FROM v GROUP BY b QUALIFY row_number() OVER (ORDER BY sum(i) DESC) = 1", "SELECT DISTINCT b FROM v QUALIFY count(*) OVER (PARTITION BY b) > 3 ORDER BY b", "SELECT id FROM v WHERE i > 0 QUALIFY sum(i) OVER (ORDER BY id) > 5 ORDER BY x, id LIMIT 2",
    "SELECT b, sum(i), rank() OVER (ORDER BY sum(i) DESC) AS r FROM v GROUP BY b ORDER BY r, b", "SELECT b, sum(sum(i)) OVER (ORDER BY b) AS t FROM v GROUP BY b ORDER BY b", "SELECT id, sum(i) OVER (PARTITION BY b ORDER BY id) AS q FROM v ORDER BY q, id",
    "SELECT v.id, w.n FROM v JOIN w ON v.id = w.id ORDER BY ALL", "SELECT v.id, w.n FROM v LEFT JOIN w ON v.id = w.id AND w.n > 1 ORDER BY ALL", "SELECT v.id, w.n FROM v RIGHT JOIN w ON v.id = w.id ORDER BY ALL", "SELECT v.id, w.id FROM v FULL JOIN w ON v.id = w.id ORDER BY ALL", "SELECT v.id, w.id FROM v, w WHERE v.id = w.id ORDER BY ALL", "SELECT count(*) FROM v CROSS JOIN w", "SELECT id, i, n FROM v JOIN w USING (id) ORDER BY ALL", "SELECT id, i, n FROM v FULL JOIN w USING (id) ORDER BY ALL", "SELECT id, n FROM v RIGHT JOIN w USING (id) ORDER BY ALL",
    "SELECT * FROM w JOIN u USING (k) ORDER BY ALL", "SELECT * FROM w FULL JOIN u USING (k) ORDER BY ALL", "SELECT * FROM w NATURAL JOIN u ORDER BY ALL", "SELECT w.*, u.p FROM w LEFT JOIN u USING (k, n) ORDER BY ALL", "SELECT * FROM w SEMI JOIN u USING (k) ORDER BY ALL", "SELECT * FROM w ANTI JOIN u ON w.k = u.k ORDER BY ALL", "SELECT v.id FROM v SEMI JOIN w ON v.id = w.id AND w.n > 1 JOIN u ON u.n = v.id ORDER BY ALL",
    "SELECT a.id, c.p FROM v a JOIN w b ON a.id = b.id LEFT JOIN u c ON c.k = b.k ORDER BY ALL", "SELECT a.id FROM v a JOIN (w b JOIN u c ON b.k = c.k) ON a.id = b.id ORDER BY ALL", "SELECT a.id, b.id FROM v a JOIN v b ON a.i = b.i AND a.id < b.id ORDER BY ALL", "SELECT a.id, b.id FROM v a JOIN v b ON a.x = b.y ORDER BY ALL", "SELECT a.id, w.f FROM v a JOIN w ON a.x = w.f ORDER BY ALL", "SELECT a.id, w.n FROM v a JOIN w ON a.x > w.n ORDER BY ALL", "SELECT a.id, b.id FROM v a JOIN v b ON a.i IS NOT DISTINCT FROM b.i ORDER BY ALL",
    "SELECT a.id, q.m FROM v a, LATERAL (SELECT max(w.n) AS m FROM w WHERE w.id = a.id) q ORDER BY ALL", "SELECT a.id, b.n FROM v a ASOF JOIN w b ON a.id >= b.id", "SELECT * FROM w POSITIONAL JOIN u", "SELECT w.n, u.n FROM w JOIN u ON w.k = u.k WHERE u.p > 0 ORDER BY ALL",
    "SELECT id, u.e FROM v, UNNEST(l) AS u(e) ORDER BY ALL", "SELECT id, unnest(l) AS e FROM v ORDER BY ALL", "SELECT * FROM (SELECT id, unnest(l) AS e FROM v) WHERE e > 1 ORDER BY ALL", "SELECT unnest([3, 1, 2]) AS e ORDER BY e", "SELECT id, (SELECT sum(e) FROM UNNEST(v.l) q(e)) AS total FROM v ORDER BY id", "SELECT e FROM UNNEST([1, 2, NULL]) AS q(e) ORDER BY e",
    "SELECT id FROM v UNION SELECT n FROM w ORDER BY 1", "SELECT id FROM w UNION ALL SELECT n FROM u ORDER BY 1", "SELECT id FROM v EXCEPT SELECT id FROM w ORDER BY 1", "SELECT id FROM w EXCEPT ALL SELECT 2 ORDER BY 1", "SELECT id FROM w INTERSECT ALL SELECT id FROM v ORDER BY 1", "SELECT id FROM v INTERSECT SELECT id FROM w ORDER BY 1", "SELECT i FROM v UNION ALL SELECT d FROM v ORDER BY 1", "SELECT i FROM v UNION SELECT x FROM v ORDER BY 1", "SELECT x FROM v UNION SELECT y FROM v ORDER BY 1", "SELECT x FROM v EXCEPT SELECT y FROM v ORDER BY 1", "SELECT x FROM v INTERSECT SELECT y FROM v ORDER BY 1", "SELECT k FROM w UNION SELECT k FROM u ORDER BY k DESC LIMIT 3", "SELECT k FROM w UNION ALL SELECT NULL ORDER BY k", "SELECT 1 AS a UNION ALL SELECT 2.5 ORDER BY a",
    "SELECT id, k FROM w UNION ALL BY NAME SELECT k, p FROM u ORDER BY ALL", "SELECT k FROM w UNION BY NAME SELECT n FROM u ORDER BY ALL", "(SELECT id FROM v ORDER BY id LIMIT 2) UNION ALL (SELECT id FROM w ORDER BY id LIMIT 1) ORDER BY id", "SELECT id FROM w UNION SELECT 1 UNION ALL SELECT 1 ORDER BY id", "SELECT id FROM v WHERE id IN (SELECT id FROM w UNION SELECT n FROM u) ORDER BY id", "SELECT k, count(*) FROM (SELECT k FROM w UNION ALL SELECT k FROM u) GROUP BY k ORDER BY k", "SELECT i FROM v UNION ALL SELECT s FROM v", "SELECT da FROM v UNION ALL SELECT ts FROM v ORDER BY 1",
    "WITH c AS (SELECT * FROM v WHERE i > 0) SELECT count(*), sum(i) FROM c", "WITH c(a, q) AS (SELECT id, i FROM v), e AS (SELECT a FROM c WHERE q > 1) SELECT * FROM e ORDER BY a", "WITH w AS (SELECT id FROM v) SELECT count(*) FROM w", "WITH v AS (SELECT id, i FROM v WHERE i > 2) SELECT * FROM v ORDER BY id", "WITH c AS MATERIALIZED (SELECT id FROM w) SELECT a.id FROM c a JOIN c b ON a.id = b.id + 1 ORDER BY ALL", "WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r WHERE n < 3) SELECT * FROM r", "SELECT * FROM (WITH z AS (SELECT 1 AS a) SELECT a FROM z)",
    "VALUES (1, 'a'), (2, NULL)", "SELECT * FROM (VALUES (1, 'a'), (2.5, NULL)) AS q(n, s) ORDER BY n", "SELECT v.id, q.x FROM v JOIN (VALUES (1), (2), (NULL)) q(x) ON v.id = q.x ORDER BY ALL", "SELECT col0 FROM (VALUES (1), (2)) ORDER BY 1",
    "SELECT id FROM v WHERE i > (SELECT avg(i) FROM v) ORDER BY id", "SELECT id FROM v o WHERE j > (SELECT avg(j) FROM v p WHERE p.b = o.b) ORDER BY id", "SELECT id FROM v o WHERE i = (SELECT max(n) FROM w WHERE w.k = o.s) ORDER BY id", "SELECT id FROM v WHERE EXISTS (SELECT * FROM w WHERE w.k = v.s AND w.n <> v.i) ORDER BY id", "SELECT id FROM v WHERE id NOT IN (SELECT id FROM w WHERE id IS NOT NULL) ORDER BY id", "SELECT id FROM v WHERE i NOT IN (SELECT id FROM w) ORDER BY id", "SELECT id FROM v WHERE i IN (SELECT id FROM w) OR s IN (SELECT k FROM w) ORDER BY id", "SELECT id FROM v WHERE NOT (i IN (SELECT id FROM w WHERE id IS NOT NULL) AND b) ORDER BY id", "SELECT id FROM v WHERE i NOT IN (SELECT id FROM w WHERE id IS NOT NULL) AND j > 0 ORDER BY id", "SELECT id FROM v WHERE i <> ALL (SELECT id FROM w WHERE id IS NOT NULL) ORDER BY id", "SELECT id FROM v WHERE i = ANY (SELECT id FROM w) AND b ORDER BY id", "SELECT id FROM v WHERE NOT (i = ANY (SELECT id FROM w WHERE id > 1)) ORDER BY id", "SELECT (SELECT count(*) FROM w WHERE n < v.i) AS c, id FROM v ORDER BY id", "SELECT n, (SELECT max(k) FROM u WHERE u.n = o.n) AS m FROM (SELECT DISTINCT n FROM w) o ORDER BY n",
    "SELECT st.a, st.b FROM v WHERE st.a > 3 ORDER BY id", "SELECT v.st.a FROM v ORDER BY v.id", "SELECT l[1] AS f FROM v ORDER BY id", "SELECT id FROM v LIMIT 0", "SELECT id FROM v ORDER BY id OFFSET 10", "(SELECT id FROM v) ORDER BY id LIMIT 2", "SELECT b, i, count(*) FROM v GROUP BY CUBE (b, i) ORDER BY ALL", "SELECT count(*) FROM v GROUP BY GROUPING SETS (())", "SELECT NULL AS a UNION ALL SELECT NULL", "SELECT DISTINCT ON (1) b, id FROM v ORDER BY b, id", "SELECT COLUMNS(*) FROM w ORDER BY ALL", "SELECT id FROM v ORDER BY 1 + 1, id", "SELECT unnest(l) AS e, (SELECT 1) AS o FROM v ORDER BY e", "SELECT id, unnest([st]) AS r FROM v ORDER BY id", "SELECT id FROM v ORDER BY id LIMIT 10%", "SELECT * FROM v TABLESAMPLE 50%", "PIVOT w ON n IN (1, 2) USING count(*)", "SELECT i FROM v WHERE b ORDER BY i DESC LIMIT 1", "SELECT sum(i) FROM v WHERE FALSE", "SELECT count(*) FROM nothing", "SELECT max(n), count(n) FROM nothing", "SELECT id, sum(n) FROM nothing GROUP BY id", "SELECT V.ID, \"I\" FROM V ORDER BY Id", "SELECT count(*) AS \"count\", sum(i) AS \"select\" FROM v", "SELECT id AS \"we`ird \"\"name\" FROM v ORDER BY 1 LIMIT 1", "SELECT i FROM v WHERE NULL", "SELECT 1 WHERE 1 = 2", "SELECT t.id FROM v AS t WHERE t.i BETWEEN 1 AND 7 AND t.s IS NOT NULL ORDER BY t.id",
    "SELECT x.b, x.c FROM (SELECT b, count(*) AS c FROM v GROUP BY b) AS x WHERE x.c > 2 ORDER BY ALL", "SELECT avg(c) FROM (SELECT count(*) AS c FROM v GROUP BY b)", "SELECT sum(x) FROM (SELECT i AS x FROM v UNION ALL SELECT j FROM v)", "SELECT b, string_agg(s, ',' ORDER BY id) AS a FROM v GROUP BY b ORDER BY b", "SELECT b, arg_max(s, id), count_if(i > 1) FROM v GROUP BY b ORDER BY b", "SELECT id, CASE WHEN id > 5 THEN 'x' END AS c FROM v ORDER BY c, id", "SELECT id FROM v WHERE s LIKE 'a%' OR t ILIKE '%A%' ORDER BY id", "SELECT median(i) FROM v", "SELECT id FROM v ORDER BY random()",
]  # fmt: skip
"""Whole queries. One with ORDER BY is compared row by row."""
