-- one column
SELECT sum(l_extendedprice) FROM lineitem;
-- two columns of a year
SELECT sum(l_extendedprice * l_discount) FROM lineitem WHERE year = 1995;
-- every column of a month
SELECT * FROM lineitem WHERE year = 1996 AND month = 2;
-- a wide column of a year
SELECT max(length(l_comment)) FROM lineitem WHERE year = 1995;
-- count(*)
SELECT count(*) FROM lineitem;
-- count(*) of a year
SELECT count(*) FROM lineitem WHERE year = 1997;
-- keys and a column
SELECT year, month, avg(l_tax) FROM lineitem GROUP BY year, month;
-- keys alone
SELECT DISTINCT year, month FROM lineitem;
-- months as an expression
SELECT sum(l_quantity) FROM lineitem WHERE year * 100 + month BETWEEN 199406 AND 199503;
-- a date made of keys
SELECT avg(l_quantity) FROM lineitem WHERE make_date(year, month, 1) >= DATE '1998-01-01';
-- keys with OR
SELECT sum(l_quantity) FROM lineitem WHERE year = 1992 OR (year = 1998 AND month > 6);
-- keys with IN
SELECT count(DISTINCT l_suppkey) FROM lineitem WHERE year IN (1993, 1997) AND month IN (1, 12);
-- keys that are not
SELECT max(l_shipdate) FROM lineitem WHERE year NOT IN (1993, 1994, 1995, 1996, 1997);
-- a month by text
SELECT sum(l_tax) FROM lineitem WHERE year = 1994 AND lpad(month::VARCHAR, 2, '0') = '03';
-- bounds of dates
SELECT sum(l_extendedprice) FROM lineitem WHERE l_shipdate BETWEEN DATE '1995-03-01' AND DATE '1995-03-14';
-- bounds of numbers
SELECT sum(l_quantity) FROM lineitem WHERE l_orderkey < 100000;
-- bounds of an order's key
SELECT * FROM orders WHERE o_orderkey BETWEEN 1000000 AND 1010000;
-- bounds that no file meets
SELECT sum(l_quantity) FROM lineitem WHERE l_shipdate > DATE '2020-01-01';
-- a condition on values
SELECT count(*) FROM lineitem WHERE l_returnflag = 'R' AND year = 1993;
-- columns of a condition alone
SELECT count(*) FROM orders WHERE o_orderpriority LIKE '1%';
-- a function of a column
SELECT count(*) FROM orders WHERE length(o_comment) > 60;
-- an average by group
SELECT o_orderpriority, avg(o_totalprice) FROM orders GROUP BY ALL;
-- a having
SELECT o_custkey, sum(o_totalprice) AS total FROM orders GROUP BY o_custkey HAVING sum(o_totalprice) > 1000000;
-- distinct values
SELECT DISTINCT l_shipmode, l_shipinstruct FROM lineitem WHERE year >= 1997;
-- a window
SELECT o_orderkey, row_number() OVER (PARTITION BY o_custkey ORDER BY o_orderdate, o_orderkey) AS n FROM orders WHERE year = 1996;
-- a qualify
SELECT o_custkey, o_orderkey FROM orders WHERE year = 1995 QUALIFY row_number() OVER (PARTITION BY o_custkey ORDER BY o_totalprice DESC) = 1;
-- a join on keys
SELECT n_name, count(*) FROM customer JOIN nation ON c_nationkey = n_nationkey GROUP BY n_name;
-- a join of two years
SELECT count(*) FROM orders JOIN lineitem ON o_orderkey = l_orderkey WHERE orders.year = 1996 AND lineitem.year = 1996;
-- a left join
SELECT count(l_orderkey) FROM orders LEFT JOIN lineitem ON o_orderkey = l_orderkey AND lineitem.year = 1992 WHERE orders.year = 1992;
-- a self join
SELECT count(*) FROM supplier a JOIN supplier b ON a.s_nationkey = b.s_nationkey AND a.s_suppkey < b.s_suppkey;
-- a union
SELECT l_partkey FROM lineitem WHERE year = 1992 AND month = 1 UNION ALL SELECT l_partkey FROM lineitem WHERE year = 1998 AND month = 1;
-- an except
SELECT o_custkey FROM orders WHERE year = 1997 EXCEPT SELECT o_custkey FROM orders WHERE year = 1996;
-- in a subquery
SELECT count(*) FROM lineitem WHERE year = 1994 AND l_partkey IN (SELECT p_partkey FROM part WHERE p_size = 15);
-- a correlated subquery
SELECT count(*) FROM orders o WHERE year = 1995 AND o_totalprice > (SELECT avg(o_totalprice) FROM orders i WHERE i.o_custkey = o.o_custkey AND i.year = 1995);
-- a derived table
SELECT avg(total) FROM (SELECT o_custkey, sum(o_totalprice) AS total FROM orders WHERE year = 1994 GROUP BY o_custkey);
-- a CTE
WITH late AS (SELECT l_orderkey, l_receiptdate - l_commitdate AS days FROM lineitem WHERE year = 1996 AND month <= 3) SELECT avg(days) FROM late WHERE days > 0;
-- an expression of columns
SELECT sum(CASE WHEN l_returnflag = 'N' THEN l_extendedprice * (1 - l_discount) ELSE 0 END) FROM lineitem WHERE year = 1997;
-- sorted whole
SELECT p_partkey, p_name FROM part ORDER BY p_retailprice, p_partkey;
-- small tables whole
SELECT * FROM nation JOIN region ON n_regionkey = r_regionkey;
-- a column of a large table's key
SELECT max(ps_partkey), min(ps_suppkey) FROM partsupp;
