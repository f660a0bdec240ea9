//! Parts of a query in the place of others (PostgreSQL 15, tsquery_rewrite.c and tsquery_util.c: same rules).

use super::Query;
use super::order::checksum;
use std::cmp::Ordering;

/// A query whose ANDs and ORs have any number of operands, in PostgreSQL's order of them.
#[derive(Clone, Debug)]
struct Tree {
    node: Node,
    /// It has just been put in, and is left alone.
    fresh: bool,
}

#[derive(Clone, Debug)]
enum Node {
    Value { text: String, weights: u8, prefix: bool, sum: i32 },
    Operator { number: u8, distance: u16, operands: Vec<Tree> },
}

const NOT: u8 = 1;
const AND: u8 = 2;
const OR: u8 = 3;
const PHRASE: u8 = 4;

impl Tree {
    fn of(query: &Query) -> Tree {
        let operator = |number, distance, operands| Node::Operator { number, distance, operands };
        let node = match query {
            Query::Value { text, weights, prefix } => {
                Node::Value { text: text.clone(), weights: *weights, prefix: *prefix, sum: checksum(text) }
            }
            Query::Not(a) => operator(NOT, 0, vec![Tree::of(a)]),
            Query::And(a, b) => operator(AND, 0, vec![Tree::of(b), Tree::of(a)]),
            Query::Or(a, b) => operator(OR, 0, vec![Tree::of(b), Tree::of(a)]),
            Query::Phrase(a, b, distance) => operator(PHRASE, *distance, vec![Tree::of(b), Tree::of(a)]),
        };
        Tree { node, fresh: false }
    }

    /// Ready for a search: operands of the same operator side by side, in order.
    fn flat(query: &Query) -> Tree {
        let mut tree = Tree::of(query);
        tree.flatten();
        tree.sort();
        tree
    }

    fn flatten(&mut self) {
        self.fresh = false;
        let Node::Operator { number, operands, .. } = &mut self.node else { return };
        operands.iter_mut().for_each(Tree::flatten);
        if !matches!(*number, AND | OR) {
            return;
        }
        let own = *number;
        let taken = std::mem::take(operands);
        for tree in taken {
            match tree.node {
                Node::Operator { number, operands: inner, .. } if number == own => operands.extend(inner),
                node => operands.push(Tree { node, fresh: tree.fresh }),
            }
        }
    }

    fn sort(&mut self) {
        let Node::Operator { number, operands, .. } = &mut self.node else { return };
        operands.iter_mut().for_each(Tree::sort);
        if *number != PHRASE {
            operands.sort_by(Tree::compare);
        }
    }

    fn compare(&self, other: &Tree) -> Ordering {
        match (&self.node, &other.node) {
            (Node::Value { .. }, Node::Operator { .. }) => Ordering::Greater,
            (Node::Operator { .. }, Node::Value { .. }) => Ordering::Less,
            (Node::Value { text: a, sum: x, .. }, Node::Value { text: b, sum: y, .. }) => {
                y.cmp(x).then_with(|| a.as_bytes().cmp(b.as_bytes()))
            }
            (
                Node::Operator { number: m, distance: d, operands: a },
                Node::Operator { number: n, distance: e, operands: b },
            ) => {
                let pairs =
                    || a.iter().zip(b).map(|(x, y)| x.compare(y)).find(|o| o.is_ne()).unwrap_or(Ordering::Equal);
                let far = || if *m == PHRASE { e.cmp(d) } else { Ordering::Equal };
                n.cmp(m).then_with(|| b.len().cmp(&a.len())).then_with(pairs).then_with(far)
            }
        }
    }

    /// Puts another in the place of what is equal to a sample; None: nothing is left.
    fn replaced(mut self, sample: &Tree, with: Option<&Tree>) -> Option<Tree> {
        let put_in = || with.map(|w| Tree { fresh: true, ..w.clone() });
        if self.fresh {
            return Some(self);
        }
        match (&mut self.node, &sample.node) {
            (Node::Value { .. }, Node::Value { .. }) => {
                return if self.compare(sample).is_eq() { put_in() } else { Some(self) };
            }
            (Node::Operator { number: m, operands: a, .. }, Node::Operator { number: n, operands: b, .. })
                if m == n =>
            {
                if a.len() == b.len() {
                    if self.compare(sample).is_eq() {
                        return put_in();
                    }
                } else if a.len() > b.len() && matches!(*m, AND | OR) && take_out(a, b) {
                    a.extend(put_in());
                    self.sort();
                }
            }
            _ => {}
        }
        let Node::Operator { number, operands, .. } = &mut self.node else { return Some(self) };
        let inner = std::mem::take(operands);
        operands.extend(inner.into_iter().filter_map(|t| t.replaced(sample, with)));
        match operands.len() {
            0 => None,
            1 if *number != NOT => operands.pop(),
            _ => Some(self),
        }
    }

    /// Two operands at each operator again.
    fn query(self) -> Query {
        let (number, distance, operands) = match self.node {
            Node::Value { text, weights, prefix, .. } => return Query::Value { text, weights, prefix },
            Node::Operator { number, distance, operands } => (number, distance, operands),
        };
        let mut made: Vec<Query> = operands.into_iter().map(Tree::query).collect();
        // Of more than two, the first two become one, and the last one takes the second place.
        while made.len() > 2 {
            let last = made.pop();
            let (first, second) = (made.remove(0), std::mem::take(&mut made));
            let mut rest = second.into_iter();
            let pair = rest.next().map(|second| pair(number, distance, first, second));
            made.extend(pair);
            made.extend(last);
            made.extend(rest);
        }
        let mut made = made.into_iter();
        match (made.next(), made.next()) {
            (Some(first), Some(second)) => pair(number, distance, first, second),
            (Some(only), None) if number == NOT => Query::Not(Box::new(only)),
            (Some(only), None) => only,
            // No operator is without operands.
            (None, _) => Query::Value { text: String::new(), weights: 0, prefix: false },
        }
    }
}

/// The first operand is the right one.
fn pair(number: u8, distance: u16, first: Query, second: Query) -> Query {
    let (left, right) = (Box::new(second), Box::new(first));
    match number {
        AND => Query::And(left, right),
        OR => Query::Or(left, right),
        _ => Query::Phrase(left, right, distance),
    }
}

/// Takes operands out if all of a sample's are among them.
fn take_out(operands: &mut Vec<Tree>, sample: &[Tree]) -> bool {
    let mut matched = vec![false; operands.len()];
    let (mut i, mut j) = (0, 0);
    while i < operands.len() && j < sample.len() {
        match operands[i].compare(&sample[j]) {
            Ordering::Equal => {
                matched[i] = true;
                i += 1;
                j += 1;
            }
            Ordering::Less => i += 1,
            Ordering::Greater => return false,
        }
    }
    if j < sample.len() {
        return false;
    }
    let mut keep = matched.iter().map(|m| !m);
    operands.retain(|_| keep.next().unwrap_or(true));
    true
}

/// A query while it is rewritten.
pub struct Rewriting(Option<Tree>);

impl Rewriting {
    pub fn new(query: &Query) -> Rewriting {
        Rewriting(Some(Tree::flat(query)))
    }

    /// Puts a query, or nothing, in the place of another.
    pub fn replace(&mut self, sample: &Query, with: Option<&Query>) {
        let (sample, with) = (Tree::flat(sample), with.map(Tree::of));
        self.0 = self.0.take().and_then(|t| t.replaced(&sample, with.as_ref()));
    }

    /// Makes it ready for another replacement.
    pub fn again(&mut self) {
        if let Some(tree) = &mut self.0 {
            tree.flatten();
            tree.sort();
        }
    }

    pub fn finish(self) -> Option<Query> {
        self.0.map(Tree::query)
    }
}
