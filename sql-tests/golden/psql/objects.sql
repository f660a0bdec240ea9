-- What stock psql shows. The answers beside this file are PostgreSQL 15's own:
--   psql -X -q -d DATABASE -f objects.sql > objects.out 2>&1
-- in a new database psql_objects of a server whose superuser is postgres, with LC_ALL=C.
\set ECHO none
\pset pager off
\pset linestyle ascii
set client_min_messages = warning;
create role psql_owner login createdb;
create role psql_reader nologin;
create role psql_member login in role psql_reader connection limit 3 valid until '2040-01-01';
create role psql_admin superuser createrole replication bypassrls noinherit;
comment on role psql_reader is 'reads';
alter role psql_owner set work_mem = '8MB';
alter role psql_owner set search_path = shop, public;
create schema shop authorization psql_owner;
comment on schema shop is 'what is sold';
grant usage on schema shop to psql_reader;
set search_path = shop, public;
create type mood as enum ('sad', 'ok', 'happy');
comment on type mood is 'how it feels';
create domain percent as numeric(5,2);
create domain label as text collate "C";
create type pair as (a int, b text collate "C");
comment on domain percent is 'a share';
create sequence ticket as int increment by 5 minvalue 5 maxvalue 5000 start 10 cache 7 cycle;
comment on sequence ticket is 'numbers';
create table customer (
  id int generated always as identity primary key,
  name varchar(40) not null,
  mail text not null unique,
  since date default current_date,
  feeling mood default 'ok',
  share percent,
  tags text[],
  matrix int[][],
  full_name text generated always as (name || '!') stored,
  constraint name_check check (length(name) > 1) not valid
);
comment on table customer is 'who buys';
comment on column customer.name is 'as on the card';
comment on constraint name_check on customer is 'long enough';
create table item (
  sku char(8) not null,
  region smallint default 1,
  price numeric(10,2) check (price > 0),
  info jsonb,
  made timestamptz(3) default now(),
  took interval hour to minute,
  bits bit(3), vb bit varying(5),
  code "char",
  n bigserial,
  primary key (sku, region)
) with (fillfactor = 70);
create table orders (
  id serial primary key,
  customer_id int not null references customer on delete cascade on update set null,
  sku char(8), region smallint,
  amount int default 1,
  foreign key (sku, region) references item match full deferrable initially deferred,
  unique (customer_id, sku)
);
comment on index orders_pkey is 'by number';
create index item_price on item (price desc nulls last, sku) include (made) where price > 10;
create index customer_lower on customer (lower(name), mail text_pattern_ops, mail collate "C" desc);
create unique index customer_nnd on customer (since, share) nulls not distinct;
alter table item cluster on item_pkey;
alter table customer replica identity using index customer_mail_key;
alter table orders replica identity full;
alter table customer alter column mail set storage external;
alter table customer alter column since set statistics 77;
alter table item alter column info set compression pglz;
create view rich as select c.id, c.name, sum(o.amount) as total from customer c left join orders o on o.customer_id = c.id group by c.id, c.name having sum(o.amount) > 10;
create view checked with (security_barrier) as select id, name, share from customer where share > 50 with cascaded check option;
create view invoker with (security_invoker) as select * from item;
alter view rich alter column total set default 0;
comment on view rich is 'the best';
comment on column rich.total is 'of all orders';
create materialized view stock as select sku, count(*) as n from item group by sku with no data;
create unlogged table scratch (a int, b text);
create table empty_table ();
create table wide ("Mixed Case" int, "quote""d" text, "order" int);
grant select on customer to psql_reader;
grant select (sku, price), update (price) on item to psql_reader;
grant all on orders to psql_member with grant option;
grant usage on sequence ticket to psql_reader;
revoke all on scratch from postgres;
grant select on rich to public;
alter database psql_objects set work_mem = '5MB';
comment on database psql_objects is 'for psql';
prepare look(int) as select $1 + 1;
insert into customer (name, mail, share) values ('Ada', 'ada@x', 60), ('Bob', 'bob@x', 10);
insert into item (sku, price) values ('A1', 5), ('B2', 20);
set search_path = shop, public;
\echo '=== \\d orders'
\d orders
\echo '=== \\d+ orders'
\d+ orders
\echo '=== \\d rich'
\d rich
\echo '=== \\d checked'
\d checked
\echo '=== \\d invoker'
\d invoker
\echo '=== \\d stock'
\d stock
\echo '=== \\d scratch'
\d scratch
\echo '=== \\d+ scratch'
\d+ scratch
\echo '=== \\d empty_table'
\d empty_table
\echo '=== \\d+ empty_table'
\d+ empty_table
\echo '=== \\d wide'
\d wide
\echo '=== \\d+ wide'
\d+ wide
\echo '=== \\d ticket'
\d ticket
\echo '=== \\d+ ticket'
\d+ ticket
\echo '=== \\d orders_pkey'
\d orders_pkey
\echo '=== \\d+ orders_pkey'
\d+ orders_pkey
\echo '=== \\d customer_nnd'
\d customer_nnd
\echo '=== \\d mood'
\d mood
\echo '=== \\d+ mood'
\d+ mood
\echo '=== \\d percent'
\d percent
\echo '=== \\d+ percent'
\d+ percent
\echo '=== \\d label'
\d label
\echo '=== \\d+ label'
\d+ label
\echo '=== \\d item_n_seq'
\d item_n_seq
\echo '=== \\d+ item_n_seq'
\d+ item_n_seq
\echo '=== \\d nothing'
\d nothing
\echo '=== \\d+ nothing'
\d+ nothing
\echo '=== \\d customer_id_seq'
\d customer_id_seq
\echo '=== \\d+ customer_id_seq'
\d+ customer_id_seq
\echo '=== \\dv'
\dv
\echo '=== \\dv+'
\dv+
\echo '=== \\dm'
\dm
\echo '=== \\dm+'
\dm+
\echo '=== \\ds'
\ds
\echo '=== \\ds+'
\ds+
\echo '=== \\di'
\di
\echo '=== \\dE'
\dE
\echo '=== \\dE+'
\dE+
\echo '=== \\dtvmsi shop.*'
\dtvmsi shop.*
\echo '=== \\l psql_*'
\l psql_*
\echo '=== \\du psql*'
\du psql*
\echo '=== \\du+ psql*'
\du+ psql*
\echo '=== \\dg+ psql*'
\dg+ psql*
\echo '=== \\dn'
\dn
\echo '=== \\dn+'
\dn+
\echo '=== \\dn sh*'
\dn sh*
\echo '=== \\df'
\df
\echo '=== \\df+'
\df+
\echo '=== \\dfa'
\dfa
\echo '=== \\dfn'
\dfn
\echo '=== \\dfp'
\dfp
\echo '=== \\dft'
\dft
\echo '=== \\dfw'
\dfw
\echo '=== \\df abs *'
\df abs *
\echo '=== \\dT'
\dT
\echo '=== \\dT+'
\dT+
\echo '=== \\dT int*'
\dT int*
\echo '=== \\dT+ mood'
\dT+ mood
\echo '=== \\dp'
\dp
\echo '=== \\z'
\z
\echo '=== \\dp customer'
\dp customer
\echo '=== \\z shop.*'
\z shop.*
\echo '=== \\ddp'
\ddp
\echo '=== \\ddp shop'
\ddp shop
\echo '=== \\drds psql*'
\drds psql*
\echo '=== \\dx'
\dx
\echo '=== \\dx plpgsql'
\dx plpgsql
\echo '=== \\db'
\db
\echo '=== \\dd'
\dd
\echo '=== \\dd customer*'
\dd customer*
\echo '=== \\dy'
\dy
\echo '=== \\dy+'
\dy+
\echo '=== \\dX'
\dX
\echo '=== \\dX+'
\dX+
\echo '=== \\des'
\des
\echo '=== \\des+'
\des+
\echo '=== \\deu'
\deu
\echo '=== \\deu+'
\deu+
\echo '=== \\dew'
\dew
\echo '=== \\dew+'
\dew+
\echo '=== \\det'
\det
\echo '=== \\det+'
\det+
\echo '=== \\dRp'
\dRp
\echo '=== \\dRp+'
\dRp+
\echo '=== \\dRs'
\dRs
\echo '=== \\dRs+'
\dRs+
\echo '=== \\dP'
\dP
\echo '=== \\dP+'
\dP+
\echo '=== \\dPtn+'
\dPtn+
\echo '=== \\dl'
\dl
\echo '=== \\dl+'
\dl+
\echo '=== \\sv customer'
\sv customer
set client_min_messages = error;
\c postgres
drop database psql_objects;
drop role psql_member, psql_owner, psql_reader, psql_admin;
