//! Simple queries that differ only in numbers share one plan.
//!
//! A client that does not prepare sends the same statement again and again with other keys in it. The second time a
//! text comes that differs from an earlier one only in its integers, its plan is made with parameters in their places
//! and kept; from then on such a text is neither parsed nor planned.
//!
//! Invariants
//! - TPL-1: a template answers exactly as the text itself would. So a number becomes a parameter only where its value
//!   matters to the executor alone: as an operand in WHERE, in SET and in VALUES (never in ORDER BY, LIMIT, a type or a
//!   select list), and of the type the parser gives it, `int4`.
//! - TPL-2: nor may planning it with its value pay: the plan is one row by a unique index, rows to insert, or so cheap
//!   that planning costs more.

use super::state::Session;
use super::statement::Statement;
use crate::base::BlockNo;
use crate::catalog::Relation;
use crate::sql::ast::{Assignment, Const, Expr, ExprKind, InsertSource, RawStmt, SelectBody, Stmt};
use crate::sql::exec::ExecContext;
use crate::sql::parse::{ParseOptions, parse_with};
use crate::sql::plan::{IndexOp, Plan, PlanNode};
use crate::types::{TypeRef, Value, oid};
use hashbrown::HashMap;
use smallvec::SmallVec;
use std::sync::Arc;

/// Longer texts, and texts with more numbers, are not looked at.
const MAX_BYTES: usize = 2048;
const MAX_NUMBERS: usize = 64;

/// How many shapes a session remembers.
const MAX_SHAPES: usize = 128;

/// A plan of at most this cost is not worth making again, whatever the values.
const CHEAP: f64 = 20.0;

/// A statement's text with its integers cut out.
#[derive(Debug, PartialEq)]
struct Shape {
    /// A zero byte, which no query has, for each number.
    key: String,
    numbers: SmallVec<[i32; 8]>,
    /// Where in the text each begins.
    places: SmallVec<[usize; 8]>,
}

impl Shape {
    /// None for a text that may hold anything harder to read than names, numbers and operators.
    fn of(text: &str) -> Option<Shape> {
        let text = text.trim_end();
        let text = text.strip_suffix(';').unwrap_or(text);
        let bytes = text.as_bytes();
        if bytes.len() > MAX_BYTES {
            return None;
        }
        let mut shape =
            Shape { key: String::with_capacity(bytes.len()), numbers: SmallVec::new(), places: SmallVec::new() };
        let (mut at, mut copied) = (0, 0);
        while at < bytes.len() {
            match bytes[at] {
                b'\'' | b'"' | b'$' | b'\\' | b';' | 0x80.. => return None,
                b'-' if bytes.get(at + 1) == Some(&b'-') => return None,
                b'/' if bytes.get(at + 1) == Some(&b'*') => return None,
                b'0'..=b'9' => {
                    let end = at + bytes[at..].iter().take_while(|b| b.is_ascii_digit()).count();
                    let of_a_word =
                        |b: Option<&u8>| b.is_some_and(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.'));
                    if of_a_word(bytes.get(end)) || at > 0 && bytes[at - 1] == b'.' {
                        return None;
                    }
                    shape.numbers.push(text[at..end].parse().ok()?);
                    shape.places.push(at);
                    shape.key.push_str(&text[copied..at]);
                    shape.key.push('\0');
                    (at, copied) = (end, end);
                }
                b'a'..=b'z' | b'A'..=b'Z' | b'_' => {
                    let word = |b: &&u8| b.is_ascii_alphanumeric() || **b == b'_';
                    at += bytes[at..].iter().take_while(word).count();
                }
                _ => at += 1,
            }
        }
        shape.key.push_str(&text[copied..]);
        (1..=MAX_NUMBERS).contains(&shape.numbers.len()).then_some(shape)
    }
}

/// What is known of the texts of a shape.
enum Entry {
    /// One was seen.
    Seen,
    /// They are planned each by itself.
    Unfit,
    Ready(Arc<Template>),
}

/// A statement with parameters for its numbers.
struct Template {
    statements: Arc<Vec<Arc<Statement>>>,
    /// The numbers that the parser reads together with a minus.
    negative: Vec<bool>,
    /// The relations read from end to end, with their pages when that was cheap.
    scanned: Vec<(Arc<Relation>, BlockNo)>,
}

/// The shapes a session has seen.
#[derive(Default)]
pub struct Templates {
    entries: HashMap<String, Entry>,
}

impl Templates {
    pub fn clear(&mut self) {
        self.entries.clear();
    }

    fn put(&mut self, key: String, entry: Entry) {
        if self.entries.len() >= MAX_SHAPES && !self.entries.contains_key(&key) {
            self.entries.clear();
        }
        self.entries.insert(key, entry);
    }
}

/// A statement that is ready to run, and the values of its parameters.
pub type Filled = (Arc<Vec<Arc<Statement>>>, Arc<[Value]>);

impl Session {
    /// The planned statement behind a text, if its shape has one.
    pub(super) fn template(&mut self, source: &Arc<str>) -> Option<Filled> {
        if self.block == super::block::Block::Failed || !self.parse_options().standard_conforming_strings {
            return None;
        }
        let shape = Shape::of(source)?;
        let template = match self.templates.entries.get(&shape.key) {
            None => {
                self.templates.put(shape.key, Entry::Seen);
                return None;
            }
            Some(Entry::Unfit) => return None,
            Some(Entry::Ready(template)) => {
                let template = template.clone();
                if !template.is_current(self.cx()) {
                    // Planned anew from a text of today: an error must point into it.
                    self.templates.put(shape.key, Entry::Seen);
                    return None;
                }
                template
            }
            Some(Entry::Seen) => match self.make_template(source, &shape) {
                Some(template) => {
                    let template = Arc::new(template);
                    self.templates.put(shape.key, Entry::Ready(template.clone()));
                    template
                }
                None => {
                    self.templates.put(shape.key, Entry::Unfit);
                    return None;
                }
            },
        };
        let value = |(n, negative): (&i32, &bool)| Value::I32(if *negative { -n } else { *n });
        let params = shape.numbers.iter().zip(&template.negative).map(value).collect();
        Some((template.statements.clone(), params))
    }

    fn make_template(&mut self, source: &Arc<str>, shape: &Shape) -> Option<Template> {
        let mut parsed = parse_with(source, &ParseOptions::default(), &mut Vec::new()).ok()?;
        let mut raw = parsed.pop().filter(|_| parsed.is_empty())?;
        let negative = cut_out(&mut raw, shape)?;
        let given = vec![TypeRef::of(oid::INT4); negative.len()];
        let statement = Arc::new(Statement::immediate(source.clone(), raw, given));
        self.ensure_transaction();
        let cx = self.cx();
        let plan = statement.plan(cx).ok()?;
        let mut scanned = Vec::new();
        if !is_settled(&plan.plan, &mut scanned) {
            return None;
        }
        let storage = &cx.backend().ok()?.instance.storage;
        let pages = |rel: Arc<Relation>| {
            let pages = rel.store.as_ref()?.nblocks(storage).ok()?;
            Some((rel, pages))
        };
        let scanned = scanned.into_iter().map(pages).collect::<Option<_>>()?;
        Some(Template { statements: Arc::new(vec![statement]), negative, scanned })
    }
}

impl Template {
    /// Whether its plan may be used as it is.
    fn is_current(&self, cx: &mut ExecContext) -> bool {
        let current = self.statements.iter().all(|s| s.current_plan(cx).is_some());
        let Ok(backend) = cx.backend() else { return false };
        let storage = &backend.instance.storage;
        let grown = |(rel, pages): &(Arc<Relation>, BlockNo)| {
            rel.store.as_ref().is_none_or(|s| s.nblocks(storage).is_ok_and(|now| now > pages.saturating_mul(2).max(8)))
        };
        current && !self.scanned.iter().any(grown)
    }
}

/// Puts parameters in the places of a shape's numbers. Returns which of them the parser had negated, or None if one
/// stands where its value matters to the parser or the planner (TPL-1).
fn cut_out(raw: &mut RawStmt, shape: &Shape) -> Option<Vec<bool>> {
    let mut cutter = Cutter { shape, negative: vec![None; shape.numbers.len()] };
    match &mut raw.stmt {
        Stmt::Select(s) => match &mut s.body {
            SelectBody::Select(core) => cutter.optional(&mut core.filter),
            _ => return None,
        },
        Stmt::Insert(s) => match &mut s.source {
            InsertSource::Query(q) => match &mut q.body {
                SelectBody::Values(rows) => rows.iter_mut().flatten().for_each(|e| cutter.cut(e)),
                _ => return None,
            },
            InsertSource::DefaultValues => return None,
        },
        Stmt::Update(s) => {
            for assignment in &mut s.set {
                if let Assignment::One { value, .. } = assignment {
                    cutter.cut(value);
                }
            }
            cutter.optional(&mut s.filter);
        }
        Stmt::Delete(s) => cutter.optional(&mut s.filter),
        _ => return None,
    }
    cutter.negative.into_iter().collect()
}

struct Cutter<'a> {
    shape: &'a Shape,
    /// Of each number: not cut out yet, or whether it was negated.
    negative: Vec<Option<bool>>,
}

impl Cutter<'_> {
    fn optional(&mut self, e: &mut Option<Expr>) {
        if let Some(e) = e {
            self.cut(e);
        }
    }

    /// Only into what hands its operands on as they are. Not into what the planner computes: `1 / 0` is an error there,
    /// even if no row asks for it.
    fn cut(&mut self, e: &mut Expr) {
        if is_computed(e) {
            return;
        }
        match &mut e.kind {
            ExprKind::Op { left, right, .. } => {
                if let Some(left) = left {
                    self.cut(left);
                }
                self.cut(right);
            }
            ExprKind::And(all) | ExprKind::Or(all) => all.iter_mut().for_each(|e| self.cut(e)),
            ExprKind::Not(e) => self.cut(e),
            ExprKind::Const(Const::Int(value)) => {
                // A negated constant stands where its minus does: its digits are the next ones.
                let at = self.shape.places.partition_point(|p| *p < e.pos as usize);
                let (Some(number), Some(place)) = (self.shape.numbers.get(at), self.shape.places.get(at)) else {
                    return;
                };
                let negated = *value < 0;
                if (*place == e.pos as usize) != negated && value.checked_abs() == Some(*number) {
                    self.negative[at] = Some(negated);
                    e.kind = ExprKind::Param(at as i32 + 1);
                }
            }
            _ => {}
        }
    }
}

/// An operator over nothing but constants.
fn is_computed(e: &Expr) -> bool {
    let constant = |e: &Expr| matches!(e.kind, ExprKind::Const(_)) || is_computed(e);
    matches!(&e.kind, ExprKind::Op { left, right, .. } if left.as_deref().is_none_or(constant) && constant(right))
}

/// Whether no value could make another plan worth while (TPL-2). Gathers what is read from end to end.
fn is_settled(plan: &Plan, scanned: &mut Vec<Arc<Relation>>) -> bool {
    match &plan.node {
        PlanNode::Result { input: None, .. } | PlanNode::Values { .. } => true,
        PlanNode::Result { input: Some(input), .. }
        | PlanNode::Filter { input, .. }
        | PlanNode::SubqueryScan { input, .. }
        | PlanNode::Project { input, .. }
        | PlanNode::LockRows { input, .. } => is_settled(input, scanned),
        PlanNode::Modify(m) => is_settled(&m.input, scanned),
        PlanNode::IndexScan(s) => {
            let equals = |n: usize| s.conditions.iter().any(|c| c.column == n && c.op == IndexOp::Eq);
            s.index.unique && (0..s.index.key_columns).all(equals)
        }
        PlanNode::SeqScan { rel, .. } => {
            scanned.push(rel.clone());
            plan.cost.total <= CHEAP
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(text: &str) -> Option<(String, Vec<i32>)> {
        Shape::of(text).map(|s| (s.key.replace('\0', "#"), s.numbers.to_vec()))
    }

    /// Only whole integers are cut out, and nothing is guessed about texts with strings, comments or several statements.
    #[test]
    fn shapes() {
        let cut = |text: &str| shape(text).unwrap();
        assert_eq!(cut("select a1 from t2 where b=15;"), ("select a1 from t2 where b=#".into(), vec![15]));
        assert_eq!(cut("update t set a = a + -3 where b<7 "), ("update t set a = a + -# where b<#".into(), vec![3, 7]));
        assert_eq!(cut("insert into t values (0,2147483647)").1, [0, i32::MAX]);
        for unfit in [
            "select 1.5",
            "select .5",
            "select 1e3",
            "select 5x",
            "select 1_000",
            "select '5'",
            "select 1 -- x",
            "select 1 /* x */",
            "select $1 + 1",
            "select 1; select 2",
            "select 2147483648",
            "select \"a1\" + 1",
            "select a from t",
            "select é + 1",
        ] {
            assert_eq!(shape(unfit), None, "{unfit}");
        }
    }

    fn negatives(text: &str) -> Option<Vec<bool>> {
        let mut raw = parse_with(text, &ParseOptions::default(), &mut Vec::new()).unwrap().pop().unwrap();
        cut_out(&mut raw, &Shape::of(text).unwrap())
    }

    /// A number becomes a parameter where it is an operand, and nowhere else.
    #[test]
    fn where_numbers_may_be_cut_out() {
        assert_eq!(negatives("select a from t where b = 5 and c < - 6"), Some(vec![false, true]));
        assert_eq!(
            negatives("update t set a = a + -3, b = 4 where not (b = 7 or c = 8)"),
            Some(vec![true, false, false, false])
        );
        assert_eq!(
            negatives("insert into t values (1, -2), (3, current_timestamp - 4)"),
            Some(vec![false, true, false, false])
        );
        for unfit in [
            "select a from t where b = 5 order by 1",
            "select 1 from t",
            "select a from t where b = 5 limit 1",
            "select a from t where b in (1, 2)",
            "select a from t where b = 1::numeric",
            "select a from t where b = f(1)",
            "select a from t where c = cast(a as numeric(3))",
            "select a from t where a = (select 1)",
            "select a, count(*) from t where b = 2 group by 1",
            "values (1)",
            "delete from t where a = 1 / 0",
            "select a from t where b = 1 union select 2",
            "insert into t select 1",
            "update t set (a, b) = (1, 2)",
            "update t set a[1] = 2",
            "delete from t where a = 1 returning 2",
            "select a from t where a between 1 and 2",
        ] {
            assert_eq!(negatives(unfit), None, "{unfit}");
        }
    }
}
