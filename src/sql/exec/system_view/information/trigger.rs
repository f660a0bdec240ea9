//! Triggers: one row for each event.

use super::super::{Sink, View};
use super::scene::{Held, TABLES};
use super::{Scene, named};
use crate::base::Flow;
use crate::catalog::{RelKind, Trigger};
use crate::sql::exec::ExecContext;
use crate::sql::exec::system::define;

pub(super) const VIEWS: &[View] =
    &[View { name: "triggers", rows: triggers }, View { name: "triggered_update_columns", rows: columns }];

const WITH_TRIGGERS: [RelKind; 3] = [RelKind::Table, RelKind::View, TABLES[1]];

fn events(t: &Trigger) -> impl Iterator<Item = &'static str> {
    [(t.insert, "INSERT"), (t.delete, "DELETE"), (t.update, "UPDATE")].into_iter().filter(|e| e.0).map(|e| e.1)
}

/// Those that fire on the same event at the same time, for rows or for the statement, by name.
fn order(h: &Held, t: &Trigger, event: &str) -> usize {
    let all = h.class().map(|c| c.triggers.as_slice()).unwrap_or_default();
    let rivals = all.iter().filter(|o| o.row == t.row && o.when == t.when && events(o).any(|e| e == event));
    1 + rivals.filter(|o| o.name < t.name).count()
}

fn triggers(cx: &mut ExecContext, sink: &mut Sink) -> Flow<()> {
    let scene = Scene::of(cx)?;
    let io = cx.fx.io.clone();
    let look = define::Look { catalog: &scene.catalog, io: &io, pretty: false, width: 0 };
    let database = &scene.database;
    for h in scene.relations(sink, &WITH_TRIGGERS, "event_object_schema", "event_object_table") {
        let Some(c) = h.class().filter(|c| !c.triggers.is_empty() && scene.sees_rules(&h)) else { continue };
        let schema = scene.schema(c.namespace);
        for t in &c.triggers {
            let text = define::trigger(&look, c, t);
            let statement = text.rfind(" EXECUTE FUNCTION ").map(|at| &text[at + 1..]);
            let condition = t.condition.as_ref().filter(|_| scene.owns(&h)).and_then(|_| {
                let (from, to) = (text.find(" WHEN (")?, text.rfind(") EXECUTE FUNCTION ")?);
                Some(&text[from + " WHEN (".len()..to])
            });
            let timing = match t.when {
                'b' => "BEFORE",
                'i' => "INSTEAD OF",
                _ => "AFTER",
            };
            for event in events(t) {
                named![sink;
                    trigger_catalog: database, trigger_schema: &schema, trigger_name: &t.name,
                    event_manipulation: event, event_object_catalog: database, event_object_schema: &schema,
                    event_object_table: &c.name, action_order: order(&h, t, event), action_condition: condition,
                    action_statement: statement, action_orientation: if t.row { "ROW" } else { "STATEMENT" },
                    action_timing: timing, action_reference_old_table: t.old_table.as_deref(),
                    action_reference_new_table: t.new_table.as_deref(),
                ];
            }
        }
    }
    Ok(())
}

fn columns(cx: &mut ExecContext, sink: &mut Sink) -> Flow<()> {
    let scene = Scene::of(cx)?;
    let database = &scene.database;
    for h in scene.relations(sink, &WITH_TRIGGERS, "event_object_schema", "event_object_table") {
        let Some(c) = h.class() else { continue };
        let schema = scene.schema(c.namespace);
        for t in &c.triggers {
            for a in t.columns.iter().filter_map(|n| h.column(*n)).filter(|a| scene.sees_written(&h, a.attno)) {
                named![sink;
                    trigger_catalog: database, trigger_schema: &schema, trigger_name: &t.name,
                    event_object_catalog: database, event_object_schema: &schema, event_object_table: &c.name,
                    event_object_column: &a.name,
                ];
            }
        }
    }
    Ok(())
}
