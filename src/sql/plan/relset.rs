//! Sets of range-table entries.

/// At most this many relations in one query level.
pub(super) const MAX_RELS: usize = 128;

#[derive(Clone, Copy, PartialEq, Eq, Hash, Default, Debug)]
pub(super) struct RelSet(pub u128);

impl RelSet {
    pub const EMPTY: RelSet = RelSet(0);

    pub fn one(rel: usize) -> RelSet {
        RelSet(1 << rel)
    }

    pub fn has(self, rel: usize) -> bool {
        self.0 & (1 << rel) != 0
    }

    pub fn insert(&mut self, rel: usize) {
        self.0 |= 1 << rel;
    }

    pub fn union(self, o: RelSet) -> RelSet {
        RelSet(self.0 | o.0)
    }

    pub fn and(self, o: RelSet) -> RelSet {
        RelSet(self.0 & o.0)
    }

    pub fn minus(self, o: RelSet) -> RelSet {
        RelSet(self.0 & !o.0)
    }

    pub fn overlaps(self, o: RelSet) -> bool {
        self.0 & o.0 != 0
    }

    pub fn within(self, o: RelSet) -> bool {
        self.0 & !o.0 == 0
    }

    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    pub fn len(self) -> usize {
        self.0.count_ones() as usize
    }

    /// The only member, if there is exactly one.
    pub fn single(self) -> Option<usize> {
        if self.len() == 1 { Some(self.0.trailing_zeros() as usize) } else { None }
    }

    pub fn iter(self) -> impl Iterator<Item = usize> {
        let mut rest = self.0;
        std::iter::from_fn(move || {
            if rest == 0 {
                return None;
            }
            let n = rest.trailing_zeros() as usize;
            rest &= rest - 1;
            Some(n)
        })
    }
}

/// The relations of this level an expression reads.
pub(super) fn rels_of(e: &crate::sql::expr::Expr) -> RelSet {
    use crate::sql::expr::ExprKind;
    let mut out = RelSet::EMPTY;
    e.walk(&mut |x| {
        match &x.kind {
            ExprKind::Var { rel, levels_up: 0, .. } => out.insert(*rel),
            ExprKind::SubLink(l) => add_sub_query(&l.query, &mut out),
            _ => {}
        }
        true
    });
    out
}

fn add_sub_query(q: &crate::sql::bind::Query, out: &mut RelSet) {
    use crate::sql::expr::ExprKind;
    let mut q = q.clone();
    q.walk_mut(1, &mut |e, depth| {
        if let ExprKind::Var { rel, levels_up, .. } = e.kind
            && levels_up == depth
        {
            out.insert(rel);
        }
    });
}
