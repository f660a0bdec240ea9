//! What a function may know besides its arguments: settings, session, catalogs, time, chance.

use super::FuncDef;
use super::regexp::RegexCache;
use crate::base::{Error, Flow, Interrupts, unguessable};
use crate::types::context::IoContext;
use crate::types::{Collation, Column, Datum, TypeRef};
use parking_lot::Mutex;
use std::sync::Arc;

/// Facts of the session a function runs in.
pub trait SessionFacts: Send + Sync {
    fn current_user(&self) -> String;
    fn session_user(&self) -> String;
    fn current_database(&self) -> String;
    /// First schema of the search path that exists.
    fn current_schema(&self) -> Option<String>;
    /// All schemas searched, with the implicit ones if asked for.
    fn current_schemas(&self, implicit: bool) -> Vec<String>;
    fn backend_pid(&self) -> i32;
    /// `SHOW name`; None if there is no such setting.
    fn setting(&self, name: &str) -> Option<String>;
    /// `SET [LOCAL] name = value`; returns the new value.
    fn set_setting(&self, name: &str, value: &str, local: bool) -> crate::base::Result<String>;
    /// What `version()` shows.
    fn version(&self) -> String;
    fn client_encoding(&self) -> String {
        "UTF8".into()
    }
}

/// Functions that need catalogs, locks, the log or time: everything marked [`FuncImpl::System`](super::FuncImpl).
/// May return a wait; then the call is repeated.
pub trait SystemHooks: Send + Sync {
    /// Pushes exactly one value on `out`, or fails, or waits having pushed nothing.
    fn call(&self, cx: &mut FnContext, def: &'static FuncDef, args: &[Datum<'_>], out: &mut Column) -> Flow<()>;
}

/// Knows no session and no system function.
#[derive(Debug)]
pub struct NoSession;

impl SessionFacts for NoSession {
    fn current_user(&self) -> String {
        "postgres".into()
    }
    fn session_user(&self) -> String {
        "postgres".into()
    }
    fn current_database(&self) -> String {
        "postgres".into()
    }
    fn current_schema(&self) -> Option<String> {
        Some("public".into())
    }
    fn current_schemas(&self, implicit: bool) -> Vec<String> {
        if implicit { vec!["pg_catalog".into(), "public".into()] } else { vec!["public".into()] }
    }
    fn backend_pid(&self) -> i32 {
        0
    }
    fn setting(&self, _: &str) -> Option<String> {
        None
    }
    fn set_setting(&self, name: &str, _: &str, _: bool) -> crate::base::Result<String> {
        Err(crate::err!(UNDEFINED_OBJECT, "unrecognized configuration parameter \"{name}\""))
    }
    fn version(&self) -> String {
        crate::settings::version_text()
    }
}

impl SystemHooks for NoSession {
    fn call(&self, _: &mut FnContext, def: &'static FuncDef, _: &[Datum<'_>], _: &mut Column) -> Flow<()> {
        Err(Error::unsupported(format!("function {}() is not supported", def.name)).into())
    }
}

/// The types of one call, for polymorphic functions. Made once by the binder's expression, shared by all rows.
#[derive(Clone, Debug)]
pub struct CallTypes {
    pub args: Vec<TypeRef>,
    pub ret: TypeRef,
    /// True if the last argument was given as `VARIADIC array`.
    pub variadic: bool,
}

/// The state behind `random()` and `setseed()`: xoroshiro128**, as in PostgreSQL 15.
#[derive(Clone, Debug)]
pub struct Random {
    s0: u64,
    s1: u64,
}

impl Random {
    /// A state nobody can guess.
    pub fn unguessable() -> Random {
        Random { s0: unguessable::number(), s1: unguessable::number() | 1 }
    }

    /// PostgreSQL 15, pg_prng.c, pg_prng_fseed: the same numbers follow the same seed.
    pub fn seed_float(seed: f64) -> Random {
        let max = ((1u64 << 52) - 1) as f64;
        Random::seed((max * seed) as i64 as u64)
    }

    pub fn seed(seed: u64) -> Random {
        let mut state = seed;
        let mut next = || {
            state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
            let mut v = state;
            v = (v ^ (v >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            v = (v ^ (v >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
            v ^ (v >> 31)
        };
        let (s0, s1) = (next(), next());
        if s0 == 0 && s1 == 0 {
            return Random { s0: 0x5851_F42D_4C95_7F2D, s1: 0x1405_7B7E_F767_814F };
        }
        Random { s0, s1 }
    }

    pub fn next_u64(&mut self) -> u64 {
        let s0 = self.s0;
        let sx = self.s1 ^ s0;
        let value = s0.wrapping_mul(5).rotate_left(7).wrapping_mul(9);
        self.s0 = s0.rotate_left(24) ^ sx ^ (sx << 16);
        self.s1 = sx.rotate_left(37);
        value
    }

    /// At least 0, below 1.
    pub fn next_f64(&mut self) -> f64 {
        (self.next_u64() >> 12) as f64 / (1u64 << 52) as f64
    }
}

/// Passed to every function. Owned, so that a statement can move between threads.
#[derive(Clone)]
pub struct FnContext {
    pub io: IoContext,
    pub session: Arc<dyn SessionFacts>,
    pub system: Arc<dyn SystemHooks>,
    pub interrupts: Arc<Interrupts>,
    /// Belongs to the session: `setseed` lasts beyond the statement.
    pub random: Arc<Mutex<Random>>,
    /// Start of the statement, microseconds since 2000-01-01 UTC; that of the transaction is `io.now_us`.
    pub statement_us: i64,
    /// Set by the evaluator before the rows of one call; None: the types are those declared.
    pub call: Option<Arc<CallTypes>>,
    /// The call is a step of an aggregate's state.
    pub in_aggregate: bool,
    pub regexes: RegexCache,
}

impl Default for FnContext {
    fn default() -> FnContext {
        FnContext {
            io: IoContext::default(),
            session: Arc::new(NoSession),
            system: Arc::new(NoSession),
            interrupts: Arc::default(),
            random: Arc::new(Mutex::new(Random::unguessable())),
            statement_us: 0,
            call: None,
            in_aggregate: false,
            regexes: RegexCache::default(),
        }
    }
}

impl FnContext {
    /// The type of argument `n` in this call, if the evaluator told.
    pub fn arg_type(&self, n: usize) -> TypeRef {
        self.call.as_ref().and_then(|c| c.args.get(n).copied()).unwrap_or(TypeRef::of(crate::types::oid::UNKNOWN))
    }

    /// What this call orders its arguments by: their first one says.
    pub fn collation(&self) -> Collation {
        self.call.as_ref().and_then(|c| c.args.first()).map_or(Collation::BYTES, |t| t.collation)
    }

    /// The type this call returns, if the evaluator told.
    pub fn ret_type(&self) -> TypeRef {
        self.call.as_ref().map_or(TypeRef::of(crate::types::oid::UNKNOWN), |c| c.ret)
    }

    /// True if the variadic arguments came as one array.
    pub fn variadic_array(&self) -> bool {
        self.call.as_ref().is_some_and(|c| c.variadic)
    }
}
