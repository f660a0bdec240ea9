//! Foreign keys as rows of `pg_trigger`: what they do is triggers in PostgreSQL, which tools look for.
//!
//! PostgreSQL 15, tablecmds.c, createForeignKeyActionTriggers and createForeignKeyCheckTriggers.

use super::object::Trigger;
use super::relation::{Constraint, ForeignKey};
use crate::base::Oid;

/// How many there are: after DELETE and UPDATE of what is referred to, after INSERT and UPDATE of what refers.
pub const KEY_TRIGGERS: usize = 4;
/// A partition of what is referred to has the first two.
pub const KEY_PART_TRIGGERS: usize = 2;

/// The functions of `pg_proc`.
const CHECK_INSERT: u32 = 1644;
const CHECK_UPDATE: u32 = 1645;

/// That after DELETE; the one after UPDATE is the next.
fn action(letter: u8) -> u32 {
    match letter {
        b'c' => 1646,
        b'r' => 1648,
        b'n' => 1650,
        b'd' => 1652,
        _ => 1654,
    }
}

/// The triggers of a key of table `child`, each with the table it is on; none of a key made before they had numbers.
pub fn key_triggers(child: Oid, k: &Constraint) -> Vec<(Oid, Trigger)> {
    let known = |f: &&ForeignKey| matches!(f.triggers.len(), KEY_TRIGGERS | KEY_PART_TRIGGERS);
    let Some(f) = k.foreign.as_ref().filter(known) else { return Vec::new() };
    let of_part = f.triggers.len() == KEY_PART_TRIGGERS;
    let made = |n: usize, function: u32, enabled: char, waits: bool| {
        let (oid, after_action) = (f.triggers[n], n < 2);
        let trigger = Trigger {
            oid,
            name: format!("RI_ConstraintTrigger_{}_{oid}", if after_action { 'a' } else { 'c' }),
            function: Oid(function),
            when: 'a',
            row: true,
            insert: n == 2,
            update: n % 2 == 1,
            delete: n == 0,
            truncate: false,
            columns: Vec::new(),
            condition: None,
            args: Vec::new(),
            enabled,
            constraint: k.oid,
            deferrable: waits && k.deferrable,
            deferred: waits && k.deferred,
            referenced: if after_action { child } else { f.relation },
            parent: Oid::INVALID,
            old_table: None,
            new_table: None,
        };
        (if after_action { f.relation } else { child }, trigger)
    };
    let mut all = Vec::new();
    // Those on the table referred to are there once, whatever the partitions of the other.
    if !k.parent.is_valid() || of_part {
        all.push(made(0, action(f.on_delete), f.action_enabled, f.on_delete == b'a'));
        all.push(made(1, action(f.on_update) + 1, f.action_enabled, f.on_update == b'a'));
    }
    if of_part {
        return all;
    }
    all.push(made(2, CHECK_INSERT, f.check_enabled, true));
    all.push(made(3, CHECK_UPDATE, f.check_enabled, true));
    all
}
