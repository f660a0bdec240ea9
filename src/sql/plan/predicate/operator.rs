//! What comparisons prove of each other: `x < 3` that `x < 5`. PostgreSQL 15, predtest.c, operator_predicate_proof and
//! the functions it calls.
//!
//! PostgreSQL keeps tables of the strategies that follow from each other. They say how two constants must lie for all
//! values on a line, so they are made here by trying: five values around two constants are all the cases there are.

use super::Prover;
use crate::base::Oid;
use crate::sql::expr::{Expr, ExprKind, same};
use crate::sql::func::{self, OperDef};
use crate::types::{TypeRef, Value, oid};
use std::collections::HashMap;
use std::sync::OnceLock;

/// The strategies of btree families, from `<` on, and `<>`, which no family has.
const LESS: u8 = 1;
const LESS_EQUAL: u8 = 2;
const EQUAL: u8 = 3;
const GREATER_EQUAL: u8 = 4;
const GREATER: u8 = 5;
const NOT_EQUAL: u8 = 6;
/// pg_am.dat, btree.
const BTREE: &str = "403";

/// An operator as a member of a btree family.
#[derive(Clone, Copy)]
struct Member {
    family: u32,
    left: u32,
    right: u32,
    strategy: u8,
}

#[derive(Default)]
struct Families {
    of: HashMap<Oid, Vec<Member>>,
    operators: HashMap<(u32, u32, u32, u8), Oid>,
}

fn families() -> &'static Families {
    static FAMILIES: OnceLock<Families> = OnceLock::new();
    FAMILIES.get_or_init(|| {
        let mut out = Families::default();
        for line in include_str!("../../exec/system_view/facts/pg_amop.txt").lines() {
            let fields: Vec<&str> = line.split('\t').collect();
            let [_, family, left, right, strategy, "s", operator, BTREE, ..] = fields[..] else { continue };
            let number = |text: &str| text.parse::<u32>().unwrap_or_default();
            let m = Member {
                family: number(family),
                left: number(left),
                right: number(right),
                strategy: strategy.parse().unwrap_or_default(),
            };
            let operator = Oid(number(operator));
            out.of.entry(operator).or_default().push(m);
            out.operators.insert((m.family, m.left, m.right, m.strategy), operator);
        }
        out
    })
}

/// PostgreSQL 15, lsyscache.c, get_op_btree_interpretation: same rule.
fn interpretations(op: &OperDef) -> Vec<Member> {
    let all = &families().of;
    if let Some(found) = all.get(&op.oid) {
        return found.clone();
    }
    let equal = all.get(&op.negator).into_iter().flatten().filter(|m| m.strategy == EQUAL);
    equal.map(|m| Member { strategy: NOT_EQUAL, ..*m }).collect()
}

/// One operand is the same on both sides and stands left; the others, if they differ, are constants.
struct Pair<'e> {
    given: &'static OperDef,
    other: &'static OperDef,
    limits: Option<(&'e Expr, &'e Expr)>,
}

impl<'e> Pair<'e> {
    fn of(given: &'e Expr, other: &'e Expr) -> Option<Pair<'e>> {
        let (a, [al, ar]) = comparison(given)?;
        let (b, [bl, br]) = comparison(other)?;
        if al.ty.collation != bl.ty.collation {
            return None;
        }
        let back = |op: &OperDef| func::oper(op.commutator);
        let pair = |a, b, limits| Some(Pair { given: a, other: b, limits });
        match () {
            () if same(al, bl) && same(ar, br) => pair(a, b, None),
            () if same(al, bl) => pair(a, b, Some((ar, br))),
            () if same(ar, br) => pair(back(a)?, back(b)?, Some((al, bl))),
            () if same(bl, ar) && same(br, al) => pair(a, back(b)?, None),
            () if same(bl, ar) => pair(back(a)?, b, Some((al, br))),
            () if same(br, al) => pair(a, back(b)?, Some((ar, bl))),
            () => None,
        }
    }
}

fn comparison(e: &Expr) -> Option<(&'static OperDef, [&Expr; 2])> {
    match &e.kind {
        ExprKind::Func { oper: Some(o), args, .. } => match &args[..] {
            [l, r] => Some((func::oper(*o)?, [l, r])),
            _ => None,
        },
        _ => None,
    }
}

fn is_strict(op: &OperDef) -> bool {
    func::user::function_of(op).is_some_and(|f| f.strict)
}

impl Prover<'_> {
    /// `given` makes `other` true, or false (`refute`).
    pub(super) fn by_operators(&mut self, given: &Expr, other: &Expr, refute: bool) -> bool {
        let Some(pair) = Pair::of(given, other) else { return false };
        let Some((limit, other_limit)) = pair.limits else { return same_operands(&pair, refute) };
        let (ExprKind::Const(value), ExprKind::Const(other_value)) = (&limit.kind, &other_limit.kind) else {
            return false;
        };
        if value.is_null() {
            // It is never true. Only where it need not be false is that not enough.
            let by_null = other_value.is_null() && is_strict(pair.other);
            return is_strict(pair.given) && (!self.weak || refute || by_null);
        }
        if other_value.is_null() {
            return self.weak && is_strict(pair.other);
        }
        let Some(test) = test_operator(&pair, refute) else { return false };
        let collation = comparison(given).map(|(_, [left, _])| left.ty.collation).unwrap_or_default();
        let operand = |e: &Expr| TypeRef { collation, ..e.ty };
        let types = vec![operand(other_limit), operand(limit)];
        self.folder.holds(test, &[other_value, value], types)
    }
}

/// `x op y` and `x op y`.
fn same_operands(pair: &Pair<'_>, refute: bool) -> bool {
    let (a, b) = (pair.given, pair.other);
    let at_once = if refute { b.negator == a.oid } else { b.oid == a.oid };
    at_once || members(pair).iter().any(|(a, b)| outcomes(a.strategy, b.strategy, refute)[1])
}

/// The two operators in the same families.
fn members(pair: &Pair<'_>) -> Vec<(Member, Member)> {
    let given = interpretations(pair.given);
    let other = if given.is_empty() { Vec::new() } else { interpretations(pair.other) };
    let mut out = Vec::new();
    for b in other {
        out.extend(given.iter().filter(|a| a.family == b.family && a.left == b.left).map(|a| (*a, b)));
    }
    out
}

/// The operator that holds between the other constant and the given one just where the proof succeeds.
fn test_operator(pair: &Pair<'_>, refute: bool) -> Option<&'static OperDef> {
    members(pair).iter().find_map(|(a, b)| {
        let strategy = strategy_of(outcomes(a.strategy, b.strategy, refute))?;
        let looked_up = if strategy == NOT_EQUAL { EQUAL } else { strategy };
        let found = func::oper(*families().operators.get(&(a.family, b.right, a.right, looked_up))?)?;
        let found = if strategy == NOT_EQUAL { func::oper(found.negator)? } else { found };
        Some(found).filter(|o| func::user::function_of(o).is_some_and(|f| f.volatility == b'i'))
    })
}

/// Whether a value compares so with a constant.
fn holds(strategy: u8, value: i8, constant: i8) -> bool {
    match strategy {
        LESS => value < constant,
        LESS_EQUAL => value <= constant,
        EQUAL => value == constant,
        GREATER_EQUAL => value >= constant,
        GREATER => value > constant,
        _ => value != constant,
    }
}

/// Whether the proof succeeds where the other constant is less than the given one, the same, or greater.
fn outcomes(given: u8, other: u8, refute: bool) -> [bool; 3] {
    [(4, 2), (3, 3), (2, 4)]
        .map(|(constant, limit)| (1..=5).all(|v| !holds(given, v, constant) || holds(other, v, limit) != refute))
}

fn strategy_of(outcomes: [bool; 3]) -> Option<u8> {
    match outcomes {
        [true, false, false] => Some(LESS),
        [true, true, false] => Some(LESS_EQUAL),
        [false, true, false] => Some(EQUAL),
        [false, true, true] => Some(GREATER_EQUAL),
        [false, false, true] => Some(GREATER),
        [true, false, true] => Some(NOT_EQUAL),
        _ => None,
    }
}

impl super::super::fold::Folder<'_> {
    /// The operator is true of the constants; what fails is not.
    fn holds(&mut self, op: &OperDef, values: &[&Value], types: Vec<TypeRef>) -> bool {
        let Some(f) = func::user::function_of(op) else { return false };
        matches!(self.tried(f, values, types, TypeRef::of(oid::BOOL)), Some(Value::Bool(true)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(refute: bool) -> Vec<Vec<Option<u8>>> {
        let all = LESS..=NOT_EQUAL;
        all.clone().map(|g| all.clone().map(|o| strategy_of(outcomes(g, o, refute))).collect()).collect()
    }

    /// What PostgreSQL tests between the constants, by the given operator and the other one.
    #[test]
    fn tests_of_constants() {
        let rows = |table: Vec<Vec<Option<u8>>>| -> Vec<String> {
            let shown = |s: &Option<u8>| s.map_or('-', |s| char::from(b'0' + s));
            table.iter().map(|row| row.iter().map(shown).collect()).collect()
        };
        assert_eq!(rows(table(false)), ["44---4", "54---5", "543216", "---211", "---222", "-----3"]);
        assert_eq!(rows(table(true)), ["--444-", "--554-", "216543", "211---", "222---", "--3---"]);
    }

    #[test]
    fn integers_of_all_sizes_are_one_family() {
        let less = func::opers_named("<").iter().find(|o| o.left == oid::INT4 && o.right == oid::INT8).unwrap();
        let found = interpretations(less);
        assert_eq!(found.iter().map(|m| m.strategy).collect::<Vec<_>>(), [LESS]);
        let unequal = func::opers_named("<>").iter().find(|o| o.left == oid::INT4 && o.right == oid::INT4).unwrap();
        assert_eq!(interpretations(unequal).iter().map(|m| m.strategy).collect::<Vec<_>>(), [NOT_EQUAL]);
    }
}
