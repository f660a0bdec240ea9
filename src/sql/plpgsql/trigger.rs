//! What a trigger function finds set when it is fired: NEW, OLD and TG_….

use super::code::VarKind;
use super::frame::{Frame, RecordValue, Shape, Slot};
use crate::base::Oid;
use crate::catalog::Relation;
use crate::sql::exec::after_row::transition::Transitions;
use crate::types::{Value, array, oid};
use std::sync::Arc;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum When {
    Before,
    After,
    InsteadOf,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Level {
    Row,
    Statement,
}

/// One firing of a trigger.
#[derive(Clone)]
pub struct TriggerData {
    pub name: String,
    pub when: When,
    pub level: Level,
    /// INSERT, UPDATE, DELETE, TRUNCATE.
    pub operation: &'static str,
    pub relation: Arc<Relation>,
    pub args: Vec<String>,
    /// All attributes of the rows, dropped ones as NULL.
    pub new: Option<Vec<Value>>,
    pub old: Option<Vec<Value>>,
    pub trigger: Oid,
    pub transitions: Transitions,
}

/// The columns of a relation's rows.
pub fn shape(rel: &Relation) -> Arc<Shape> {
    let (names, types) = rel.visible_attributes().map(|a| (a.name.clone(), a.ty)).unzip();
    Arc::new(Shape { names, types })
}

/// The values of the columns that are there.
fn visible(rel: &Relation, values: &[Value]) -> Vec<Value> {
    rel.attributes.iter().zip(values).filter(|(a, _)| !a.dropped).map(|(_, v)| v.clone()).collect()
}

impl Frame {
    /// The changed rows its statements can read.
    pub fn transitions(&self) -> Transitions {
        self.trigger.as_ref().and_then(|t| t.transitions.clone())
    }

    pub(super) fn set_trigger(&mut self, event: TriggerData) {
        let body = self.body.clone();
        let Some(vars) = &body.trigger else { return };
        let shape = shape(&event.relation);
        for (var, values) in [(vars.new, &event.new), (vars.old, &event.old)] {
            debug_assert!(matches!(body.vars[var].kind, VarKind::Record(_)));
            self.slots[var] = Slot::Record(match values {
                Some(v) => {
                    RecordValue { shape: Some(shape.clone()), values: visible(&event.relation, v), present: true }
                }
                // What there is not has the columns, too (PostgreSQL 15, pl_exec.c, plpgsql_exec_trigger).
                None => RecordValue { shape: Some(shape.clone()), ..RecordValue::default() },
            });
        }
        let when = match event.when {
            When::Before => "BEFORE",
            When::After => "AFTER",
            When::InsteadOf => "INSTEAD OF",
        };
        let level = if event.level == Level::Row { "ROW" } else { "STATEMENT" };
        let args = match event.args.is_empty() {
            true => Value::Null,
            false => {
                let mut b = array::Builder::new(oid::TEXT);
                event.args.iter().for_each(|a| b.push(crate::types::Datum::Bytes(a.as_bytes())));
                let dims = [array::Dim { len: event.args.len(), lower: 0 }].into_iter().collect();
                Value::Bytes(b.finish_with(dims).into())
            }
        };
        let table = Value::text(&event.relation.name);
        let values = [
            Value::text(&event.name),
            Value::text(when),
            Value::text(level),
            Value::text(event.operation),
            Value::U32(event.relation.oid.0),
            table.clone(),
            table,
            Value::text(&event.relation.schema),
            Value::I32(event.args.len() as i32),
            args,
        ];
        for (var, value) in vars.facts.iter().zip(values) {
            self.slots[*var] = Slot::Scalar(value);
        }
        self.trigger = Some(Box::new(event));
    }
}

/// A row that a trigger function returned, as the relation's attributes.
pub fn returned(rel: &Relation, value: &Value) -> Option<Vec<Value>> {
    let Value::Bytes(b) = value else { return None };
    let r = crate::types::record::Record::new(b);
    let mut given = r.columns.iter();
    Some(
        rel.attributes
            .iter()
            .map(|a| match a.dropped {
                true => Value::Null,
                false => given.next().map_or(Value::Null, |c| c.value.to_value()),
            })
            .collect(),
    )
}
