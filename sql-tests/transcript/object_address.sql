set client_min_messages=warning;
create schema oa; set search_path=oa,public;
create table oa.tt(id int primary key default 5, b text, c int check (c>1) references oa.tt(id)) ;
create index tt_b on oa.tt(b);
create view oa.vv as select * from oa.tt;
create materialized view oa.mv as select * from oa.tt;
create sequence oa.sq;
create type oa.en as enum('a','b');
create type oa.ct as (x int, y text);
create domain oa.dd as int constraint ddc check (value>0);
create function oa.ff(a int, b text) returns int language sql as 'select 1';
create procedure oa.pp(a int) language sql as 'select 1';
create aggregate oa.ag(int) (sfunc=int4pl, stype=int);
create operator oa.## (leftarg=int, rightarg=int, procedure=int4pl);
create function oa.tf() returns trigger language plpgsql as 'begin return new; end';
create trigger trg before insert on oa.tt for each row execute function oa.tf();
create rule rr as on insert to oa.tt where new.b='z' do nothing;
create policy pol on oa.tt using (true);
create cast (oa.ct as text) with inout;
create collation oa.coll from "C";
create role oarole;
create statistics oa.st on b, c from oa.tt;
create publication oapub for table oa.tt;
create text search configuration oa.tsc (copy=english);
create text search dictionary oa.tsd (template=simple);
create extension if not exists citext;
create foreign data wrapper oafdw; create server oasrv foreign data wrapper oafdw; create user mapping for oarole server oasrv;
create event trigger oaev on ddl_command_start execute function oa.etf();
create function oa.etf() returns event_trigger language plpgsql as 'begin end';
create event trigger oaev on ddl_command_start when tag in ('CREATE CAST') execute function oa.etf();
alter default privileges for role oarole in schema oa grant select on tables to public;
alter default privileges for role oarole grant select on tables to public;
create or replace function oa.show(typ text, names text[], args text[]) returns table(t text, s text, n text, i text, d text, t2 text, n2 text[], a2 text[], rt bool) language plpgsql as $$
declare o record;
begin
  select * into o from pg_get_object_address(typ, names, args);
  select (pg_identify_object(o.classid,o.objid,o.objsubid)).* into t,s,n,i;
  d := pg_describe_object(o.classid,o.objid,o.objsubid);
  select (pg_identify_object_as_address(o.classid,o.objid,o.objsubid)).* into t2,n2,a2;
  select a = o into rt from pg_get_object_address(t2,n2,a2) a;
  return next;
exception when others then t := sqlstate; s := sqlerrm; return next;
end $$;
select x.* from (values
 ('toast table','{pg_toast,pg_toast_1255}','{}'),
 ('aggregate','{oa,ag}','{int}'),('function','{oa,ff}','{int,text}'),('procedure','{oa,pp}','{int}'),('routine','{oa,ff}','{int4,text}'),('type','{oa.en}','{}'),('cast','{oa.ct}','{text}'),
 ('table constraint','{oa,tt,tt_c_check}','{}'),('table constraint','{oa,tt,tt_pkey}','{}'),('domain constraint','{oa.dd}','{ddc}'),('default value','{oa,tt,id}','{}'),
 ('operator','{oa,##}','{int,int}'),('operator class','{btree,int4_ops}','{}'),('operator class','{btree,pg_catalog,int4_ops}','{}'),('operator family','{hash,pg_catalog,integer_ops}','{}'),('rule','{oa,tt,rr}','{}'),('rule','{oa,vv,_RETURN}','{}'),('trigger','{oa,tt,trg}','{}'),('policy','{oa,tt,pol}','{}'),
 ('text search parser','{pg_catalog,default}','{}'),('text search dictionary','{oa,tsd}','{}'),('text search template','{pg_catalog,simple}','{}'),('text search configuration','{oa,tsc}','{}'),
 ('role','{oarole}','{}'),('schema','{oa}','{}'),('tablespace','{pg_default}','{}'),('database','{postgres}','{}'),('foreign-data wrapper','{oafdw}','{}'),('server','{oasrv}','{}'),('user mapping','{oarole}','{oasrv}'),
 ('default acl','{oarole,oa}','{r}'),('default acl','{oarole}','{r}'),('extension','{citext}','{}'),('event trigger','{oaev}','{}'),('access method','{btree}','{}'),('publication','{oapub}','{}'),('publication relation','{oa,tt}','{oapub}'),('publication namespace','{oa}','{oapub}'),
 ('collation','{oa,coll}','{}'),('statistics object','{oa,st}','{}'),('language','{plpgsql}','{}'),('conversion','{pg_catalog,koi8_r_to_mic}','{}'),('large object','{1234}','{}'),('operator of access method','{btree,integer_ops,1}','{integer,integer}'),('function of access method','{btree,integer_ops,1}','{integer,integer}'),
 ('domain','{oa.dd}','{}'),('transform','{int}','{sql}'),('subscription','{x}','{}'),('parameter acl','{work_mem}','{}')
 ) v(a,b,c), lateral oa.show(a,b,c) x;
select x.* from (values ('stone','{}'::text[],'{}'::text[]),('table','{}','{}'),('table','{NULL}','{}'),('table','{a,b,c,d}','{}'),('table','{one}','{}'),('table','{one}','{integer}'),('table column','{oa,tt}','{}'),('table column','{oa,tt,zz}','{}'),('table','{oa,vv}','{}'),('view','{oa,tt}','{}'),('function','{oa,nope}','{int}'),('function','{oa,ff}','{nope}'),('aggregate','{oa,ff}','{int,text}'),('cast','{int}','{}'),('cast','{int,text}','{text}'),('cast','{int}','{oa.en}'),('operator','{oa,##}','{int}'),('operator','{oa,##}','{int,int,int}'),('operator','{oa,##}','{text,text}'),('schema','{a,b}','{}'),('schema','{nope}','{}'),('type','{nope}','{}'),('trigger','{trg}','{}'),('trigger','{oa,tt,zz}','{}'),('policy','{oa,tt,zz}','{}'),('rule','{oa,tt,zz}','{}'),('default value','{oa,tt,b}','{}'),('table constraint','{oa,tt,zz}','{}'),('domain constraint','{oa.dd}','{zz}'),('operator class','{btree}','{}'),('operator of access method','{btree,integer_ops,99}','{int4,bool}'),('function of access method','{btree,integer_ops,99}','{int4,bool}'),('default acl','{oarole,oa}','{x}'),('default acl','{oarole,oa}','{}'),('default acl','{oarole}','{S}'),('user mapping','{nope}','{oasrv}'),('user mapping','{oarole}','{nope}'),('publication relation','{oa,vv}','{oapub}'),('large object','{notanumber}','{}'),('language','{nope}','{}'),('toast table column','{a,b}','{}'),('event trigger','{nope}','{}'),('index column','{a}','{}'),('transform','{int}','{nope}'),('sequence column','{a}','{}')) v(a,b,c), lateral oa.show(a,b,c) x;
select pg_describe_object('pg_class'::regclass,'oa.tt'::regclass,0), pg_describe_object('pg_class'::regclass,99999,0), pg_describe_object(0,0,0), pg_describe_object('pg_class'::regclass,'oa.tt'::regclass,99);
select pg_identify_object('pg_class'::regclass,99999,0), pg_identify_object('pg_proc'::regclass,1::oid,0);
select pg_identify_object_as_address('pg_class'::regclass,99999,0);
select * from pg_identify_object('pg_class'::regclass,'oa.tt'::regclass,2);
select pg_describe_object('pg_amop'::regclass,oid,0), pg_identify_object('pg_amop'::regclass,oid,0),pg_identify_object_as_address('pg_amop'::regclass,oid,0) from pg_amop where amopfamily=1976 order by 1 limit 3;
select pg_describe_object('pg_amproc'::regclass,oid,0), pg_identify_object('pg_amproc'::regclass,oid,0),pg_identify_object_as_address('pg_amproc'::regclass,oid,0) from pg_amproc where amprocfamily=1976 order by 1 limit 3;
drop schema oa cascade; drop publication oapub; drop server oasrv cascade; drop foreign data wrapper oafdw; drop owned by oarole; drop role oarole; drop extension citext; drop event trigger oaev;
