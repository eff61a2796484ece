"""What the functions of Trino, and so of Athena, are in DuckDB. Source: trino.io/docs/current/functions."""

SIGNATURES = r"""
# conditions
try(x) -> x = try(x)
# Trino gives NULL where one is NULL; DuckDB passes over it
greatest(x...) -> x = CASE WHEN len([x]) = list_count([x]) THEN greatest(x) END
least(x...) -> x = CASE WHEN len([x]) = list_count([x]) THEN least(x) END
grouping(x...) -> BIGINT = grouping(x)

# aggregates
count_if(x boolean) -> BIGINT = count_if(x)
min(x) -> x = min(x)
max(x) -> x = max(x)
min(x, n integer) -> x[] = min(x, n)
max(x, n integer) -> x[] = max(x, n)
arbitrary(x) -> x = any_value(x)
any_value(x) -> x = any_value(x)
bool_and(x boolean) -> BOOLEAN = bool_and(x)
bool_or(x boolean) -> BOOLEAN = bool_or(x)
every(x boolean) -> BOOLEAN = bool_and(x)
array_agg(x) -> x[] = array_agg(x)
string_agg(x text, d text) -> VARCHAR = string_agg(x, d)
geometric_mean(x number) -> DOUBLE = geomean(x)
histogram(x) -> ? = histogram(x)
# exact, and so within the error that Trino allows itself
approx_distinct(x) -> BIGINT = count(DISTINCT x)
approx_distinct(x, e number) -> BIGINT = count(DISTINCT x)
approx_percentile(x number, p array) -> x[] = quantile_disc(x, p)
approx_percentile(x number, p number) -> x = quantile_disc(x, p)
covar_pop(y number, x number) -> DOUBLE = covar_pop(y, x)
covar_samp(y number, x number) -> DOUBLE = covar_samp(y, x)
regr_slope(y number, x number) -> DOUBLE = regr_slope(y, x)
regr_intercept(y number, x number) -> DOUBLE = regr_intercept(y, x)
bitwise_and_agg(x integer) -> BIGINT = bit_and(x)
bitwise_or_agg(x integer) -> BIGINT = bit_or(x)

# windows
row_number() -> BIGINT = row_number()
rank() -> BIGINT = rank()
dense_rank() -> BIGINT = dense_rank()
ntile(n integer) -> BIGINT = ntile(n)

# numbers
ceil(x integer) -> x = x
ceil(x decimal) -> DECIMAL = ceil(x)
ceil(x double) -> x = ceil(x)
ceiling(x integer) -> x = x
ceiling(x decimal) -> DECIMAL = ceil(x)
ceiling(x double) -> x = ceil(x)
floor(x integer) -> x = x
floor(x decimal) -> DECIMAL = floor(x)
floor(x double) -> x = floor(x)
round(x integer) -> x = x
round(x decimal) -> DECIMAL = round(x)
round(x double) -> x = round(x)
round(x integer, n integer) -> x = round(x, n)
round(x decimal, n integer) -> DECIMAL = round(x, n)
round(x double, n integer) -> x = round(x, n)
truncate(x double) -> x = trunc(x)
truncate(x decimal) -> DECIMAL = trunc(x)
truncate(x double, n integer) -> x = trunc(x, n)
mod(a integer, b integer) -> a = a % b
mod(a double, b double) -> DOUBLE = a % b
cbrt(x number) -> DOUBLE = cbrt(x)
ln(x number) -> DOUBLE = ln(x)
log2(x number) -> DOUBLE = log2(x)
log10(x number) -> DOUBLE = log10(x)
log(b number, x number) -> DOUBLE = log(b, x)
sign(x number) -> x = sign(x)
pi() -> DOUBLE = pi()
e() -> DOUBLE = exp(1)
degrees(x number) -> DOUBLE = degrees(x)
radians(x number) -> DOUBLE = radians(x)
asin(x number) -> DOUBLE = asin(x)
acos(x number) -> DOUBLE = acos(x)
atan(x number) -> DOUBLE = atan(x)
random() -> DOUBLE = random()
nan() -> DOUBLE = CAST('nan' AS DOUBLE)
infinity() -> DOUBLE = CAST('inf' AS DOUBLE)
is_nan(x number) -> BOOLEAN = isnan(x)
is_finite(x number) -> BOOLEAN = isfinite(x)
is_infinite(x number) -> BOOLEAN = isinf(x)
bitwise_and(a integer, b integer) -> BIGINT = a & b
bitwise_or(a integer, b integer) -> BIGINT = a | b
bitwise_xor(a integer, b integer) -> BIGINT = xor(a, b)
bitwise_not(a integer) -> BIGINT = ~a

# texts
concat(a array, b array) -> a = a || b
concat(x... text) -> VARCHAR = CASE WHEN len([x]) = list_count([x]) THEN concat(x) END
concat_ws(d text, x... text) -> VARCHAR = concat_ws(d, x)
length(s text) -> BIGINT = length(s)
length(s binary) -> BIGINT = octet_length(s)
reverse(s text) -> VARCHAR = reverse(s)
reverse(a array) -> a = list_reverse(a)
trim(s text) -> VARCHAR = trim(s, white_space())
ltrim(s text) -> VARCHAR = ltrim(s, white_space())
rtrim(s text) -> VARCHAR = rtrim(s, white_space())
trim_leading(s text, c text) -> VARCHAR = ltrim(s, c)
trim_trailing(s text, c text) -> VARCHAR = rtrim(s, c)
# from 0, and from before the beginning, Trino gives nothing
substr(s text, i positive) -> VARCHAR = substr(s, i)
substr(s text, i integer) -> VARCHAR = CASE WHEN i = 0 OR -i > length(s) THEN '' ELSE substr(s, i) END
substr(s text, i positive, n positive) -> VARCHAR = substr(s, i, n)
substr(s text, i integer, n integer) -> VARCHAR = CASE WHEN i = 0 OR -i > length(s) THEN '' ELSE substr(s, i, greatest(n, 0)) END
substring(s text, i positive) -> VARCHAR = substr(s, i)
substring(s text, i integer) -> VARCHAR = CASE WHEN i = 0 OR -i > length(s) THEN '' ELSE substr(s, i) END
substring(s text, i positive, n positive) -> VARCHAR = substr(s, i, n)
substring(s text, i integer, n integer) -> VARCHAR = CASE WHEN i = 0 OR -i > length(s) THEN '' ELSE substr(s, i, greatest(n, 0)) END
strpos(s text, part text) -> BIGINT = strpos(s, part)
starts_with(s text, part text) -> BOOLEAN = starts_with(s, part)
replace(s text, a text) -> VARCHAR = replace(s, a, '')
replace(s text, a text, b text) -> VARCHAR = replace(s, a, b)
lpad(s text, n integer, c text) -> VARCHAR = lpad(s, n, c)
rpad(s text, n integer, c text) -> VARCHAR = rpad(s, n, c)
split(s text, d text) -> VARCHAR[] = string_split(s, d)
split_part(s text, d text, i positive) -> VARCHAR = list_extract(string_split(s, d), i)
chr(n integer) -> VARCHAR = chr(n)
codepoint(s text) -> INTEGER = unicode(s)
levenshtein_distance(a text, b text) -> BIGINT = levenshtein(a, b)
hamming_distance(a text, b text) -> BIGINT = hamming(a, b)
translate(s text, a text, b text) -> VARCHAR = translate(s, a, b)
to_utf8(s text) -> BLOB = encode(s)
from_utf8(b binary) -> VARCHAR = decode(b)
to_hex(b binary) -> VARCHAR = hex(b)
from_hex(s text) -> BLOB = unhex(s)
to_base64(b binary) -> VARCHAR = to_base64(b)
from_base64(s text) -> BLOB = from_base64(s)
md5(b binary) -> BLOB = unhex(md5(b))
sha1(b binary) -> BLOB = unhex(sha1(b))
sha256(b binary) -> BLOB = unhex(sha256(b))
uuid() -> UUID = uuid()

# patterns: without a match Trino gives NULL, DuckDB ''
regexp_like(s text, p text) -> BOOLEAN = regexp_matches(s, p)
regexp_extract(s text, p text) -> VARCHAR = CASE WHEN regexp_matches(s, p) THEN regexp_extract(s, p) END
regexp_extract(s text, p sure, g positive) -> VARCHAR = CASE WHEN regexp_matches(s, p) THEN regexp_extract(s, p, g) END
regexp_extract_all(s text, p text) -> VARCHAR[] = regexp_extract_all(s, p)
regexp_extract_all(s text, p sure, g positive) -> VARCHAR[] = regexp_extract_all(s, p, g)
regexp_replace(s text, p text) -> VARCHAR = regexp_replace(s, p, '', 'g')
regexp_replace(s text, p text, r literal) -> VARCHAR = regexp_replace(s, p, java_replacement(r), 'g')
regexp_count(s text, p text) -> BIGINT = len(regexp_extract_all(s, p))
regexp_split(s text, p text) -> VARCHAR[] = string_split_regex(s, p)

# JSON: a scalar only, where DuckDB would print an array
json_extract_scalar(j, p literal) -> VARCHAR = CASE WHEN NOT json_type(j, json_path(p)) IN ('ARRAY', 'OBJECT') THEN json_extract_string(j, json_path(p)) END
json_extract(j, p literal) -> JSON = json_extract(j, json_path(p))
json_array_length(j) -> BIGINT = json_array_length(j)
json_parse(s text) -> JSON = CAST(s AS JSON)
json_format(j json) -> VARCHAR = CAST(json(j) AS VARCHAR)

# dates and times
date(x moment) -> DATE = CAST(x AS DATE)
date(x text) -> DATE = CAST(x AS DATE)
extract('year', x moment) -> BIGINT = year(x)
extract('quarter', x moment) -> BIGINT = quarter(x)
extract('month', x moment) -> BIGINT = month(x)
extract('week', x moment) -> BIGINT = weekofyear(x)
extract('day', x moment) -> BIGINT = day(x)
extract('dayofmonth', x moment) -> BIGINT = day(x)
extract('dayofweekiso', x moment) -> BIGINT = isodow(x)
extract('dayofweek', x moment) -> BIGINT = isodow(x)
extract('dow', x moment) -> BIGINT = isodow(x)
extract('doy', x moment) -> BIGINT = dayofyear(x)
extract('dayofyear', x moment) -> BIGINT = dayofyear(x)
extract('yow', x moment) -> BIGINT = isoyear(x)
extract('yearofweek', x moment) -> BIGINT = isoyear(x)
extract('hour', x timestamp) -> BIGINT = hour(x)
extract('minute', x timestamp) -> BIGINT = minute(x)
extract('second', x timestamp) -> BIGINT = second(x)
year(x moment) -> BIGINT = year(x)
quarter(x moment) -> BIGINT = quarter(x)
month(x moment) -> BIGINT = month(x)
week(x moment) -> BIGINT = weekofyear(x)
week_of_year(x moment) -> BIGINT = weekofyear(x)
year_of_week(x moment) -> BIGINT = isoyear(x)
yow(x moment) -> BIGINT = isoyear(x)
day(x moment) -> BIGINT = day(x)
day_of_month(x moment) -> BIGINT = day(x)
day_of_week(x moment) -> BIGINT = isodow(x)
dow(x moment) -> BIGINT = isodow(x)
day_of_year(x moment) -> BIGINT = dayofyear(x)
doy(x moment) -> BIGINT = dayofyear(x)
hour(x timestamp) -> BIGINT = hour(x)
minute(x timestamp) -> BIGINT = minute(x)
second(x timestamp) -> BIGINT = second(x)
millisecond(x timestamp) -> BIGINT = millisecond(x) % 1000
last_day_of_month(x moment) -> DATE = last_day(x)
date_trunc(u unit, x date) -> DATE = CAST(date_trunc(u, x) AS DATE)
date_trunc(u unit, x timestamp) -> TIMESTAMP = date_trunc(u, x)
date_add('day', n integer, x date) -> DATE = CAST(x + to_days(n) AS DATE)
date_add('week', n integer, x date) -> DATE = CAST(x + to_weeks(n) AS DATE)
date_add('month', n integer, x date) -> DATE = CAST(x + to_months(n) AS DATE)
date_add('quarter', n integer, x date) -> DATE = CAST(x + to_months(3 * n) AS DATE)
date_add('year', n integer, x date) -> DATE = CAST(x + to_years(n) AS DATE)
date_add('millisecond', n integer, x timestamp) -> TIMESTAMP = CAST(x + to_milliseconds(n) AS TIMESTAMP)
date_add('second', n integer, x timestamp) -> TIMESTAMP = CAST(x + to_seconds(n) AS TIMESTAMP)
date_add('minute', n integer, x timestamp) -> TIMESTAMP = CAST(x + to_minutes(n) AS TIMESTAMP)
date_add('hour', n integer, x timestamp) -> TIMESTAMP = CAST(x + to_hours(n) AS TIMESTAMP)
date_add('day', n integer, x timestamp) -> TIMESTAMP = CAST(x + to_days(n) AS TIMESTAMP)
date_add('week', n integer, x timestamp) -> TIMESTAMP = CAST(x + to_weeks(n) AS TIMESTAMP)
date_add('month', n integer, x timestamp) -> TIMESTAMP = CAST(x + to_months(n) AS TIMESTAMP)
date_add('quarter', n integer, x timestamp) -> TIMESTAMP = CAST(x + to_months(3 * n) AS TIMESTAMP)
date_add('year', n integer, x timestamp) -> TIMESTAMP = CAST(x + to_years(n) AS TIMESTAMP)
# whole units that have passed, where DuckDB's date_diff counts the boundaries crossed
date_diff(u unit, a moment, b moment) -> BIGINT = datesub(u, a, b)
date_parse(s text, f literal) -> TIMESTAMP = strptime(s, mysql_format(f))
date_format(x moment, f literal) -> VARCHAR = strftime(x, mysql_format(f))
parse_datetime(s text, f literal) -> TIMESTAMPTZ = timezone('UTC', strptime(s, joda_format(f)))
format_datetime(x moment, f literal) -> VARCHAR = strftime(x, joda_format(f))
from_iso8601_date(s text) -> DATE = CAST(s AS DATE)
from_iso8601_timestamp(s zoned) -> TIMESTAMPTZ = CAST(s AS TIMESTAMPTZ)
from_iso8601_timestamp(s literal) -> TIMESTAMPTZ = timezone('UTC', CAST(s AS TIMESTAMP))
from_iso8601_timestamp(s text) -> TIMESTAMPTZ = CASE WHEN regexp_matches(s, '(Z|[+-]\d\d(:?\d\d)?)$') AND s LIKE '%:%' THEN CAST(s AS TIMESTAMPTZ) ELSE timezone('UTC', CAST(s AS TIMESTAMP)) END
to_iso8601(x date) -> VARCHAR = strftime(x, '%Y-%m-%d')
from_unixtime(n number) -> TIMESTAMPTZ = to_timestamp(n)
to_unixtime(x clock) -> DOUBLE = epoch(x)
with_timezone(x timestamp, z text) -> TIMESTAMPTZ = timezone(z, x)
at_timezone(x instant, z text) -> LOCAL = timezone(z, x)
now() -> TIMESTAMPTZ = now()
localtimestamp() -> TIMESTAMP = timezone('UTC', now())
current_date() -> DATE = CAST(timezone('UTC', now()) AS DATE)

# arrays and maps
subscript(a array, i integer) -> item of a = list_extract(a, i)
subscript(m map, k) -> item of m = map_extract_value(m, k)
cardinality(a array) -> BIGINT = len(a)
cardinality(m map) -> BIGINT = cardinality(m)
element_at(a array, i integer) -> item of a = list_extract(a, i)
element_at(m map, k) -> item of m = map_extract_value(m, k)
contains(a array, x) -> BOOLEAN = CASE WHEN list_contains(a, x) THEN true WHEN len(a) = list_count(a) AND x IS NOT NULL THEN false END
array_position(a array, x) -> BIGINT = CASE WHEN a IS NOT NULL AND x IS NOT NULL THEN coalesce(list_position(a, x), 0) END
array_join(a array, d text) -> VARCHAR = array_to_string(a, d)
array_distinct(a array) -> a = list_filter(a, lambda e, i : list_position(a, e) = i)
any_match(a array, f lambda) -> BOOLEAN = CASE WHEN len(list_filter(a, f)) > 0 THEN true WHEN len(list_transform(a, f)) = list_count(list_transform(a, f)) THEN false END
array_max(a array) -> item of a = CASE WHEN len(a) = list_count(a) THEN list_max(a) END
array_min(a array) -> item of a = CASE WHEN len(a) = list_count(a) THEN list_min(a) END
array_sort(a array) -> a = list_sort(a, 'ASC', 'NULLS LAST')
arrays_overlap(a array, b array) -> BOOLEAN = CASE WHEN list_has_any(a, b) THEN true WHEN len(a) = list_count(a) AND len(b) = list_count(b) THEN false END
slice(a array, i positive, n positive) -> a = list_slice(a, i, i + n - 1)
sequence(a integer, b integer) -> BIGINT[] = generate_series(a, b, CASE WHEN a <= b THEN 1 ELSE -1 END)
sequence(a integer, b integer, n integer) -> BIGINT[] = generate_series(a, b, n)
sequence(a date, b date) -> DATE[] = CAST(generate_series(a, b, to_days(CASE WHEN a <= b THEN 1 ELSE -1 END)) AS DATE[])
sequence(a date, b date, n days) -> DATE[] = CAST(generate_series(a, b, n) AS DATE[])
sequence(a timestamp, b timestamp, n days) -> TIMESTAMP[] = generate_series(a, b, n)
transform(a array, f lambda) -> ? = list_transform(a, f)
filter(a array, f lambda) -> a = list_filter(a, f)
flatten(a array) -> item of a = flatten(a)
map(k array, v array) -> map of k, v = map(k, v)
map_keys(m map) -> ? = map_keys(m)
map_values(m map) -> ? = map_values(m)
row(x...) -> ? = row(x)
"""
