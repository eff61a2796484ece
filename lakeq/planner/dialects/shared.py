"""The functions that Trino, Spark and BigQuery have alike, and what they are in DuckDB."""

SIGNATURES = r"""
# conditions
coalesce(x...) -> x = coalesce(x)
nullif(a, b) -> a = nullif(a, b)

# aggregates
count() -> BIGINT = count(*)
count(x) -> BIGINT = count(x)
sum(x integer) -> BIGINT = sum(x)
sum(x decimal) -> sum of x = sum(x)
sum(x double) -> DOUBLE = sum(x)
avg(x decimal) -> average of x = exact_average(x)
avg(x integer) -> DOUBLE = avg(x)
avg(x double) -> DOUBLE = avg(x)
max_by(x, y) -> x = arg_max_null(x, y)
min_by(x, y) -> x = arg_min_null(x, y)
stddev(x number) -> DOUBLE = stddev_samp(x)
stddev_samp(x number) -> DOUBLE = stddev_samp(x)
stddev_pop(x number) -> DOUBLE = stddev_pop(x)
variance(x number) -> DOUBLE = var_samp(x)
var_samp(x number) -> DOUBLE = var_samp(x)
var_pop(x number) -> DOUBLE = var_pop(x)
corr(y number, x number) -> DOUBLE = corr(y, x)

# windows
percent_rank() -> DOUBLE = percent_rank()
cume_dist() -> DOUBLE = cume_dist()
lag(x) -> x = lag(x)
lag(x, n integer) -> x = lag(x, n)
lag(x, n integer, d) -> x = lag(x, n, d)
lead(x) -> x = lead(x)
lead(x, n integer) -> x = lead(x, n)
lead(x, n integer, d) -> x = lead(x, n, d)
first_value(x) -> x = first_value(x)
last_value(x) -> x = last_value(x)
nth_value(x, n integer) -> x = nth_value(x, n)

# numbers
abs(x number) -> x = abs(x)
power(x number, y number) -> DOUBLE = power(x, y)
pow(x number, y number) -> DOUBLE = power(x, y)
sqrt(x number) -> DOUBLE = sqrt(x)
exp(x number) -> DOUBLE = exp(x)
sin(x number) -> DOUBLE = sin(x)
cos(x number) -> DOUBLE = cos(x)
tan(x number) -> DOUBLE = tan(x)
atan2(y number, x number) -> DOUBLE = atan2(y, x)
rand() -> DOUBLE = random()

# texts
upper(s text) -> VARCHAR = upper(s)
lower(s text) -> VARCHAR = lower(s)
trim_both(s text, c text) -> VARCHAR = trim(s, c)

# times
current_timestamp() -> TIMESTAMPTZ = now()
"""
