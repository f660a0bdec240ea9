-- What an UPDATE computes may read the system columns of the row that it found.
create table st (a text, b int primary key);
insert into st values ('x', 1), ('y', 2);
update st set a = tableoid::regclass where b = 1;
update st set a = ctid;
update st set a = xmin || '' where b = 1 returning a <> xmin::text, ctid, xmin <> 0, tableoid::regclass;
update st set a = cmin || '' where b = 1 returning a;
update st set a = v.x::text || st.ctid from (values (1, 'k')) v(b, x) where v.b = st.b returning st.*, st.ctid, v;
update st set a = (select st.ctid || '' from pg_class limit 1) returning a;
update st set (a, b) = (select st.ctid::text, st.b + 10) returning a, b;
insert into st values ('z', 1) on conflict (b) do update set a = excluded.ctid returning a;
merge into st using (values (11, 'k')) v(b, x) on v.b = st.b when matched then update set a = st.ctid || st.tableoid::regclass::text;
merge into st using (values (11, 'k')) v(b, x) on v.b = st.b when matched and st.tableoid::regclass::text = 'st' then update set a = st.a || '!';
merge into st using (values (11, 'k')) v(b, x) on v.b = st.b when matched and st.ctid <> '(0,1)' then update set a = st.tableoid::regclass;
merge into st using (values (11, 'k')) v(b, x) on v.b = st.b when matched and st.xmin::text = '0' then delete when not matched then insert values (v.x, v.b);
select * from st order by b;
create view sv as select a, b, ctid c, tableoid t from st;
select * from sv where t <> 'st'::regclass;
update sv set a = c || '!' returning a;
update st set ctid = '(0,1)';
create table pt (a text, b int) partition by list (b);
create table pt1 partition of pt for values in (1);
create table pt2 partition of pt for values in (2);
insert into pt values ('x', 1), ('y', 2);
update pt set a = tableoid::regclass || ctid::text returning a, tableoid::regclass;
update pt set a = tableoid::regclass, b = 2 where b = 1 returning a, b, tableoid::regclass;
delete from pt where tableoid = 'pt2'::regclass returning tableoid::regclass, ctid;
drop table st, pt cascade;

-- Nobody writes through the system's views.
insert into pg_stats_ext values (2, array[2, 3]);
insert into pg_stats_ext select * from pg_stats_ext;
insert into pg_tables values (2, array[2, 3]);
update pg_tables set schemaname = 'a';
delete from pg_locks;
insert into pg_settings values ('a');

-- Arguments of EXECUTE have their positions.
prepare x(int) as select $1;
execute x(nosuch);
execute x(1 / 0);
execute x('a');
