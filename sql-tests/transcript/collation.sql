-- A database whose text ICU orders, and one by the template's order.
create database by_icu template template0 locale_provider icu icu_locale 'en';
create database other locale_provider icu icu_locale 'en';
create database other template template0 locale_provider icu;
create database other template template0 icu_locale 'en';
create database other template template0 locale_provider nope;
create database other template template0 lc_collate 'xx_YY.utf8';
select datlocprovider, daticulocale from pg_database where datname = 'by_icu';
\c by_icu
create table words(t text, n int, primary key (t));
insert into words select w, n from unnest(array['a','B','b','A','ä','z','Z','é','co-op','coop','10','9']) with ordinality u(w, n);
select string_agg(t, ' ' order by t), min(t), max(t) from words;
select t from words order by t desc limit 2;
select t from words where t >= 'z';
set enable_seqscan = off;
set enable_bitmapscan = off;
set enable_sort = off;
explain (costs off) select t from words where t > 'b' order by t;
select t from words where t > 'b' order by t;
select t from words where t > 'b' collate "C" order by t limit 1;
select t from words where t = 'b' collate "C";
reset all;
select 'a' < 'B', row('a', 1) < row('B', 0), array['a'] < array['B'];
select n, rank() over (order by t) from words order by t limit 3;
select collation for (t), collation for ('x'::text collate "C") from words limit 1;
create function first_of(a text, b text) returns text language plpgsql as $$ begin if a < b then return a; end if; return b; end $$;
select first_of('a', 'B'), first_of('Z', 'a');
create table letters(t text) partition by range (t);
create table letters_1 partition of letters for values from ('a') to ('n');
create table letters_2 partition of letters for values from ('n') to ('zz');
insert into letters values ('B'), ('N'), ('é');
select tableoid::regclass, t from letters order by t;
select a.attname, c.collname from pg_attribute a join pg_collation c on c.oid = a.attcollation where attrelid = 'words'::regclass;
\d words
-- Two columns that disagree.
create table two(sv text collate "sv-x-icu", de text collate "de-x-icu");
insert into two values ('ä', 'z');
select sv < de from two;
select sv from two order by sv || de;
select sv from two union select de from two;
select sv collate "C" < de collate "en-x-icu" from two;
create view conflict as select sv || de as x from two;
create view settled as select sv || de collate "C" as x, sv from two where sv < 'x' collate "C";
\d+ settled
\d two
\c postgres
drop database by_icu;
