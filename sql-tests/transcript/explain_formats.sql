-- EXPLAIN as XML, YAML and JSON
create table facts(id int, label text);
explain (format yaml, costs off) select label from facts where label = 'a"b<&>';
explain (format xml, costs off) select label from facts where label = 'a"b<&>';
explain (format xml, costs off) select label from facts where id < 3 order by id, label;
explain (format yaml, costs off) select label from facts where id < 3 order by id, label;
explain (format json, costs off) select label from facts where id < 3 order by id, label;
explain (format yaml, costs off) select * from facts limit 1;
explain (format toml) select 1;
explain (costs off) create table other as select * from facts;
explain (costs off) declare c cursor for select * from facts;
explain (costs off) refresh materialized view nothing;
prepare p(int) as select label from facts where id = $1;
explain (costs off) execute p(1);
explain (costs off) execute p;
explain (costs off) execute nothing;
