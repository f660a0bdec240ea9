//! VALUES lists: rows of expressions.

use super::{ExecContext, Node};
use crate::base::Flow;
use crate::sql::expr::eval::{Projection, Sel};
use crate::sql::expr::{Expr, ExprKind};
use crate::types::{BATCH_ROWS, Batch, Column, Phys, Value, long};

/// Constants stay values; other rows are evaluated.
enum Row {
    Constants(Vec<Value>),
    Exprs(Projection),
}

pub(super) struct Values {
    rows: Vec<Row>,
    forms: Vec<Phys>,
    at: usize,
    out: Vec<Column>,
    lazy: bool,
}

impl Values {
    pub fn start(rows: &[Vec<Expr>], forms: Vec<Phys>, lazy: bool) -> Values {
        let constant = |e: &Expr| match &e.kind {
            ExprKind::Const(v) => Some(v.clone()),
            _ => None,
        };
        let row = |r: &Vec<Expr>| match r.iter().map(constant).collect() {
            Some(values) => Row::Constants(values),
            None => Row::Exprs(Projection::new(r)),
        };
        Values { rows: rows.iter().map(row).collect(), forms, at: 0, out: Vec::new(), lazy }
    }
}

impl Node for Values {
    fn next(&mut self, cx: &mut ExecContext) -> Flow<Option<Batch>> {
        cx.poll()?;
        if self.out.is_empty() {
            self.out = self.forms.iter().map(|p| Column::new(*p)).collect();
        }
        let mut rows = self.out.first().map_or(0, Column::len);
        let nothing = Batch { columns: Vec::new(), rows: 1 };
        let most = if self.lazy { cx.run.row_goal.clamp(1, BATCH_ROWS) } else { BATCH_ROWS };
        while rows < most
            && !long(&self.out)
            && let Some(row) = self.rows.get_mut(self.at)
        {
            match row {
                Row::Constants(values) => {
                    self.out.iter_mut().zip(values).for_each(|(c, v)| c.push(v.datum()));
                }
                Row::Exprs(e) => {
                    let columns = e.run(cx, &nothing, Sel::All(1))?;
                    self.out.iter_mut().zip(&columns).for_each(|(c, v)| c.push_from(v, 0));
                }
            }
            self.at += 1;
            rows += 1;
        }
        let columns = std::mem::take(&mut self.out);
        Ok((rows > 0).then_some(Batch { columns, rows }))
    }

    fn rescan(&mut self, _: &mut ExecContext) -> Flow<()> {
        self.at = 0;
        self.out.clear();
        for r in &mut self.rows {
            if let Row::Exprs(e) = r {
                e.reset();
            }
        }
        Ok(())
    }
}
