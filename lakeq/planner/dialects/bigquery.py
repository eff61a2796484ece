"""What the functions of BigQuery (GoogleSQL) are in DuckDB.

Source: cloud.google.com/bigquery/docs/reference/standard-sql/functions-all. A DATETIME is DuckDB's TIMESTAMP, a
TIMESTAMP an instant."""

SIGNATURES = r"""
# conditions
ifnull(x...) -> x = coalesce(x)
greatest(x...) -> x = CASE WHEN len([x]) = list_count([x]) THEN greatest(x) END
least(x...) -> x = CASE WHEN len([x]) = list_count([x]) THEN least(x) END
try(x) -> x = try(x)

# aggregates
countif(x boolean) -> BIGINT = count_if(x)
min(x) -> x = min(x)
max(x) -> x = max(x)
any_value(x) -> x = any_value(x)
logical_and(x boolean) -> BOOLEAN = bool_and(x)
logical_or(x boolean) -> BOOLEAN = bool_or(x)
array_agg(x) -> x[] = array_agg(x)
string_agg(x text) -> VARCHAR = string_agg(x, ',')
string_agg(x text, d text) -> VARCHAR = string_agg(x, d)
approx_count_distinct(x) -> BIGINT = count(DISTINCT x)
covar_pop(y number, x number) -> DOUBLE = covar_pop(y, x)
covar_samp(y number, x number) -> DOUBLE = covar_samp(y, x)

# windows
row_number() -> BIGINT = row_number()
rank() -> BIGINT = rank()
dense_rank() -> BIGINT = dense_rank()
ntile(n integer) -> BIGINT = ntile(n)

# numbers
ceil(x decimal) -> DECIMAL = ceil(x)
ceil(x number) -> DOUBLE = ceil(CAST(x AS DOUBLE))
ceiling(x number) -> DOUBLE = ceil(CAST(x AS DOUBLE))
floor(x decimal) -> DECIMAL = floor(x)
floor(x number) -> DOUBLE = floor(CAST(x AS DOUBLE))
round(x integer) -> DOUBLE = CAST(x AS DOUBLE)
round(x decimal) -> DECIMAL = round(x)
round(x decimal, n integer) -> DECIMAL = round(x, n)
round(x double) -> DOUBLE = round(x)
round(x double, n integer) -> DOUBLE = round(x, n)
trunc(x double) -> DOUBLE = trunc(x)
trunc(x double, n integer) -> DOUBLE = trunc(x, n)
mod(a integer, b integer) -> BIGINT = a % b
div(a integer, b integer) -> BIGINT = a // b
ln(x number) -> DOUBLE = ln(x)
log(x number) -> DOUBLE = ln(x)
# the base comes last
log(x number, b number) -> DOUBLE = log(b, x)
log10(x number) -> DOUBLE = log10(x)
sign(x number) -> x = sign(x)
is_nan(x number) -> BOOLEAN = isnan(x)
is_inf(x number) -> BOOLEAN = isinf(x)
safe_divide(a integer, b integer) -> DOUBLE = CASE WHEN b <> 0 THEN a / b END
safe_divide(a double, b number) -> DOUBLE = CASE WHEN b <> 0 THEN a / b END
safe_divide(a integer, b double) -> DOUBLE = CASE WHEN b <> 0 THEN a / b END
ieee_divide(a integer, b integer) -> DOUBLE = a / b
ieee_divide(a double, b number) -> DOUBLE = a / b
ieee_divide(a integer, b double) -> DOUBLE = a / b

# texts
concat(x... text) -> VARCHAR = CASE WHEN len([x]) = list_count([x]) THEN concat(x) END
length(s text) -> BIGINT = length(s)
length(s binary) -> BIGINT = octet_length(s)
char_length(s text) -> BIGINT = length(s)
byte_length(s text) -> BIGINT = strlen(s)
reverse(s text) -> VARCHAR = reverse(s)
trim(s text) -> VARCHAR = trim(s, white_space())
ltrim(s text) -> VARCHAR = ltrim(s, white_space())
rtrim(s text) -> VARCHAR = rtrim(s, white_space())
trim(s text, c text) -> VARCHAR = trim(s, c)
ltrim(s text, c text) -> VARCHAR = ltrim(s, c)
rtrim(s text, c text) -> VARCHAR = rtrim(s, c)
# from 0, and from before the beginning, is from the first
substr(s text, i integer) -> VARCHAR = substr(s, i)
substr(s text, i positive, n positive) -> VARCHAR = substr(s, i, n)
substr(s text, i integer, n positive) -> VARCHAR = left(substr(s, i), n)
substring(s text, i integer) -> VARCHAR = substr(s, i)
substring(s text, i positive, n positive) -> VARCHAR = substr(s, i, n)
substring(s text, i integer, n positive) -> VARCHAR = left(substr(s, i), n)
left(s text, n positive) -> VARCHAR = left(s, n)
right(s text, n positive) -> VARCHAR = right(s, n)
strpos(s text, part text) -> BIGINT = strpos(s, part)
instr(s text, part text) -> BIGINT = strpos(s, part)
starts_with(s text, part text) -> BOOLEAN = starts_with(s, part)
ends_with(s text, part text) -> BOOLEAN = ends_with(s, part)
contains_substr(s text, part text) -> BOOLEAN = contains(lower(s), lower(part))
replace(s text, a text, b text) -> VARCHAR = replace(s, a, b)
repeat(s text, n integer) -> VARCHAR = repeat(s, n)
lpad(s text, n positive) -> VARCHAR = lpad(s, n, ' ')
rpad(s text, n positive) -> VARCHAR = rpad(s, n, ' ')
lpad(s text, n positive, c text) -> VARCHAR = lpad(s, n, c)
rpad(s text, n positive, c text) -> VARCHAR = rpad(s, n, c)
split(s text) -> VARCHAR[] = string_split(s, ',')
split(s text, d text) -> VARCHAR[] = string_split(s, d)
ascii(s text) -> BIGINT = CASE WHEN s = '' THEN 0 ELSE unicode(s) END
chr(n integer) -> VARCHAR = chr(n)
to_hex(b binary) -> VARCHAR = lower(hex(b))
md5(s text) -> BLOB = unhex(md5(s))
sha1(s text) -> BLOB = unhex(sha1(s))
sha256(s text) -> BLOB = unhex(sha256(s))
generate_uuid() -> VARCHAR = CAST(uuid() AS VARCHAR)

# patterns: RE2, as in DuckDB; the first group is what is found where there is one
regexp_contains(s text, p text) -> BOOLEAN = regexp_matches(s, p)
regexp_extract(s text, p groupless) -> VARCHAR = CASE WHEN regexp_matches(s, p) THEN regexp_extract(s, p) END
regexp_extract(s text, p sure) -> VARCHAR = CASE WHEN regexp_matches(s, p) THEN regexp_extract(s, p, 1) END
regexp_extract_all(s text, p groupless) -> VARCHAR[] = regexp_extract_all(s, p)
regexp_extract_all(s text, p sure) -> VARCHAR[] = regexp_extract_all(s, p, 1)
regexp_replace(s text, p text, r text) -> VARCHAR = regexp_replace(s, p, r, 'g')

# JSON
json_extract_scalar(j text, p literal) -> VARCHAR = CASE WHEN NOT json_type(j, json_path(p)) IN ('ARRAY', 'OBJECT') THEN json_extract_string(j, json_path(p)) END
json_value(j text, p literal) -> VARCHAR = CASE WHEN NOT json_type(j, json_path(p)) IN ('ARRAY', 'OBJECT') THEN json_extract_string(j, json_path(p)) END
parse_json(s text) -> JSON = CAST(s AS JSON)

# dates and times
date(x moment) -> DATE = CAST(x AS DATE)
date(x instant, z text) -> DATE = CAST(timezone(z, x) AS DATE)
date(y integer, m integer, d integer) -> DATE = make_date(y, m, d)
datetime(x moment) -> TIMESTAMP = CAST(x AS TIMESTAMP)
datetime(x instant, z text) -> TIMESTAMP = timezone(z, x)
timestamp(x date) -> TIMESTAMPTZ = timezone('UTC', CAST(x AS TIMESTAMP))
timestamp(x timestamp) -> TIMESTAMPTZ = timezone('UTC', x)
timestamp(x zoned) -> TIMESTAMPTZ = CAST(x AS TIMESTAMPTZ)
timestamp(x literal) -> TIMESTAMPTZ = timezone('UTC', CAST(x AS TIMESTAMP))
timestamp(x text) -> TIMESTAMPTZ = CASE WHEN regexp_matches(x, ':.*(Z|[+-]\d\d(:?\d\d)?)$') THEN CAST(x AS TIMESTAMPTZ) ELSE timezone('UTC', CAST(x AS TIMESTAMP)) END
extract('year', x moment) -> BIGINT = year(x)
extract('quarter', x moment) -> BIGINT = quarter(x)
extract('month', x moment) -> BIGINT = month(x)
extract('isoweek', x moment) -> BIGINT = weekofyear(x)
extract('weekiso', x moment) -> BIGINT = weekofyear(x)
extract('isoyear', x moment) -> BIGINT = isoyear(x)
extract('day', x moment) -> BIGINT = day(x)
extract('dayofweek', x moment) -> BIGINT = dayofweek(x) + 1
extract('dayofyear', x moment) -> BIGINT = dayofyear(x)
extract('hour', x timestamp) -> BIGINT = hour(x)
extract('minute', x timestamp) -> BIGINT = minute(x)
extract('second', x timestamp) -> BIGINT = second(x)
extract('millisecond', x timestamp) -> BIGINT = millisecond(x) % 1000
extract('date', x timestamp) -> DATE = CAST(x AS DATE)
last_day(x moment) -> DATE = last_day(x)
date_add(x date, n interval) -> DATE = CAST(x + n AS DATE)
date_sub(x date, n interval) -> DATE = CAST(x - n AS DATE)
datetime_add(x timestamp, n interval) -> TIMESTAMP = x + n
datetime_sub(x timestamp, n interval) -> TIMESTAMP = x - n
timestamp_add(x timestamp, n interval) -> TIMESTAMPTZ = timezone('UTC', CAST(x + n AS TIMESTAMP))
timestamp_sub(x timestamp, n interval) -> TIMESTAMPTZ = timezone('UTC', CAST(x - n AS TIMESTAMP))
# boundaries crossed, as in DuckDB, from b to a; but of weeks DuckDB counts seven days. A WEEK begins on Sunday
date_diff(a date, b date, 'day') -> BIGINT = date_diff('day', b, a)
date_diff(a date, b date, 'week') -> BIGINT = (CAST(date_trunc('week', a + 1) AS DATE) - CAST(date_trunc('week', b + 1) AS DATE)) // 7
date_diff(a date, b date, 'week(monday)') -> BIGINT = (CAST(date_trunc('week', a) AS DATE) - CAST(date_trunc('week', b) AS DATE)) // 7
date_diff(a date, b date, 'isoweek') -> BIGINT = (CAST(date_trunc('week', a) AS DATE) - CAST(date_trunc('week', b) AS DATE)) // 7
date_diff(a date, b date, 'month') -> BIGINT = date_diff('month', b, a)
date_diff(a date, b date, 'quarter') -> BIGINT = date_diff('quarter', b, a)
date_diff(a date, b date, 'year') -> BIGINT = date_diff('year', b, a)
datetime_diff(a moment, b moment, 'second') -> BIGINT = date_diff('second', b, a)
datetime_diff(a moment, b moment, 'minute') -> BIGINT = date_diff('minute', b, a)
datetime_diff(a moment, b moment, 'hour') -> BIGINT = date_diff('hour', b, a)
datetime_diff(a moment, b moment, 'day') -> BIGINT = date_diff('day', b, a)
datetime_diff(a moment, b moment, 'month') -> BIGINT = date_diff('month', b, a)
# whole units that have passed: of timestamps, unlike dates
timestamp_diff(a moment, b moment, 'millisecond') -> BIGINT = datesub('millisecond', b, a)
timestamp_diff(a moment, b moment, 'second') -> BIGINT = datesub('second', b, a)
timestamp_diff(a moment, b moment, 'minute') -> BIGINT = datesub('minute', b, a)
timestamp_diff(a moment, b moment, 'hour') -> BIGINT = datesub('hour', b, a)
timestamp_diff(a moment, b moment, 'day') -> BIGINT = datesub('day', b, a)
date_trunc(x date, 'day') -> DATE = x
date_trunc(x date, 'week') -> DATE = CAST(date_trunc('week', x + 1) AS DATE) - 1
date_trunc(x date, 'week(monday)') -> DATE = CAST(date_trunc('week', x) AS DATE)
date_trunc(x date, 'isoweek') -> DATE = CAST(date_trunc('week', x) AS DATE)
date_trunc(x date, 'month') -> DATE = CAST(date_trunc('month', x) AS DATE)
date_trunc(x date, 'quarter') -> DATE = CAST(date_trunc('quarter', x) AS DATE)
date_trunc(x date, 'year') -> DATE = CAST(date_trunc('year', x) AS DATE)
datetime_trunc(x timestamp, 'minute') -> TIMESTAMP = date_trunc('minute', x)
timestamp_trunc(x timestamp, 'minute') -> TIMESTAMPTZ = timezone('UTC', CAST(date_trunc('minute', x) AS TIMESTAMP))
datetime_trunc(x timestamp, 'hour') -> TIMESTAMP = date_trunc('hour', x)
timestamp_trunc(x timestamp, 'hour') -> TIMESTAMPTZ = timezone('UTC', CAST(date_trunc('hour', x) AS TIMESTAMP))
datetime_trunc(x timestamp, 'day') -> TIMESTAMP = date_trunc('day', x)
timestamp_trunc(x timestamp, 'day') -> TIMESTAMPTZ = timezone('UTC', CAST(date_trunc('day', x) AS TIMESTAMP))
datetime_trunc(x timestamp, 'month') -> TIMESTAMP = date_trunc('month', x)
timestamp_trunc(x timestamp, 'month') -> TIMESTAMPTZ = timezone('UTC', CAST(date_trunc('month', x) AS TIMESTAMP))
datetime_trunc(x timestamp, 'quarter') -> TIMESTAMP = date_trunc('quarter', x)
timestamp_trunc(x timestamp, 'quarter') -> TIMESTAMPTZ = timezone('UTC', CAST(date_trunc('quarter', x) AS TIMESTAMP))
datetime_trunc(x timestamp, 'year') -> TIMESTAMP = date_trunc('year', x)
timestamp_trunc(x timestamp, 'year') -> TIMESTAMPTZ = timezone('UTC', CAST(date_trunc('year', x) AS TIMESTAMP))
format_date(f literal, x date) -> VARCHAR = strftime(x, strftime_format(f))
format_datetime(f literal, x moment) -> VARCHAR = strftime(x, strftime_format(f))
format_timestamp(f literal, x moment) -> VARCHAR = strftime(x, strftime_format(f))
parse_date(f literal, s text) -> DATE = CAST(strptime(s, strftime_format(f)) AS DATE)
parse_datetime(f literal, s text) -> TIMESTAMP = strptime(s, strftime_format(f))
parse_timestamp(f literal, s text) -> TIMESTAMPTZ = timezone('UTC', strptime(s, strftime_format(f)))
timestamp_seconds(n integer) -> TIMESTAMPTZ = to_timestamp(n)
timestamp_millis(n integer) -> TIMESTAMPTZ = timezone('UTC', epoch_ms(n))
timestamp_micros(n integer) -> TIMESTAMPTZ = timezone('UTC', make_timestamp(n))
unix_seconds(x timestamp) -> BIGINT = CAST(floor(epoch(x)) AS BIGINT)
unix_millis(x timestamp) -> BIGINT = epoch_ms(x)
unix_micros(x timestamp) -> BIGINT = epoch_us(x)
current_date() -> DATE = CAST(timezone('UTC', now()) AS DATE)
current_date(z text) -> DATE = CAST(timezone(z, now()) AS DATE)
current_datetime() -> TIMESTAMP = timezone('UTC', now())

# arrays: counted from 0 by OFFSET, from 1 by ORDINAL
subscript(a array, i integer) -> item of a = CASE WHEN i >= 0 THEN list_extract(a, i + 1) END
subscript_ordinal(a array, i integer) -> item of a = CASE WHEN i >= 1 THEN list_extract(a, i) END
array_length(a array) -> BIGINT = len(a)
array_to_string(a array, d text) -> VARCHAR = array_to_string(a, d)
array_reverse(a array) -> a = list_reverse(a)
array_concat(a array, b array) -> a = a || b
generate_array(a integer, b integer) -> BIGINT[] = generate_series(a, b)
generate_array(a integer, b integer, n integer) -> BIGINT[] = generate_series(a, b, n)
generate_date_array(a date, b date) -> DATE[] = CAST(generate_series(a, b, to_days(1)) AS DATE[])
generate_date_array(a date, b date, n days) -> DATE[] = CAST(generate_series(a, b, n) AS DATE[])
"""
