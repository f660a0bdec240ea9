-- COPY of a query that rules make another one of.
create table ct (t text);
create rule qqq as on insert to ct do instead nothing;
copy (insert into ct default values) to stdout;
drop rule qqq on ct;
create rule qqq as on insert to ct do also delete from ct;
copy (insert into ct default values) to stdout;
drop rule qqq on ct;
create rule qqq as on insert to ct do instead (delete from ct; delete from ct);
copy (insert into ct default values) to stdout;
drop rule qqq on ct;
create rule qqq as on insert to ct where new.t <> 'f' do instead delete from ct;
copy (insert into ct default values) to stdout;
drop rule qqq on ct;
create rule qqq as on update to ct do instead nothing;
copy (update ct set t = 'f') to stdout;
drop rule qqq on ct;
create rule qqq as on delete to ct where old.t <> 'f' do also insert into ct default values;
copy (delete from ct) to stdout;
drop rule qqq on ct;
create rule qqq as on insert to ct do instead notify copy_rules;
copy (insert into ct default values) to stdout;
drop rule qqq on ct;
create rule qqq as on insert to ct do instead delete from ct returning 'x'::text;
copy (insert into ct default values) to stdout;
copy (insert into ct default values returning t) to stdout;
-- Arguments name a procedure with and without what it gives back.
create procedure p10(out a int, in b int, in c int) language sql as 'select b - c';
create procedure p10(inout a int, in b int, in c int) language sql as 'select b - c';
drop procedure p10;
drop procedure p10(int, int, int);
-- Fields that conditions of domains take.
create type comptype as (r float8, i float8);
create domain dcomp as comptype check ((value).r <= (value).i);
alter type comptype drop attribute r;
alter type comptype drop attribute r cascade;
