//! What is true of the server as a whole: its catalog's name, character sets, collations, what it supports.

use super::super::code::{builtin_collations, push_facts};
use super::super::{Sink, View};
use super::{Scene, named};
use crate::base::Flow;
use crate::sql::exec::ExecContext;

pub(super) const VIEWS: &[View] = &[
    View { name: "information_schema_catalog_name", rows: catalog_name },
    View { name: "character_sets", rows: character_sets },
    View { name: "collations", rows: collations },
    View { name: "collation_character_set_applicability", rows: applicability },
    View { name: "sql_features", rows: |_, s| Ok(push_facts(s, include_str!("../facts/sql_features.txt"))?) },
    View { name: "sql_implementation_info", rows: implementation },
    View { name: "sql_parts", rows: |_, s| Ok(push_facts(s, include_str!("../facts/sql_parts.txt"))?) },
    View { name: "sql_sizing", rows: |_, s| Ok(push_facts(s, include_str!("../facts/sql_sizing.txt"))?) },
];

/// The one encoding.
const ENCODING: &str = "UTF8";

fn catalog_name(cx: &mut ExecContext, sink: &mut Sink) -> Flow<()> {
    let scene = Scene::of(cx)?;
    named![sink; catalog_name: scene.database];
    Ok(())
}

fn character_sets(cx: &mut ExecContext, sink: &mut Sink) -> Flow<()> {
    let scene = Scene::of(cx)?;
    named![sink;
        character_set_name: ENCODING, character_repertoire: "UCS", form_of_use: ENCODING,
        default_collate_catalog: &scene.database, default_collate_schema: "pg_catalog", default_collate_name: "C",
    ];
    Ok(())
}

fn collations(cx: &mut ExecContext, sink: &mut Sink) -> Flow<()> {
    let scene = Scene::of(cx)?;
    for name in builtin_collations().iter().map(|c| c.name) {
        named![sink;
            collation_catalog: &scene.database, collation_schema: "pg_catalog", collation_name: name,
            pad_attribute: "NO PAD",
        ];
    }
    Ok(())
}

fn applicability(cx: &mut ExecContext, sink: &mut Sink) -> Flow<()> {
    let scene = Scene::of(cx)?;
    for name in builtin_collations().iter().map(|c| c.name) {
        named![sink;
            collation_catalog: &scene.database, collation_schema: "pg_catalog", collation_name: name,
            character_set_name: ENCODING,
        ];
    }
    Ok(())
}

/// The facts of initdb, and the version of this server.
fn implementation(_: &mut ExecContext, sink: &mut Sink) -> Flow<()> {
    push_facts(sink, include_str!("../facts/sql_implementation_info.txt"))?;
    Ok(())
}
