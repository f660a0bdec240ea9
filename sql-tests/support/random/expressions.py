"""Calls of everything in the reference's pg_proc and pg_operator, casts, inputs and aggregates over values at the edges.

    expressions.py REFERENCE_PORT OUR_PORT func|op|cast|input|agg|nest [SEED] [PER_FUNCTION] [PATTERN] [ext]

PATTERN chooses by name; `ext` asks by the extended protocol for binary results.
"""
import sys, random, collections, re, threading
from wire import *
from values import *
reference, ours, mode = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
seed = int(sys.argv[4]) if len(sys.argv) > 4 else random.randrange(1 << 30)
per = int(sys.argv[5]) if len(sys.argv) > 5 else 4
only = sys.argv[6] if len(sys.argv) > 6 else ""
ext = "ext" in sys.argv[7:]
r = random.Random(seed)
pg, us = Conn(reference, "postgres"), Conn(ours, "postgres")
SET = ["set timezone='Europe/Berlin'", "set statement_timeout='5s'", "set extra_float_digits=1", "set lc_monetary='C'"]
for c in (pg, us): c.run(SET)
def rows(q):
    return [[x.decode() if x is not None else None for x in m[1]] for m in pg.run([q])[0] if m[0] == "D"]
types = dict(rows("select oid, typname from pg_type"))
SKIP = set("""now transaction_timestamp statement_timestamp version pg_backend_pid inet_client_addr inet_client_port inet_server_addr inet_server_port pg_postmaster_start_time pg_conf_load_time
 current_setting txid_current_snapshot pg_current_snapshot txid_current_if_assigned pg_current_xact_id_if_assigned pg_my_temp_schema pg_ls_dir pg_show_all_settings pg_show_all_file_settings pg_hba_file_rules pg_ident_file_mappings pg_config pg_lock_status pg_cursor pg_prepared_statement
 pg_prepared_xact pg_timezone_names pg_timezone_abbrevs pg_current_logfile pg_database_size pg_tablespace_size pg_relation_size pg_total_relation_size pg_indexes_size pg_table_size pg_relation_filenode pg_relation_filepath pg_filenode_relation
 pg_stop_making_pinned_objects pg_replication_slot_advance pg_get_backend_memory_contexts pg_backup_start pg_backup_stop database_to_xml database_to_xmlschema database_to_xml_and_xmlschema schema_to_xml schema_to_xml_and_xmlschema schema_to_xmlschema table_to_xml table_to_xmlschema table_to_xml_and_xmlschema
 cursor_to_xml cursor_to_xmlschema query_to_xml query_to_xmlschema query_to_xml_and_xmlschema gen_random_uuid generate_series age pg_column_size txid_current pg_current_xact_id bitcmp varbitcmp uuid_cmp network_cmp bpcharcmp pg_blocking_pids pg_safe_snapshot_blocking_pids pg_available_extensions pg_available_extension_versions pg_get_publication_tables pg_get_wal_resource_managers pg_options_to_table
 pg_get_shmem_allocations pg_get_replication_slots pg_last_committed_xact pg_xact_commit_timestamp pg_xact_commit_timestamp_origin mxid_age age_xid pg_get_catalog_foreign_keys pg_tablespace_databases pg_timezone_names pg_tablespace_location pg_collation_actual_version pg_database_collation_actual_version pg_encoding_max_length
 """.split())
def skip(n):
    return n in SKIP or n.startswith(("pg_stat", "pg_ls_", "pg_control", "pg_wal", "binary_upgrade", "ri_", "fmgr_", "pg_sync", "pg_logical", "pg_replication", "pg_advis", "pg_try_adv", "has_", "pg_event_trigger", "pg_read", "row_security_active", "pg_get_mult", "pg_is_", "pg_last_wal", "pg_show_repl", "brin_", "gin_","gist_","spg_","bt","hash_record_x", "pg_relation_is_pub","pg_identify", "pg_describe", "obj_desc", "pg_sequence", "lo_", "nextval", "currval", "setval", "ts_stat", "pg_extension", "pg_export", "pg_import","lastval"))
procs = []
for n, args, ret, var, retset, kind in rows("""select proname, array_to_string(proargtypes::oid[], ' '), prorettype, provariadic, proretset, prokind from pg_proc where prokind in ('f','a','w') and provolatile in ('i','s') and prorettype not in (2281,2279) and pronamespace = 11 order by 1,2"""):
    if skip(n): continue
    if only and not re.search(only, n): continue
    a = [types[x] for x in args.split()]
    if any(t not in V and not POLY.get(t) for t in a): continue
    procs.append((n, a, kind, retset, var))
ops = []
for n, l, rr in rows("select oprname, oprleft, oprright from pg_operator where oprnamespace=11 order by 1,2,3"):
    a = [types.get(l), types[rr]]
    if only and not re.search(only, n): continue
    if any(t is not None and t not in V and not POLY.get(t) for t in a): continue
    ops.append((n, a))
def inst(a):
    """Polymorphic types made ordinary, all the same element type mostly."""
    fam = r.choice(["int4", "text", "numeric"])
    def one(t):
        if t not in POLY: return t
        if r.random() < 0.1: return r.choice(POLY[t] or ["int4"])
        if t in ("anyelement", "anycompatible", "anynonarray","anycompatiblenonarray"): return fam
        if t in ("anyarray", "anycompatiblearray"): return "_" + fam
        if t in ("anyrange", "anycompatiblerange"): return {"int4": "int4range", "numeric": "numrange", "text": "daterange"}[fam]
        if t in ("anymultirange", "anycompatiblemultirange"): return {"int4": "int4multirange", "numeric": "nummultirange", "text": "datemultirange"}[fam]
        return r.choice(POLY[t])
    return [one(t) for t in a]
def arg(t, d):
    if d > 0 and r.random() < 0.3:
        c = BYRET.get(t)
        if c: return call(*r.choice(c), d=d-1)
    return lit(r, t)
def call(n, a, d=0):
    return f"{n if '.' in n else chr(34) + n + chr(34)}({', '.join(arg(t, d) for t in inst(a))})"
BYRET = {}
def func():
    n, a, kind, rs, var = p = r.choice(procs)
    return p
def gen():
    if mode == "func":
        for n, a, kind, rs, var in procs:
            if kind != "f": continue
            for _ in range(per if a else 1):
                q = f'"{n}"' if n in ("substring","position","overlay","timezone","like","similar_to_escape","extract","xmlexists", "overlaps", "char", "bit", "time","timestamp","interval","numeric","varchar","bpchar","normalize","is_normalized","timestamptz","timetz") or not n.isidentifier() else n
                q = "pg_catalog." + q
                yield f"select {'* from ' if rs=='t' and r.random()<0.8 else ''}{q}({', '.join(lit(r, t) for t in inst(a))})"
    elif mode == "op":
        for n, a in ops:
            for _ in range(per):
                b = inst([x for x in a if x])
                if len(b) == 2: yield f"select {lit(r, b[0])} {n} {lit(r, b[1])}"
                else: yield f"select {n} {lit(r, b[0])}"
    elif mode == "cast":
        ts = sorted(V)
        for a in ts:
            for b in ts:
                if only and not re.search(only, a + " " + b): continue
                for _ in range(per):
                    yield f"select ({lit(r, a)})::{tname(b)}"
                    if r.random() < 0.3: yield f"select '{r.choice(V[a])}'::{tname(b)}" if "'" not in a else "select 1"
    elif mode == "input":
        ts = sorted(V)
        for b in ts:
            for _ in range(per):
                s = r.choice(V[b])
                for _ in range(r.randint(1, 3)):
                    k = r.random()
                    i = r.randint(0, len(s))
                    if k < 0.3: s = s[:i] + s[i+1:]
                    elif k < 0.7: s = s[:i] + r.choice(list("0123456789+-eE.:, ()[]{}\"\\/<>|&!*'xXTZ") + ["\u00e9", " "]) + s[i:]
                    else:
                        o = r.choice(V[r.choice(ts) if r.random() < 0.2 else b]); j = r.randint(0, len(o)); s = s[:i] + o[j:]
                yield f"select {quote(s)}::{tname(b)}"
    elif mode == "agg":
        for n, a, kind, rs, var in procs:
            if kind != "a": continue
            for _ in range(per):
                b = inst(a)
                k = r.randint(0, 5)
                vals = ", ".join("(" + ", ".join([str(i)] + [lit(r, t) for t in b]) + ")" for i in range(k + 1))
                cols = ", ".join(f"c{i}" for i in range(len(b)))
                inside = cols or "*"
                od = r.choice(["", " order by k", f" order by c0 {r.choice(['', 'desc', 'nulls first'])}, k"]) if b else ""
                di = "distinct " if b and r.random() < 0.2 and not od else ""
                f = r.choice(["", "", f" filter (where k % 2 = {r.randint(0,1)})"])
                w = r.choice(["", "", "", " over (order by k)", " over (order by k rows between 1 preceding and 1 following)", " over (order by k rows between current row and unbounded following)", " over (order by k rows between 1 preceding and 1 following exclude current row)"]) if not di and not od else ""
                yield f"select {n}({di}{inside}{od}){f}{w} from (values {vals}) v(k{', ' if cols else ''}{cols}) where k < {r.choice([k+1, k+1, 0, 1])}"
    elif mode == "nest":
        for n, a, kind, rs, var in procs:
            if kind == "f" and rs == "f": 
                t = types.get(RET.get((n, tuple(a))))
                BYRET.setdefault(t, []).append((n, a))
        keys = [k for k in BYRET if k in V]
        for _ in range(per):
            n, a, kind, rs, var = r.choice(procs)
            if kind != "f" or rs != "f" or not a: continue
            yield "select " + call('pg_catalog."' + n + '"', a, 2)
RET = {(n, tuple(types[x] for x in a.split())): t for n, a, t in rows("select proname, array_to_string(proargtypes::oid[], ' '), prorettype from pg_proc where provolatile='i'")}
seen = collections.Counter(); total = 0
shown = collections.Counter()
def show(m):
    return [x for x in m if x[0] != "C"] 
def flush(b):
    global total
    res = [None, None]
    def go(i, c): res[i] = c.run_ext(b) if ext else c.run(b)
    t = [threading.Thread(target=go, args=(0, pg)), threading.Thread(target=go, args=(1, us))]
    for x in t: x.start()
    for x in t: x.join()
    for q, x, y in zip(b, *res):
        total += 1
        k = klass(x, y)
        if k:
            if k == "DEAD":
                for c in (pg, us): c.run(SET)
            seen[k] += 1
            m = re.search(r'[ .]"?([a-z_0-9]+)"?\(', q) if mode in ("func", "agg", "nest") else None
            key = (k, m.group(1) if m else re.sub(r"E?'(''|\\'|[^'])*'", "", q))
            shown[key] += 1
            if shown[key] > 2: continue
            print(f"[{k}] {q}\n   reference {show(x)}\n   ours      {show(y)}", flush=True)
batch = []
for q in gen():
    batch.append(q)
    if len(batch) == 64: flush(batch); batch = []
if batch: flush(batch)
print(f"{mode}, seed {seed}: {total} statements, differences {dict(seen)}")
