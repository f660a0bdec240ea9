-- ltree: values, patterns, searches; the same answers by its indexes.
create extension ltree;
select 'Top.Science'::ltree, ''::ltree, nlevel('a.b.c'), nlevel(''), subltree('Top.Child1.Child2',1,2), subpath('Top.Child1.Child2',0,2), subpath('Top.Child1.Child2',1), subpath('Top.Child1.Child2',-1), subpath('a.b.c.d',-3,2), subpath('a.b.c',0,-1), subpath('a.b.c',-5,2);
select subpath('a.b.c',1,0), subpath('a.b.c', 3);
select subltree('a.b',2,1);
select subltree('a.b',0,9), subltree('a.b.c',1,1);
select index('0.1.2.3.5.4.5.6.8.5.6.8','5.6'), index('0.1.2.3.5.4.5.6.8.5.6.8','5.6',-4), index('0.1.2.3.5.4.5.6.8.5.6.8','5.6',5), index('a','a.b'), index('','a'), index('a.b','',0), index('a.b.a','a',1), index('a.b.a','a',-100), index('a.b.a','a',100);
select lca('1.2.3','1.2.3.4.5.6'), lca(array['1.2.3','1.2.3.4']::ltree[]), lca('{}'::ltree[]), lca('1','2'), lca('1.2.2.3','1.2.3.4.5.6','1.2.3'), lca('','1.2') is null, lca('{la.2.3,1.2.3.4.5.6,""}') is null, lca('{la.2.3,la.2.3.4.5.6}'), lca('1.2.3');
select lca('1.2.3','1.2.3.4.5.6','1.2.3.9','1.2.3.10','1.2','1.2.3','1.2.9','1.2.8.8');
select 'a.b'::ltree || 'c'::ltree, 'a.b'::ltree || 'c.d'::text, 'x.y'::text || 'z'::ltree, ''::ltree || 'a', 'a'::ltree || '';
select 'a.b'::ltree || 'c d';
select ltree2text('a.b'), text2ltree('a.b');
select 'a'::ltree < 'b', 'a.b' > 'a'::ltree, 'a'::ltree = 'a', 'a'::ltree <> 'b', 'b'::ltree >= 'a.c', 'a'::ltree <= 'a';
select 'a.b'::ltree @> 'a.b.c', 'a.b.c'::ltree <@ 'a.b', 'a'::ltree @> 'b', ''::ltree @> 'a', 'a.b'::ltree @> 'a.b', 'a.b'::ltree ^@> 'a.b.c';
select 'a.b.c.d.e'::ltree ~ 'a.b.c.d.e', 'a.b.c.d.e'::ltree ~ 'A.b.c.d.e', 'a.b.c.d.e'::ltree ~ 'A@.b.c.d.e', 'aa.b.c.d.e'::ltree ~ 'A@*.b.c.d.e', 'a.b.c.d.e'::ltree ~ 'a|b.*{1,}.e', 'a.b.c.d.e'::ltree ~ '!b.*', 'a.b.c.d.e'::ltree ~ '*.!c', 'a.b.c.d.e'::ltree ~ '*{4}', 'a.b.c.d.e'::ltree ~ '*{5}', 'a.b.c.d.e'::ltree ~ '*{,4}', '5.0.1.0'::ltree ~ '5.!0.!0.0', 'QWER_TY'::ltree ~ 'q%@*', 'QWER_GY'::ltree ~ 'q_t%@*', 'QWER_TY'::ltree ~ 'Q_t%@*', 'a.b.c.d.e'::ltree ~ '!a{1,2}.!c.d{1}.e', ''::ltree ~ '*', ''::ltree ~ 'a{0}', 'a'::ltree ~ '!a';
select 'a.b.c.d.e'::ltree ~ '*.a.*', 'a.b.c.d.e'::ltree ~ 'a.*{5}', 'a.b.c.d.e'::ltree ~ 'a.b{0,2}.*', 'a.a.a'::ltree ~ 'a{2,3}', 'a.a.a'::ltree ~ '!b{3}', 'a.b'::ltree ~ '!b|c.b', lquery 'a.*' ~ 'a.b';
select 'a.b.c'::ltree ? array['x.*','*.c']::lquery[], 'a.b.c'::ltree ? '{}'::lquery[], '{a.*}'::lquery[] ? 'a.b'::ltree;
select 'a.b'::ltree ? array[array['a','b']]::lquery[];
select 'a.b'::ltree ? array['a',null]::lquery[];
select 'awdfg.qwerty'::ltree @ 'awdf*'::ltxtquery, 'tree.awdfg'::ltree @ '!tree & aWdf@*', 'tree.awdfg_qwerty'::ltree @ 'tree & aw_qw%*', 'tree'::ltree @ 'tree | x', ltxtquery 'a & !b' @ 'a.c'::ltree;
select '{a.b,c}'::ltree[] @> 'a.b.c'::ltree, '{a.b,c}'::ltree[] <@ 'a'::ltree, 'a.b.c'::ltree <@ '{a.b,c}'::ltree[], 'a'::ltree @> '{a.b,c}'::ltree[], '{a.b,c}'::ltree[] ~ 'a.*'::lquery, '{a.b,c}'::ltree[] ? '{x,c}'::lquery[], '{a.b,c}'::ltree[] @ 'b'::ltxtquery, '{a.b,c}'::ltree[] ?@> 'a.b.c', '{a.b,c}'::ltree[] ?<@ 'a', '{a.b,c}'::ltree[] ?~ 'c', '{a.b,c}'::ltree[] ?@ 'b', '{a.b,c}'::ltree[] ?@ 'zz';
select '{{a},{b}}'::ltree[] @> 'a'::ltree;
select '{a,null}'::ltree[] @> 'a'::ltree;
select 'a..b'::ltree; select 'a.'::ltree; select '.a'::ltree; select 'a b'::ltree; select (repeat('x',256))::ltree;
select '!'::lquery; select 'a@b'::lquery; select '*{'::lquery; select 'a{1'::lquery; select 'a||b'::lquery; select '1.2.'::lquery; select ''::lquery; select '*a'::lquery;
select '1.*.4|3|2.*{1}'::lquery, '1.!4|3|2.*{1,4}'::lquery, 'qwerty%@*.tu'::lquery, '*{,4}.*{4,}.*{3}.a{2}.!b{,}'::lquery;
select 'tree & aw_qw%*'::ltxtquery, '!a & (b|c)'::ltxtquery; select 'a &'::ltxtquery; select '(a'::ltxtquery; select 'a b'::ltxtquery;
create table lt (p ltree, ps ltree[]);
insert into lt select ('a.' || g % 7 || '.b' || g % 11 || '.' || g)::ltree, array[('x' || g % 5)::ltree, ('y.' || g)::ltree] from generate_series(1, 2000) g;
insert into lt values (''), ('a'), (null), ('a.3'), (repeat('longlabel.', 60)::text::ltree) on conflict do nothing;
insert into lt values (''), ('a'), (null), ('a.3'), ((repeat('longlabel.', 60) || 'e')::ltree);
create table res as select 0 as n, 0::bigint as c where false;
create function cnt() returns table (n int, c bigint) language sql as $$
select 1, count(*) from lt where p <@ 'a.3' union all select 2, count(*) from lt where p @> 'a.3.b4.500' union all select 3, count(*) from lt where p ~ '*.b5.*' union all select 4, count(*) from lt where p @ 'b5 & !7' union all
select 5, count(*) from lt where p ? '{a.1.*,*.b2.*}' union all select 6, count(*) from lt where p = 'a.3' union all select 7, count(*) from lt where p < 'a.2' union all select 8, count(*) from lt where p >= 'a.5' union all
select 9, count(*) from lt where ps <@ 'y'::ltree union all select 10, count(*) from lt where ps @> 'x1.q'::ltree union all select 11, count(*) from lt where ps ~ 'x2' union all select 12, count(*) from lt where ps @ 'x3 & y' union all select 13, count(*) from lt where ps ? '{x4,y.5}' union all select 14, count(*) from lt where p <@ 'longlabel' union all select 15, count(*) from lt where 'a.*{1}' ~ p union all select 16, count(*) from lt where p > 'a.6' and p < 'a.6.b3' $$;
select * from cnt() order by 1;
create index lg on lt using gist (p); create index lga on lt using gist (ps); create index lb on lt (p);
set enable_seqscan = off; set enable_indexscan = on;
select * from cnt() order by 1;
drop index lg;
select * from cnt() order by 1;
create index lg on lt using gist (p gist_ltree_ops);
delete from lt where p <@ 'a.1'; insert into lt select ('n.' || g)::ltree, null from generate_series(1,500) g; vacuum lt;
select * from cnt() order by 1;
select p from lt where p is not null order by p limit 5;
select max(p::text), min(p) from (select p from lt order by p limit 10) x;
select distinct subpath(p,0,1) from lt where nlevel(p) > 1 order by 1;
select count(*) from lt a join lt b on a.p = b.p;
\d lt
drop function cnt; drop table lt cascade; drop extension ltree cascade;
