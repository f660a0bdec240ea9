#!/usr/bin/env python3
"""Random schemas, data and queries on two servers: the same rows or the same SQLSTATE, or the difference is printed.

    compare.py REFERENCE_DSN OUR_DSN [--seed N] [--count N] [--per-schema N] [--settings]

Needs psycopg2. Each round drops and makes a schema `compare` in both databases. With --settings every query also runs on
ours with the planner's enable_* parameters off, one at a time, and must give the same rows.
A difference prints the statements to repeat it.
"""
import argparse, random, sys
import psycopg2

TYPES = ["int", "bigint", "text", "numeric", "bool", "date", "float8", "smallint", "int[]"]
LITERALS = {
    "int": ["0", "1", "2", "3", "5", "-1", "10"],
    "smallint": ["0::smallint", "1::smallint", "2::smallint", "7::smallint"],
    "bigint": ["0::bigint", "1::bigint", "2::bigint", "5000000000"],
    "text": ["'a'", "'b'", "'ab'", "''", "'c'", "'B'"],
    "numeric": ["0.0", "1.5", "2.0", "-3.25"],
    "bool": ["true", "false"],
    "date": ["date '2020-01-01'", "date '2020-01-02'", "date '2021-06-30'"],
    "int[]": ["array[1, 2]", "'{}'::int[]", "array[1, null]", "array[3]", "'{2,1}'::int[]"],
    "float8": ["0::float8", "1.5::float8", "2::float8", "'-0'::float8"],
}
NUMBERS = ["int", "bigint", "numeric", "float8", "smallint"]
SETTINGS = ["enable_hashjoin", "enable_mergejoin", "enable_nestloop", "enable_indexscan", "enable_seqscan", "enable_sort",
            "enable_hashagg", "enable_indexonlyscan", "enable_bitmapscan", "enable_material", "enable_memoize",
            "enable_incremental_sort"]


class Gen:
    def __init__(self, rnd):
        self.r = rnd
        self.tables = {}
        self.names = 0

    def name(self, prefix):
        self.names += 1
        return f"{prefix}{self.names}"

    def chance(self, p):
        return self.r.random() < p

    def pick(self, items):
        return self.r.choice(items)

    # Schema and data

    def schema(self):
        out = ["drop schema if exists compare cascade", "create schema compare", "set search_path = compare"]
        for t in range(self.r.randint(2, 4)):
            cols = [(f"c{i}", self.pick(TYPES)) for i in range(self.r.randint(2, 5))]
            if not any(ty == "int" for _, ty in cols):
                cols[0] = ("c0", "int")
            name = f"t{t}"
            key = self.chance(0.4)
            self.tables[name] = ([("id", "int")] if key else []) + cols
            head = ["id int primary key"] if key else []
            out.append(f"create table {name} ({', '.join(head + [f'{c} {ty}' for c, ty in cols])})")
            rows = self.pick([0, 1, 5, 12, 30, 60])
            holes = self.pick([0.2, 0.2, 0.5, 0.9])
            for i in range(rows):
                vals = [str(i)] if key else []
                vals += ["null" if self.chance(holes) else self.pick(LITERALS[ty]) for _, ty in cols]
                out.append(f"insert into {name} values ({', '.join(vals)})")
            for i in range(self.r.randint(0, 2)):
                cs = self.r.sample([c for c, _ in cols], self.r.randint(1, min(2, len(cols))))
                cs = [c + self.pick(["", "", " desc", " nulls first"]) for c in cs]
                out.append(f"create index on {name} ({', '.join(cs)})")
            if self.chance(0.5):
                out.append(f"analyze {name}")
        return out

    # Expressions; `scope` is a list of (qualified column, type)

    def columns(self, scope, ty):
        return [c for c, t in scope if t == ty]

    def expr(self, ty, scope, depth, aggs=None):
        cols = self.columns(scope, ty)
        if cols and self.chance(0.6 if depth > 0 else 0.85):
            return self.pick(cols)
        if depth <= 0 or self.chance(0.25):
            return "null::" + ty if self.chance(0.07) else self.pick(LITERALS[ty])
        d = depth - 1
        e = lambda t: self.expr(t, scope, d)
        kinds = ["case", "coalesce", "nullif", "greatest"]
        if ty in NUMBERS:
            kinds += ["arith", "arith", "neg", "abs"]
        if ty == "text":
            kinds += ["concat", "upper", "cast", "substr"]
        if ty == "bool":
            return self.pred(scope, depth)
        if ty == "int":
            kinds += ["length", "extract", "element", "cardinality"]
        if ty == "int[]":
            kinds += ["append", "build", "gather"]
        if ty == "date":
            kinds += ["plusdays"]
        if ty == "bigint" and depth > 1:
            kinds += ["scalar_count"]
        if depth > 1:
            kinds += ["scalar"]
        k = self.pick(kinds)
        if k == "case":
            return f"case when {self.pred(scope, d)} then {e(ty)} else {e(ty)} end"
        if k == "coalesce":
            return f"coalesce({e(ty)}, {e(ty)})"
        if k == "nullif":
            return f"nullif({e(ty)}, {e(ty)})"
        if k == "greatest":
            return f"{self.pick(['greatest', 'least'])}({e(ty)}, {e(ty)})"
        if k == "arith":
            return f"({e(ty)} {self.pick('+-*' if ty not in ('smallint', 'bigint') else '+-')} {e(ty)})"
        if k == "neg":
            return f"(- {e(ty)})"
        if k == "abs":
            return f"abs({e(ty)})"
        if k == "concat":
            return f"({e('text')} || {e('text')})"
        if k == "upper":
            return f"{self.pick(['upper', 'lower', 'reverse'])}({e('text')})"
        if k == "substr":
            return f"substr({e('text')}, 1, 1)"
        if k == "cast":
            return f"({self.expr(self.pick(['int', 'bool', 'date', 'bigint']), scope, d)})::text"
        if k == "element":
            return f"({e('int[]')})[{self.pick(['1', '2', e('int')])}]"
        if k == "cardinality":
            return f"{self.pick(['cardinality', 'array_ndims'])}({e('int[]')})"
        if k == "append":
            return f"({e('int[]')} || {self.pick([e('int'), e('int[]')])})"
        if k == "build":
            return f"array[{e('int')}, {e('int')}]"
        if k == "gather":
            q, sc = self.source(scope, min(d, 1))
            mine = self.columns(sc, "int")
            if not mine:
                return self.pick(LITERALS["int[]"])
            c = self.pick(mine)
            return f"array(select {c} from {q} where {self.pred(sc + scope, min(d, 1))} order by {c})"
        if k == "length":
            return f"length({e('text')})"
        if k == "extract":
            return f"extract(day from {e('date')})::int"
        if k == "plusdays":
            return f"({e('date')} + {self.pick(['1', '-2', '30'])})"
        if k == "scalar_count":
            q, sc = self.source(scope, d)
            return f"(select count({self.pick(['*', self.pick(sc)[0]])}) from {q} where {self.pred(sc + scope, d)})"
        q, sc = self.source(scope, d)
        mine = self.columns(sc, ty)
        if not mine or ty == "bool":
            return self.pick(LITERALS[ty])
        c = self.pick(mine)
        if self.chance(0.5):
            return f"(select {self.pick(['min', 'max'])}({c}) from {q} where {self.pred(sc + scope, d)})"
        return f"(select {c} from {q} where {self.pred(sc + scope, d)} order by {c} {self.pick(['', 'desc', 'nulls first'])} limit 1)"

    def pred(self, scope, depth):
        bools = self.columns(scope, "bool")
        ty = self.pick([t for _, t in scope] or TYPES)
        if depth <= 0:
            if bools and self.chance(0.2):
                return self.pick(bools)
            return f"{self.expr(ty, scope, 0)} {self.pick(['=', '=', '<', '>', '<=', '>=', '<>'])} {self.expr(ty, scope, 0)}"
        d = depth - 1
        k = self.pick(["cmp", "cmp", "cmp", "and", "or", "not", "null", "in", "between", "exists", "insub", "any", "like",
                       "distinct", "row", "istrue", "mixed", "rowin", "rowsub", "arrayop", "anyarray", "symmetric"])
        e = lambda: self.expr(ty, scope, d)
        if k == "cmp":
            return f"{e()} {self.pick(['=', '=', '<', '>', '<=', '>=', '<>'])} {e()}"
        if k in ("and", "or"):
            return f"({self.pred(scope, d)} {k} {self.pred(scope, d)})"
        if k == "not":
            return f"(not {self.pred(scope, d)})"
        if k == "null":
            return f"({e()} is {self.pick(['', 'not '])}null)"
        if k == "in":
            return f"({e()} {self.pick(['', 'not '])}in ({e()}, {e()}, {self.pick(LITERALS[ty])}))"
        if k == "between":
            return f"({e()} {self.pick(['', 'not '])}between {e()} and {e()})"
        if k == "like":
            return f"({self.expr('text', scope, d)} {self.pick(['like', 'ilike', 'not like'])} {self.pick(['%b%', 'a%', '_', '%'] and [repr(x) for x in ['%b%', 'a%', '_', '%']])})"
        if k == "distinct":
            return f"({e()} is {self.pick(['', 'not '])}distinct from {e()})"
        if k == "istrue":
            return f"(({self.pred(scope, d)}) is {self.pick(['true', 'not true', 'false', 'unknown', 'not unknown'])})"
        if k == "mixed":
            a, b = self.pick(NUMBERS), self.pick(NUMBERS)
            return f"{self.expr(a, scope, d)} {self.pick(['=', '<', '>='])} {self.expr(b, scope, d)}"
        if k == "symmetric":
            return f"({e()} between symmetric {e()} and {e()})"
        if k == "arrayop":
            return f"({self.expr('int[]', scope, d)} {self.pick(['@>', '<@', '&&', '=', '<'])} {self.expr('int[]', scope, d)})"
        if k == "anyarray":
            return f"({self.expr('int', scope, d)} {self.pick(['=', '<', '<>'])} {self.pick(['any', 'all'])} ({self.expr('int[]', scope, d)}))"
        if k == "rowin":
            t2 = self.pick([t for _, t in scope] or TYPES)
            two = lambda: f"({e()}, {self.expr(t2, scope, d)})"
            return f"({two()} {self.pick(['', 'not '])}in ({two()}, {two()}))"
        if k == "row":
            t2 = self.pick([t for _, t in scope] or TYPES)
            return f"({e()}, {self.expr(t2, scope, d)}) {self.pick(['=', '<', '>=', '<>'])} ({e()}, {self.expr(t2, scope, d)})"
        if self.depth_left(d):
            q, sc = self.source(scope, d)
            w = self.pred(sc + scope, d)
            if k == "exists":
                return f"({self.pick(['', 'not '])}exists (select 1 from {q} where {w}))"
            mine = self.columns(sc, ty)
            if mine:
                c = self.pick(mine)
                tail = self.pick(["", "", "", f" group by {c}", f" order by {c} limit 3"])
                if k == "rowsub":
                    c2, t2 = self.pick(sc)
                    return f"(({e()}, {self.expr(t2, scope, d)}) {self.pick(['in', 'not in', '= any', '<> all'])} (select {c}, {c2} from {q} where {w}))"
                if k == "insub":
                    return f"({e()} {self.pick(['', 'not '])}in (select {c} from {q} where {w}{tail}))"
                return f"({e()} {self.pick(['=', '<', '>', '<>', '>='])} {self.pick(['any', 'all'])} (select {c} from {q} where {w}{tail}))"
        return f"{e()} = {e()}"

    def depth_left(self, d):
        return d >= 0

    # FROM

    def source(self, outer, depth):
        """One FROM clause: text and the columns it gives."""
        text, cols = self.item(outer, depth)
        for _ in range(self.pick([0, 0, 1, 1, 2] if depth > 0 else [0, 0, 0, 1])):
            if self.chance(0.2):
                text, cols = self.merged_join(outer)
                continue
            kind = self.pick(["join", "left join", "right join", "full join", "cross join", ",", "left join lateral", "join lateral"])
            right, rc = self.item(outer, depth - 1) if "lateral" not in kind else (None, None)
            if kind == ",":
                text, cols = f"{text} cross join {right}", cols + rc
            elif kind == "cross join":
                text, cols = f"{text} cross join {right}", cols + rc
            elif "lateral" in kind:
                q, rc = self.select(cols + outer, max(depth - 2, 0))
                a = self.name("l")
                text += f" {kind} ({q}) as {a} on {self.pick(['true', 'true', self.pred(cols + [(f'{a}.{n}', t) for n, t in rc], 0)])}"
                cols = cols + [(f"{a}.{n}", t) for n, t in rc]
            else:
                both = [(a, b) for a, t in cols for b, u in rc if t == u]
                cond = self.pred(cols + rc, min(depth, 1))
                if both and (self.chance(0.8) or kind == "full join"):
                    a, b = self.pick(both)
                    cond = f"{a} = {b}" + (f" and {cond}" if self.chance(0.3) else "")
                elif kind == "full join":
                    cond = "true"
                text, cols = f"{text} {kind} {right} on {cond}", cols + rc
        return text, cols

    def merged_join(self, outer):
        """Two tables with USING or NATURAL: the merged column, and those of both sides."""
        (a, b), key = (self.name("m"), self.name("m")), self.name("key")
        sides, cols = [], []
        ty = self.pick(["int", "int", "text", "bigint"])
        for side in (a, b):
            t = self.pick(list(self.tables))
            mine = [c for c, u in self.tables[t] if u == ty]
            k = self.pick(mine) if mine else f"null::{ty}"
            other, u = self.pick(self.tables[t])
            o = self.name("rest")
            sides.append(f"(select {k} as {key}, {other} as {o} from {t}) as {side}")
            cols += [(f"{side}.{key}", ty), (f"{side}.{o}", u), (o, u)]
        kind = self.pick(["join", "left join", "right join", "full join", "full join"])
        cols.append((key, ty))
        if self.chance(0.4):
            return f"{sides[0]} natural {kind} {sides[1]}", cols
        if self.chance(0.3):
            j = self.name("j")
            return f"{sides[0]} {kind} {sides[1]} using ({key}) as {j}", cols + [(f"{j}.{key}", ty)]
        return f"{sides[0]} {kind} {sides[1]} using ({key})", cols

    def item(self, outer, depth):
        a = self.name("x")
        if depth > 0 and self.chance(0.3):
            q, cols = self.select([], depth - 1)
            return f"({q}) as {a}", [(f"{a}.{n}", t) for n, t in cols]
        if self.chance(0.06):
            return f"generate_series({self.pick(['1', '0'])}, {self.pick(['3', '0', '5'])}) as {a}(g)", [(f"{a}.g", "int")]
        if self.chance(0.04):
            return f"unnest(array[1, null, 3], array['a', 'b']) with ordinality as {a}(p, q, o)", [(f"{a}.p", "int"), (f"{a}.q", "text"), (f"{a}.o", "bigint")]
        if self.chance(0.04):
            return f"rows from (generate_series(1, 3), unnest(array[true, null])) as {a}(p, q)", [(f"{a}.p", "int"), (f"{a}.q", "bool")]
        if self.chance(0.06):
            return f"(values (1, 'a'), (2, null), (null, 'b')) as {a}(p, q)", [(f"{a}.p", "int"), (f"{a}.q", "text")]
        t = self.pick(list(self.tables))
        return f"{t} as {a}", [(f"{a}.{c}", ty) for c, ty in self.tables[t]]

    # Queries: text and output columns (name, type)

    def select(self, outer, depth):
        k = self.r.random()
        if depth > 0 and k < 0.12:
            return self.setop(outer, depth)
        if depth > 0 and k < 0.2:
            return self.cte(depth)
        if depth > 0 and k < 0.25:
            return self.recursive(outer, depth)
        if depth > 0 and k < 0.3:
            return self.distinct_on(outer, depth)
        src, cols = self.source(outer, depth)
        scope = cols + outer
        where = f" where {self.pred(scope, depth)}" if self.chance(0.6) else ""
        k = self.r.random()
        if k < 0.3:
            return self.grouped(src, cols, outer, where, depth)
        outs = []
        for i in range(self.r.randint(1, 3)):
            ty = self.pick([t for _, t in cols])
            outs.append((f"o{i}", ty, self.expr(ty, scope, depth)))
        if k < 0.5 and depth > 0:
            # One alone: of equal rows two window functions may number different ones first.
            outs.append(self.window(cols, len(outs)))
        elif k < 0.54 and depth > 0:
            outs.append((f"o{len(outs)}", "int", self.pick(["generate_series(1, 2)", f"unnest({self.expr('int[]', scope, 1)})"])))
        distinct = "distinct " if self.chance(0.15) and not any(o[1] == "float8" for o in outs) else ""
        q = f"select {distinct}{', '.join(f'{e} as {n}' for n, _, e in outs)} from {src}{where}"
        q += self.tail(outs)
        return q, [(n, t) for n, t, _ in outs]

    def tail(self, outs):
        if not self.chance(0.3):
            return ""
        # The order is total over what is shown, so that a LIMIT decides.
        order = [n + self.pick(["", " desc", " nulls first", " desc nulls last"]) for n, t, *_ in outs]
        self.r.shuffle(order)
        q = f" order by {', '.join(order)}"
        if self.chance(0.6):
            q += f" limit {self.r.randint(0, 6)}"
        if self.chance(0.3):
            q += f" offset {self.r.randint(0, 3)}"
        return q

    def agg(self, cols, outer, depth):
        ty = self.pick([t for _, t in cols])
        arg = self.expr(ty, cols, min(depth, 1))
        k = self.pick(["count", "count*", "min", "max", "sum", "cd", "agg", "bool", "avg", "cont"])
        f = f" filter (where {self.pred(cols, 0)})" if self.chance(0.2) else ""
        if k == "count*":
            return "bigint", f"count(*){f}"
        if k == "cd":
            return "bigint", f"count(distinct {arg}){f}"
        if k in ("min", "max") and ty != "bool":
            return ty, f"{k}({arg}){f}"
        if k == "sum" and ty in ("int", "smallint"):
            return "bigint", f"sum({arg}){f}"
        if k == "sum" and ty in ("numeric", "bigint"):
            return "numeric", f"sum({arg}){f}"
        if k == "avg" and ty in ("int", "numeric"):
            return "numeric", f"round(avg({arg}){f}, 3)"
        if k == "agg" and ty == "text":
            return "text", f"string_agg({arg}, ',' order by {arg}){f}"
        if k == "bool":
            return "bool", f"{self.pick(['bool_and', 'bool_or'])}({self.pred(cols, 0)}){f}"
        if k == "cont" and ty in ("int", "date", "text"):
            return ty, f"percentile_disc(0.5) within group (order by {arg}){f}"
        return "bigint", f"count({arg}){f}"

    def grouped(self, src, cols, outer, where, depth):
        keys = []
        for i in range(self.r.randint(0, 2)):
            ty = self.pick([t for _, t in cols])
            keys.append((f"k{i}", ty, self.expr(ty, cols, min(depth, 1)) if self.chance(0.4) else self.pick(self.columns(cols, ty))))
        keys = [k for k in keys if any(c in k[2] for c, _ in cols) and k[1] != "float8"]
        outs = list(keys)
        for i in range(self.r.randint(1, 2)):
            ty, e = self.agg(cols, outer, depth)
            outs.append((f"a{i}", ty, e))
        group = ""
        if keys:
            form = self.pick(["{}", "{}", "{}", "rollup({})", "cube({})", "grouping sets (({}), ())", "mixed"])
            if form == "mixed":
                all_keys = [e for _, _, e in keys]
                sets = [f"({', '.join(self.r.sample(all_keys, self.r.randint(0, len(all_keys))))})" for _ in range(self.r.randint(1, 3))]
                sets.append(self.pick([f"rollup({', '.join(all_keys)})", f"cube({', '.join(all_keys)})", f"({', '.join(all_keys)})"]))
                form = self.pick(["grouping sets ({})", "distinct grouping sets ({})"]).format(", ".join(sets))
                if self.chance(0.3):
                    form += f", rollup({self.pick(all_keys)})"
                form = form.replace("{", "{{").replace("}", "}}")
            if form != "{}" or self.chance(0.1):
                outs.append((f"g{len(outs)}", "int", f"grouping({', '.join(e for _, _, e in keys)})"))
            if self.chance(0.15):
                outs.append((f"c{len(outs)}", "bigint", f"sum(count(*)) over (partition by {keys[0][2]})::bigint"))
            group = " group by " + form.format(", ".join(e for _, _, e in keys))
        having = f" having {self.agg(cols, outer, 0)[1].replace('round(', 'round(')} is not null" if self.chance(0.15) else ""
        if self.chance(0.15):
            having = f" having count(*) > {self.r.randint(0, 2)}"
        q = f"select {', '.join(f'{e} as {n}' for n, _, e in outs)} from {src}{where}{group}{having}"
        return q + self.tail(outs), [(n, t) for n, t, _ in outs]

    def frame(self, ordered):
        """A frame clause; RANGE with an offset only where there is one ORDER BY column of numbers."""
        mode = self.pick(["rows", "groups", "range"])
        offset = mode != "range" or ordered == "number"
        starts = ["unbounded preceding", "current row"] + ([f"{self.r.randint(0, 2)} preceding", f"{self.r.randint(0, 2)} following"] if offset else [])
        ends = ["unbounded following", "current row"] + ([f"{self.r.randint(0, 2)} preceding", f"{self.r.randint(0, 2)} following"] if offset else [])
        exclude = self.pick(["", "", "", " exclude current row", " exclude group", " exclude ties", " exclude no others"])
        return f" {mode} between {self.pick(starts)} and {self.pick(ends)}{exclude}"

    def window(self, cols, i):
        ty = self.pick([t for _, t in cols])
        arg = self.pick(self.columns(cols, ty))
        if self.chance(0.2):
            arg = self.expr(ty, cols, 1)
        part = f"partition by {self.pick(cols)[0]} " if self.chance(0.5) else ""
        # Over all columns equal rows are the same; over one column only what does not tell peers apart is asked.
        allcols = ", ".join(c + self.pick(["", " desc", " nulls first"]) for c, _ in cols)
        one = self.pick([c for c, t in cols])
        ints = self.columns(cols, "int")
        k = self.pick(["rank", "row_number", "lag", "value", "value", "agg", "agg", "agg", "ntile", "named"])
        filt = f" filter (where {self.pred(cols, 0)})" if self.chance(0.15) else ""
        if k == "rank":
            return f"w{i}", "float8" if self.chance(0) else "bigint", f"{self.pick(['rank', 'dense_rank'])}() over ({part}order by {one})"
        if k == "row_number":
            return f"w{i}", "bigint", f"row_number() over ({part}order by {allcols})"
        if k == "ntile":
            return f"w{i}", "int", f"ntile({self.r.randint(1, 4)}) over ({part}order by {allcols})"
        if k == "lag":
            more = self.pick(["", f", {self.r.randint(0, 2)}", f", {self.r.randint(0, 2)}, {self.pick(LITERALS[ty])}"])
            return f"w{i}", ty, f"{self.pick(['lag', 'lead'])}({arg}{more}) over ({part}order by {allcols})"
        if k == "value":
            f = self.pick([f"first_value({arg})", f"last_value({arg})", f"nth_value({arg}, {self.r.randint(1, 3)})"])
            return f"w{i}", ty, f"{f} over ({part}order by {allcols}{self.pick(['', self.frame('several')])})"
        number = self.pick(self.columns(cols, "int") + self.columns(cols, "bigint") + self.columns(cols, "numeric") + [""])
        if number and self.chance(0.6):
            order, frame = f"order by {number}{self.pick(['', ' desc', ' nulls first'])}", self.frame("number")
            if " rows " in frame:
                frame = ""
        else:
            order, frame = f"order by {allcols}", self.frame("several")
        frame = self.pick(["", frame, frame])
        aggs = [("bigint", "count(*)"), ("bigint", f"count({arg})")]
        if ints:
            aggs += [("bigint", f"sum({self.pick(ints)})"), ("bigint", f"sum({self.pick(ints)})"), ("int", f"max({self.pick(ints)})"), ("int", f"min({self.pick(ints)})")]
        if ty not in ("bool", "float8"):
            aggs.append((ty, f"{self.pick(['min', 'max'])}({arg})"))
        if number == "" or "rows" in frame:
            aggs.append(("text", f"array_agg({arg})::text"))
        if ty == "numeric":
            aggs.append(("numeric", f"sum({arg})"))
        t, f = self.pick(aggs)
        if "array_agg" in f and f"order by {allcols}" != order:
            t, f = "bigint", "count(*)"
        return f"w{i}", t, f"{f}{filt} over ({part}{order}{frame})"

    def setop(self, outer, depth):
        types = [self.pick(["int", "text", "bigint", "date", "int[]", "numeric"]) for _ in range(self.r.randint(1, 2))]

        def side(level):
            if level > 0 and self.chance(0.4):
                return f"({side(level - 1)}) {self.pick(['union', 'union all', 'intersect', 'except', 'intersect all', 'except all'])} ({side(level - 1)})"
            src, cols = self.source(outer, depth - 1)
            where = f" where {self.pred(cols + outer, depth - 1)}" if self.chance(0.5) else ""
            return f"select {', '.join(f'{self.expr(t, cols + outer, 1)} as u{i}' for i, t in enumerate(types))} from {src}{where}"

        q = side(1)
        for _ in range(self.r.randint(1, 2)):
            q = f"({q}) {self.pick(['union', 'union all', 'intersect', 'except', 'intersect all', 'except all'])} ({side(1)})"
        outs = [(f"u{i}", t) for i, t in enumerate(types)]
        return q + self.tail(outs), outs

    def recursive(self, outer, depth):
        """Numbers and something carried along; ends by its condition."""
        a, x = self.name("r"), self.name("x")
        t = self.pick(list(self.tables))
        cols = [(f"{x}.{c}", ty) for c, ty in self.tables[t]]
        start = self.pick(self.columns(cols, "int"))
        ty = self.pick(["int", "text", "int[]", "bool"])
        carried = {"int": f"{a}.v + 1", "text": f"{a}.v || 'x'", "int[]": f"{a}.v || {a}.n", "bool": f"not {a}.v"}[ty]
        first = {"int": "0", "text": "'s'::text", "int[]": "array[0]", "bool": "true"}[ty]
        union = self.pick(["union", "union all"])
        step = f"select {a}.n + 1, {carried} from {a} where {a}.n < {self.r.randint(1, 4)}"
        if self.chance(0.4):
            y = self.name("y")
            t2 = self.pick(list(self.tables))
            mine = [c for c, u in self.tables[t2] if u == "int"]
            step = f"select {a}.n + 1, {carried} from {a} join (select distinct {self.pick(mine)} as z from {t2}) as {y} on {y}.z = {a}.n where {a}.n < 4"
        b = self.name("y")
        sc = [(f"{b}.n", "int"), (f"{b}.v", ty)]
        where = f" where {self.pred(sc + outer, 1)}" if self.chance(0.5) else ""
        return (f"with recursive {a}(n, v) as (select distinct {start}, {first} from {t} as {x} where {start} > -3 {union} {step}) "
                f"select {b}.n as o0, {b}.v as o1 from {a} as {b}{where}"), [("o0", "int"), ("o1", ty)]

    def distinct_on(self, outer, depth):
        """The first row of each group by a total order of what is shown."""
        src, cols = self.source(outer, depth - 1)
        where = f" where {self.pred(cols + outer, depth - 1)}" if self.chance(0.5) else ""
        key, kt = self.pick(cols)
        outs = [("o0", kt, key)]
        for i in range(1, self.r.randint(2, 4)):
            c, t = self.pick(cols)
            outs.append((f"o{i}", t, c))
        order = ", ".join(n + self.pick(["", " desc", " nulls first"]) for n, _, _ in outs)
        limit = self.pick(["", "", f" limit {self.r.randint(0, 4)}"])
        q = f"select distinct on (o0) {', '.join(f'{e} as {n}' for n, _, e in outs)} from {src}{where} order by {order}{limit}"
        q = q.replace("distinct on (o0)", f"distinct on ({key})")
        return q, [(n, t) for n, t, _ in outs]

    # Statements that change rows

    def change(self):
        """INSERT, UPDATE or DELETE, alone or in WITH, with RETURNING."""
        t = self.pick(list(self.tables))
        own = self.tables[t]
        free = [(c, ty) for c, ty in own if c != "id"]
        scope = [(f"{t}.{c}", ty) for c, ty in own]
        k = self.pick(["insert", "update", "updatefrom", "delete", "deleteusing", "conflict", "merge"])
        back = ", ".join(f"{self.expr(ty, scope, 1)} as r{i}" for i, ty in enumerate([self.pick(own)[1], "int"]))
        value = lambda ty, sc: self.expr(ty, sc, 2)
        if k == "insert" and not any(c == "id" for c, _ in own):
            src, sc = self.source([], 1)
            q = f"insert into {t} select {', '.join(value(ty, sc) for _, ty in own)} from {src} where {self.pred(sc, 1)} returning {back}"
        elif k == "conflict" and any(c == "id" for c, _ in own):
            c, ty = self.pick(free)
            rows = ", ".join("(" + ", ".join([str(i)] + [self.pick(LITERALS[u]) for _, u in free]) + ")" for i in self.r.sample(range(80), 3))
            sc = scope + [(f"excluded.{c}", u) for c, u in own]
            q = f"insert into {t} values {rows} on conflict (id) {self.pick(['do nothing', f'do update set {c} = {value(ty, sc)} where {self.pred(sc, 1)}'])} returning {back}"
        elif k == "updatefrom":
            # Rows of the other side that may match several times must all say the same.
            c, ty = self.pick(free)
            src, sc = self.source([], 1)
            q = f"update {t} set {c} = {self.expr(ty, scope, 1)} from (select distinct {self.pick(sc)[0]} as z from {src}) as f where {self.pred(scope, 1)} returning {back}"
        elif k == "delete" or k == "deleteusing":
            src, sc = self.source([], 1)
            using = f" using {src}" if k == "deleteusing" else ""
            q = f"delete from {t}{using} where {self.pred(scope + (sc if using else []), 2)} returning {back}"
        elif k == "merge":
            src, sc = self.item([], 0)
            c, ty = self.pick(free)
            a = src.split(" as ")[-1].split("(")[0]
            mine = self.columns(sc, "int") or ["1"]
            mm = self.columns(scope, "int")
            return (f"merge into {t} using (select distinct {self.pick(mine)} as z from {src}) as f on f.z = {self.pick(mm)} "
                    f"when matched and {self.pred(scope, 1)} then delete when matched and {self.pred(scope, 1)} then update set {c} = {self.expr(ty, scope, 1)}"), t
        else:
            c, ty = self.pick(free)
            c2, ty2 = self.pick(free)
            sets = f"{c} = {value(ty, scope)}" if c == c2 else f"({c}, {c2}) = {self.pick([f'row({value(ty, scope)}, {value(ty2, scope)})', f'(select {value(ty, scope)}, {value(ty2, scope)})'])}"
            q = f"update {t} set {sets} where {self.pred(scope, 2)} returning {back}"
        if self.chance(0.5):
            a, b = self.name("w"), self.name("y")
            sc = [(f"{b}.r0", None), (f"{b}.r1", "int")]
            q = f"with {a} as ({q}) select {self.pick([f'{b}.r1', 'count(*)', f'sum({b}.r1)', f'{b}.r0'])} as o0 from {a} as {b}{self.pick(['', f' left join {t} on true' if self.chance(0.3) else ''])}"
        return q, t

    def cte(self, depth):
        a = self.name("w")
        q, cols = self.select([], depth - 1)
        mat = self.pick(["", "", "materialized ", "not materialized "])
        b = self.name("y")
        sc = [(f"{b}.{n}", t) for n, t in cols]
        n, t = self.pick(cols)
        joined = ""
        if self.chance(0.4):
            c = self.name("y")
            joined = f" left join {a} as {c} on {b}.{n} = {c}.{n}"
        ty = self.pick([x for _, x in cols])
        body = f"select {self.expr(ty, sc, 1)} as o0 from {a} as {b}{joined}"
        if self.chance(0.5):
            body += f" where {self.pred(sc, 1)}"
        return f"with {a} as {mat}({q}) {body}", [("o0", ty)]


class Server:
    def __init__(self, dsn):
        self.c = psycopg2.connect(dsn)
        self.c.autocommit = True
        self.cur = self.c.cursor()

    def run(self, sql):
        try:
            self.cur.execute(sql)
            if self.cur.description is None:
                return ("ok", self.cur.rowcount)
            kinds = tuple(d.type_code for d in self.cur.description)
            rows = sorted((tuple(self.show(v) for v in r) for r in self.cur.fetchall()), key=repr)
            return ("rows", kinds, rows)
        except psycopg2.Error as e:
            return ("error", e.pgcode, str(e).split("\n")[0])

    @staticmethod
    def show(v):
        if isinstance(v, float):
            return "%.9g" % (v + 0.0)
        return v if v is None or isinstance(v, (bool, int, list)) else str(v)


def same(a, b):
    if a[0] == "error" and b[0] == "error":
        return a[1] == b[1]
    return a == b


def changed(seed, q, t, ref, our):
    """A statement that changes rows: its answer, and the table afterwards. Both are undone."""
    def all_of(server):
        server.run("begin")
        answer = server.run(q)
        after = server.run(f"select * from {t}")
        server.run("rollback")
        return answer, after

    (a, x), (b, y) = all_of(ref), all_of(our)
    if a[0] == "error" and a[1] in ("57014", "22003", "22008"):
        return 0
    if same(a, b) and same(x, y):
        return 0
    print(f"-- seed {seed}\n{q};\n-- reference {str(a)[:500]} {str(x)[:300]}\n-- ours      {str(b)[:500]} {str(y)[:300]}", flush=True)
    return 1


def main():
    p = argparse.ArgumentParser()
    p.add_argument("reference"), p.add_argument("ours")
    p.add_argument("--seed", type=int, default=random.randrange(1 << 30))
    p.add_argument("--count", type=int, default=50)
    p.add_argument("--per-schema", type=int, default=40)
    p.add_argument("--settings", action="store_true")
    o = p.parse_args()
    ref, our = Server(o.reference), Server(o.ours)
    ref.run("set statement_timeout = '10s'"), our.run("set statement_timeout = '20s'")
    differ = 0
    for n in range(o.count):
        seed = o.seed + n
        g = Gen(random.Random(seed))
        setup = g.schema()
        for s in setup:
            a, b = ref.run(s), our.run(s)
            if not same(a, b):
                print(f"-- seed {seed}: set-up\n{s};\n-- {a}\n-- {b}", flush=True)
        for _ in range(o.per_schema):
            if g.chance(0.15):
                q, t = g.change()
                if len(q) > 6000:
                    continue
                differ += changed(seed, q, t, ref, our)
                continue
            q, _cols = g.select([], g.pick([0, 1, 2, 2, 3]))
            if len(q) > 6000:
                continue
            a, b = ref.run(q), our.run(q)
            if a[0] == "error" and a[1] in ("57014", "22003", "22008"):
                continue
            if not same(a, b):
                differ += 1
                print(f"-- seed {seed}\n{q};\n-- reference {str(a)[:600]}\n-- ours      {str(b)[:600]}", flush=True)
                continue
            if o.settings and b[0] == "rows":
                for s in SETTINGS:
                    our.run(f"set {s} = off")
                    c = our.run(q)
                    our.run(f"reset {s}")
                    if c != b:
                        differ += 1
                        print(f"-- seed {seed} {s} off\n{q};\n-- on  {str(b)[:600]}\n-- off {str(c)[:600]}", flush=True)
    print(f"seed {o.seed}, {o.count} schemas, {differ} differences")
    sys.exit(differ > 0)


main()
