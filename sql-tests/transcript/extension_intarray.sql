-- intarray: functions, formulas; the same answers by its indexes.
create extension intarray;
select intset(1234), icount('{1234234,234234}'::int[]), sort('{1234234,-30,234234}'::int[]), sort('{1234234,-30,234234}','asc'), sort('{1234234,-30,234234}','DESC'), sort_asc('{3,1}'), sort_desc('{1,3}'), uniq('{1,1,2,2,1}'), uniq(sort('{3,1,3}')), idx('{11,22,33}',22), idx('{1}',9), subarray('{1,2,3,4,5,6}',2,3), subarray('{1,2,3}',2), subarray('{1,2,3}',-2,1), subarray('{1,2,3}',1,-1), subarray('{1,2,3}',0,2), subarray('{}',1), subarray('{1,2}',5), subarray('{1,2,3}', -9, 2);
select sort('{1}', 'x');
select sort('{2,1,null}'); select icount('{1,null}'); select '{1,null}'::int[] & '{1}';
select #'{1,2,3}'::int[], '{1,2}'::int[] + 3, '{1,2}'::int[] + '{2,3}', '{1,2,1}'::int[] - 1, '{1,2,3}'::int[] | 5, '{3,2}'::int[] | '{1,2}', '{1,2,3}'::int[] - '{2}'::int[], '{1,2,3}'::int[] & '{2,3,4}', '{1,2}'::int[] & '{3}', '{1,2}'::int[] # 2, '{}'::int[] + '{}'::int[], '{1,2,2,1}'::int[] | 1;
select '{1,2}'::int[] && '{2}', '{1,2}'::int[] @> '{2,2}', '{2}'::int[] <@ '{1,2}', '{}'::int[] && '{}', '{1}'::int[] @> '{}', '{1,2}'::int[] @@ '1&2', '{1,2}'::int[] @@ '1&!2', '1|5' ~~ '{1,2}'::int[], '{1}'::int[] = '{1}';
select '1&(2&(4&(5|!6)))'::query_int, '!1'::query_int, '1|2|3'::query_int, '!(1|2)'::query_int, '-1 & 010'::query_int; select ''::query_int; select '1 2'::query_int; select '08'::query_int; select '99999999999'::query_int; select '(1'::query_int;
select querytree('1&2');
select sort('{{3,1},{2,0}}'::int[]), uniq('{{1,1},{2,2}}'::int[]), sort('[5:6]={2,1}'::int[]);
create table ia (a int[]);
insert into ia select array(select (random() * 0 + (g * 7 + k * 13) % 50)::int from generate_series(1, g % 6) k) from generate_series(1, 1500) g;
insert into ia values (null), ('{}');
create function cnt() returns table (n int, c bigint) language sql as $$
select 1, count(*) from ia where a && '{3,4}' union all select 2, count(*) from ia where a @> '{3}' union all select 3, count(*) from ia where a = '{3,16}' union all select 4, count(*) from ia where a @@ '3&16' union all select 5, count(*) from ia where a @@ '3&(16|29)&!42' union all select 6, count(*) from ia where a @@ '!3' union all select 7, count(*) from ia where a @> '{}' union all select 8, count(*) from ia where a <@ '{3,16,29}' union all select 9, count(*) from ia where a @> '{3,16}' union all select 10, count(*) from ia where '{3}' <@ a union all select 11, count(*) from ia where a = '{}' union all select 12, count(*) from ia where '3|4' ~~ a $$;
select * from cnt() order by 1;
set enable_seqscan = off;
create index i1 on ia using gist (a); select * from cnt() order by 1; drop index i1;
create index i1 on ia using gist (a gist__intbig_ops); select * from cnt() order by 1; drop index i1;
create index i1 on ia using gin (a gin__int_ops); select * from cnt() order by 1; drop index i1;
drop table ia cascade; drop function cnt; drop extension intarray;
