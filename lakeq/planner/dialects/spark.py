"""What the functions of Spark are in DuckDB: Spark 4, whose arithmetic and casts fail rather than overflow
or give NULL (spark.sql.ansi.enabled). Source: spark.apache.org/docs/latest/api/sql, and Spark 4 itself."""

SIGNATURES = r"""
# conditions
ifnull(x...) -> x = coalesce(x)
nvl(x...) -> x = coalesce(x)
nvl2(a, b, c) -> ? = CASE WHEN a IS NOT NULL THEN b ELSE c END
isnull(x) -> BOOLEAN = x IS NULL
isnotnull(x) -> BOOLEAN = x IS NOT NULL
greatest(x...) -> x = greatest(x)
least(x...) -> x = least(x)
grouping(x) -> INTEGER = grouping(x)

# aggregates
count_if(x boolean) -> BIGINT = count_if(x)
mean(x integer) -> DOUBLE = avg(x)
mean(x double) -> DOUBLE = avg(x)
min(x) -> x = min(x)
max(x) -> x = max(x)
first(x) -> x = first(x)
last(x) -> x = last(x)
bool_and(x boolean) -> BOOLEAN = bool_and(x)
bool_or(x boolean) -> BOOLEAN = bool_or(x)
every(x boolean) -> BOOLEAN = bool_and(x)
some(x boolean) -> BOOLEAN = bool_or(x)
# the lists of Spark leave NULLs out
collect_list(x) -> x[] = list(x) FILTER (WHERE x IS NOT NULL)
array_agg(x) -> x[] = list(x) FILTER (WHERE x IS NOT NULL)
string_agg(x text, d text) -> VARCHAR = string_agg(x, d)
approx_count_distinct(x) -> BIGINT = count(DISTINCT x)
percentile_approx(x number, p number) -> x = quantile_disc(x, p)
percentile_approx(x number, p number, a integer) -> x = quantile_disc(x, p)
percentile(x number, p number) -> DOUBLE = quantile_cont(CAST(x AS DOUBLE), p)
median(x number) -> DOUBLE = median(CAST(x AS DOUBLE))

# windows
row_number() -> INTEGER = row_number()
rank() -> INTEGER = rank()
dense_rank() -> INTEGER = dense_rank()
ntile(n integer) -> INTEGER = ntile(n)

# numbers
ceil(x integer) -> BIGINT = x
ceil(x double) -> BIGINT = CAST(ceil(x) AS BIGINT)
ceil(x decimal) -> DECIMAL = ceil(x)
ceiling(x double) -> BIGINT = CAST(ceil(x) AS BIGINT)
ceiling(x decimal) -> DECIMAL = ceil(x)
floor(x integer) -> BIGINT = x
floor(x double) -> BIGINT = CAST(floor(x) AS BIGINT)
floor(x decimal) -> DECIMAL = floor(x)
round(x integer) -> x = x
round(x decimal) -> DECIMAL = round(x)
round(x double) -> x = round(x)
round(x decimal, n integer) -> DECIMAL = round(x, n)
# Java rounds the digits that it prints
round(x double, n positive) -> x = CASE WHEN abs(x) < 1e15 THEN CAST(round(CAST(CAST(x AS VARCHAR) AS DECIMAL(38, 16)), n) AS DOUBLE) ELSE round(x, n) END
mod(a integer, b integer) -> a = a % b
# of what has no logarithm Spark gives NULL, and not an error
ln(x number) -> DOUBLE = CASE WHEN x > 0 THEN ln(x) END
log(x number) -> DOUBLE = CASE WHEN x > 0 THEN ln(x) END
log2(x number) -> DOUBLE = CASE WHEN x > 0 THEN log2(x) END
log10(x number) -> DOUBLE = CASE WHEN x > 0 THEN log10(x) END
sign(x number) -> DOUBLE = CAST(sign(x) AS DOUBLE)
signum(x number) -> DOUBLE = CAST(sign(x) AS DOUBLE)
pi() -> DOUBLE = pi()
e() -> DOUBLE = exp(1)
degrees(x number) -> DOUBLE = degrees(x)
radians(x number) -> DOUBLE = radians(x)
random() -> DOUBLE = random()
isnan(x double) -> BOOLEAN = coalesce(isnan(x), false)
try_divide(a integer, b integer) -> DOUBLE = CASE WHEN b <> 0 THEN a / b END
try_divide(a double, b number) -> DOUBLE = CASE WHEN b <> 0 THEN a / b END
int(x integer) -> INTEGER = CAST(x AS INTEGER)
int(x text) -> INTEGER = CAST(x AS INTEGER)
int(x exact) -> INTEGER = CAST(trunc(x) AS INTEGER)
int(x double) -> INTEGER = CAST(trunc(x) AS INTEGER)
double(x number) -> DOUBLE = CAST(x AS DOUBLE)
double(x text) -> DOUBLE = CAST(x AS DOUBLE)

# texts
concat(a array, b array) -> a = a || b
concat(x... text) -> VARCHAR = CASE WHEN len([x]) = list_count([x]) THEN concat(x) END
concat_ws(d text, x... text) -> VARCHAR = concat_ws(d, x)
length(s text) -> INTEGER = length(s)
char_length(s text) -> INTEGER = length(s)
ucase(s text) -> VARCHAR = upper(s)
lcase(s text) -> VARCHAR = lower(s)
reverse(s text) -> VARCHAR = reverse(s)
trim(s text) -> VARCHAR = trim(s, ' ')
ltrim(s text) -> VARCHAR = ltrim(s, ' ')
rtrim(s text) -> VARCHAR = rtrim(s, ' ')
trim_leading(s text, c text) -> VARCHAR = ltrim(s, c)
trim_trailing(s text, c text) -> VARCHAR = rtrim(s, c)
# from 0 is from 1; from before the beginning counts the characters that are not there
substr(s text, i positive) -> VARCHAR = substr(s, i)
substr(s text, i integer) -> VARCHAR = substr(s, i)
substr(s text, i positive, n positive) -> VARCHAR = substr(s, i, n)
substr(s text, '0', n positive) -> VARCHAR = substr(s, 1, n)
substring(s text, '0', n positive) -> VARCHAR = substr(s, 1, n)
substring(s text, i positive) -> VARCHAR = substr(s, i)
substring(s text, i integer) -> VARCHAR = substr(s, i)
substring(s text, i positive, n positive) -> VARCHAR = substr(s, i, n)
left(s text, n positive) -> VARCHAR = left(s, n)
right(s text, n positive) -> VARCHAR = right(s, n)
instr(s text, part text) -> INTEGER = strpos(s, part)
locate(part text, s text) -> INTEGER = strpos(s, part)
strpos(s text, part text) -> INTEGER = strpos(s, part)
startswith(s text, part text) -> BOOLEAN = starts_with(s, part)
endswith(s text, part text) -> BOOLEAN = ends_with(s, part)
contains(s text, part text) -> BOOLEAN = contains(s, part)
replace(s text, a text) -> VARCHAR = replace(s, a, '')
replace(s text, a text, b text) -> VARCHAR = replace(s, a, b)
lpad(s text, n positive, c text) -> VARCHAR = lpad(s, n, c)
rpad(s text, n positive, c text) -> VARCHAR = rpad(s, n, c)
repeat(s text, n integer) -> VARCHAR = repeat(s, n)
split_part(s text, d text, i positive) -> VARCHAR = split_part(s, d, i)
# a pattern, where DuckDB's takes a text
split(s text, p literal) -> VARCHAR[] = string_split_regex(s, p)
ascii(s text) -> INTEGER = CASE WHEN s = '' THEN 0 ELSE unicode(s) END
translate(s text, a text, b text) -> VARCHAR = translate(s, a, b)
levenshtein(a text, b text) -> INTEGER = levenshtein(a, b)
md5(s text) -> VARCHAR = md5(s)
sha1(s text) -> VARCHAR = sha1(s)
sha2(s text, '256') -> VARCHAR = sha256(s)
initcap(s text) -> VARCHAR = array_to_string(list_transform(string_split(lower(s), ' '), lambda w : upper(left(w, 1)) || substr(w, 2)), ' ')

# patterns: without a match '', as in DuckDB; the group is 1 unless it is said
rlike(s text, p text) -> BOOLEAN = regexp_matches(s, p)
regexp(s text, p text) -> BOOLEAN = regexp_matches(s, p)
regexp_like(s text, p text) -> BOOLEAN = regexp_matches(s, p)
regexp_extract(s text, p text) -> VARCHAR = regexp_extract(s, p, 1)
regexp_extract(s text, p text, g integer) -> VARCHAR = regexp_extract(s, p, g)
regexp_extract_all(s text, p text) -> VARCHAR[] = regexp_extract_all(s, p, 1)
regexp_replace(s text, p text, r literal) -> VARCHAR = regexp_replace(s, p, java_replacement(r), 'g')
regexp_count(s text, p text) -> INTEGER = len(regexp_extract_all(s, p))

# JSON
get_json_object(j text, p literal) -> VARCHAR = json_extract_string(j, json_path(p))

# dates and times
date(x moment) -> DATE = CAST(x AS DATE)
date(x text) -> DATE = CAST(x AS DATE)
to_date(x moment) -> DATE = CAST(x AS DATE)
to_date(x text) -> DATE = CAST(x AS DATE)
to_date(s text, f literal) -> DATE = CAST(strptime(s, java_format(f)) AS DATE)
timestamp(x text) -> TIMESTAMPTZ = timezone('UTC', CAST(x AS TIMESTAMP))
to_timestamp(x text) -> TIMESTAMPTZ = timezone('UTC', CAST(x AS TIMESTAMP))
to_timestamp(s text, f literal) -> TIMESTAMPTZ = timezone('UTC', strptime(s, java_format(f)))
year(x moment) -> INTEGER = year(x)
quarter(x moment) -> INTEGER = quarter(x)
month(x moment) -> INTEGER = month(x)
weekofyear(x moment) -> INTEGER = weekofyear(x)
day(x moment) -> INTEGER = day(x)
dayofmonth(x moment) -> INTEGER = day(x)
dayofweek(x moment) -> INTEGER = dayofweek(x) + 1
weekday(x moment) -> INTEGER = isodow(x) - 1
dayofyear(x moment) -> INTEGER = dayofyear(x)
hour(x timestamp) -> INTEGER = hour(x)
minute(x timestamp) -> INTEGER = minute(x)
second(x timestamp) -> INTEGER = second(x)
year(x text) -> INTEGER = year(CAST(x AS DATE))
month(x text) -> INTEGER = month(CAST(x AS DATE))
day(x text) -> INTEGER = day(CAST(x AS DATE))
hour(x text) -> INTEGER = hour(CAST(x AS TIMESTAMP))
extract('year', x moment) -> INTEGER = year(x)
extract('quarter', x moment) -> INTEGER = quarter(x)
extract('month', x moment) -> INTEGER = month(x)
extract('week', x moment) -> INTEGER = weekofyear(x)
extract('day', x moment) -> INTEGER = day(x)
extract('hour', x timestamp) -> INTEGER = hour(x)
extract('minute', x timestamp) -> INTEGER = minute(x)
last_day(x moment) -> DATE = last_day(x)
make_date(y integer, m integer, d integer) -> DATE = make_date(y, m, d)
date_add(x moment, n integer) -> DATE = CAST(x AS DATE) + CAST(n AS INTEGER)
date_add(x text, n integer) -> DATE = CAST(x AS DATE) + CAST(n AS INTEGER)
date_sub(x moment, n integer) -> DATE = CAST(x AS DATE) - CAST(n AS INTEGER)
date_sub(x text, n integer) -> DATE = CAST(x AS DATE) - CAST(n AS INTEGER)
add_months(x moment, n integer) -> DATE = CAST(CAST(x AS DATE) + to_months(n) AS DATE)
datediff(b moment, a moment) -> INTEGER = CAST(b AS DATE) - CAST(a AS DATE)
datediff(b text, a text) -> INTEGER = CAST(b AS DATE) - CAST(a AS DATE)
datediff(b moment, a text) -> INTEGER = CAST(b AS DATE) - CAST(a AS DATE)
datediff(b text, a moment) -> INTEGER = CAST(b AS DATE) - CAST(a AS DATE)
date_diff(b moment, a moment) -> INTEGER = CAST(b AS DATE) - CAST(a AS DATE)
trunc(x date, 'year') -> DATE = CAST(date_trunc('year', x) AS DATE)
trunc(x date, 'quarter') -> DATE = CAST(date_trunc('quarter', x) AS DATE)
trunc(x date, 'month') -> DATE = CAST(date_trunc('month', x) AS DATE)
trunc(x date, 'mm') -> DATE = CAST(date_trunc('month', x) AS DATE)
trunc(x date, 'week') -> DATE = CAST(date_trunc('week', x) AS DATE)
date_trunc(u unit, x moment) -> TIMESTAMPTZ = timezone('UTC', CAST(date_trunc(u, x) AS TIMESTAMP))
date_format(x moment, f literal) -> VARCHAR = strftime(x, java_format(f))
from_unixtime(n integer) -> VARCHAR = strftime(timezone('UTC', to_timestamp(n)), '%Y-%m-%d %H:%M:%S')
from_unixtime(n integer, f literal) -> VARCHAR = strftime(timezone('UTC', to_timestamp(n)), java_format(f))
unix_timestamp(x date) -> BIGINT = CAST(epoch(x) AS BIGINT)
unix_timestamp(x clock) -> BIGINT = CAST(epoch(x) AS BIGINT)
to_unix_timestamp(x moment) -> BIGINT = CAST(epoch(x) AS BIGINT)
timestamp_seconds(n number) -> TIMESTAMPTZ = to_timestamp(n)
from_utc_timestamp(x timestamp, z text) -> LOCAL = timezone(z, timezone('UTC', x))
now() -> TIMESTAMPTZ = now()
current_date() -> DATE = CAST(timezone('UTC', now()) AS DATE)
curdate() -> DATE = CAST(timezone('UTC', now()) AS DATE)

# arrays and maps: from 0 in brackets, from 1 in element_at
subscript(a array, i integer) -> item of a = CASE WHEN i >= 0 THEN list_extract(a, i + 1) END
subscript(m map, k) -> item of m = map_extract_value(m, k)
element_at(a array, i integer) -> item of a = list_extract(a, i)
element_at(m map, k) -> item of m = map_extract_value(m, k)
array(x...) -> x[] = [x]
array() -> ? = []
size(a array) -> INTEGER = len(a)
size(m map) -> INTEGER = cardinality(m)
cardinality(a array) -> INTEGER = len(a)
array_size(a array) -> INTEGER = len(a)
array_contains(a array, x) -> BOOLEAN = CASE WHEN list_contains(a, x) THEN true WHEN len(a) = list_count(a) AND x IS NOT NULL THEN false END
array_position(a array, x) -> BIGINT = CASE WHEN a IS NOT NULL AND x IS NOT NULL THEN coalesce(list_position(a, x), 0) END
array_join(a array, d text) -> VARCHAR = array_to_string(a, d)
array_max(a array) -> item of a = list_max(a)
array_min(a array) -> item of a = list_min(a)
array_distinct(a array) -> a = list_filter(a, lambda e, i : list_position(a, e) = i)
sort_array(a array) -> a = list_sort(a, 'ASC', 'NULLS FIRST')
array_sort(a array) -> a = list_sort(a, 'ASC', 'NULLS LAST')
slice(a array, i positive, n positive) -> a = list_slice(a, i, i + n - 1)
sequence(a integer, b integer) -> BIGINT[] = generate_series(a, b, CASE WHEN a <= b THEN 1 ELSE -1 END)
sequence(a integer, b integer, n integer) -> BIGINT[] = generate_series(a, b, n)
sequence(a date, b date) -> DATE[] = CAST(generate_series(a, b, to_days(CASE WHEN a <= b THEN 1 ELSE -1 END)) AS DATE[])
sequence(a date, b date, n days) -> DATE[] = CAST(generate_series(a, b, n) AS DATE[])
transform(a array, f lambda) -> ? = list_transform(a, f)
filter(a array, f lambda) -> a = list_filter(a, f)
flatten(a array) -> item of a = flatten(a)
explode(a array) -> item of a = unnest(a)
map_from_arrays(k array, v array) -> map of k, v = map(k, v)
map_keys(m map) -> ? = map_keys(m)
map_values(m map) -> ? = map_values(m)
"""
