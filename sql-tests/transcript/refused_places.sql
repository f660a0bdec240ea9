-- Rows that are compared need the same types of columns.
prepare x(record) as select row(1, 2) = $1;
execute x((1, 2, 3));
execute x((1, 2.0));
execute x((2, 'a'::text));
execute x(row(1, 'x'::"char", 3));
select (select row(1, 2)) = (select row(1, 'a'::text));
select (select row(1, 2)) < (select row(2, 'a'::text));
select (select row(1, 2)) is distinct from (select row(2, 'a'::text));
select (select row(1, 2)) is distinct from (select row(1, 'a'::text));
select (select row(1, 2)) < (select row(2, 2, 3));
select (select row(1, 2)) = (select row(1, 2, 3));
select array[row(1, 2)] = array[row(1, 'a'::text)];
select array[row(1, 2)] < array[row(1, 2, 3)];
select (select row(1, 2)) in ((select row(1, 2.0)));
select (select row(1, row(2, 3))) = (select row(1, row(2, 3.0)));

-- GROUPING stands where aggregates may.
select 1 where grouping(1) = 1;
select sum(grouping(1));
select sum(grouping(a)) from (values (1)) v(a) group by a;
select count(*) filter (where grouping(a) = 1) from (values (1)) v(a) group by a;
select * from (values (grouping(1))) v;
values (grouping(1));
select 1 limit grouping(1);
select grouping(1);
select 1 from (values (1)) v(a) join (values (1)) w(b) on grouping(a) = 1;
select 1 from generate_series(1, grouping(1));
select 1 from (values (1)) v(a) group by grouping(a);
select 1 from (values (1)) v(a) group by a order by grouping(a);
select 1 from (values (1)) v(a) group by a having grouping(a) = 0;
select sum(a) over (order by grouping(a)) from (values (1)) v(a) group by a;
create table gg (a int default grouping(1));
create table gg (a int check (grouping(1) = 1));
create table gg (a int);
create index on gg ((grouping(a)));
update gg set a = grouping(a);
insert into gg values (grouping(1));
insert into gg values (1), (grouping(1));
delete from gg where grouping(a) = 1;
insert into gg values (1) returning grouping(a);
create policy pp on gg using (grouping(a) = 1);
create policy pp on gg using (row_number() over () = 1);
create policy pp on gg using (generate_series(1, 2) = 1);
execute x(row(generate_series(1, 2), 1));
execute x(row(sum(1) over (), 1));

-- A new type's values come from the row alone.
alter table gg alter a type int using grouping(a);
alter table gg alter a type int using sum(a);
alter table gg alter a type int using row_number() over ();
alter table gg alter a type int using (select 1);
alter table gg alter a type int using generate_series(1, 2);

-- NaN is the same constant as itself, 0 is not -0.
select max('NaN'::float8);
select sum((a - 'NaN'::float8) * 1000) + 1 from gg;
select a + 'NaN'::float8 from gg group by a + 'NaN'::float8;
select distinct on (a + 'NaN'::float8) a from gg order by a + 'NaN'::float8;
select a + '-0'::float8 from gg group by a + '0'::float8;
drop table gg;

select aclexplode(array[null]::aclitem[]);
select aclexplode(array[]::aclitem[]);
