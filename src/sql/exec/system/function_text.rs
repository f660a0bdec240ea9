//! `pg_get_functiondef`: the CREATE FUNCTION that makes a function, built in or not, again.

use super::define::Look;
use super::describe::{Described, builtin, catalog, list_arguments, result, user};
use super::text;
use crate::base::{Flow, Oid};
use crate::catalog::Catalog;
use crate::catalog::object::{Function, ObjectKey, class};
use crate::err;
use crate::settings::format_g;
use crate::sql::exec::ExecContext;
use crate::sql::exec::system_view::{builtin_code, builtin_statement};
use crate::sql::func::{self, FuncDef};
use crate::types::name::quote_identifier;
use crate::types::{Column, Datum};

/// How the code of a function is written down.
enum Body {
    /// `RETURN …` or `BEGIN ATOMIC … END`.
    Statement(String),
    /// Text between dollars, and the library it names something of.
    Text { library: Option<String>, text: String },
}

/// What CREATE FUNCTION says of a function.
struct Definition<'a> {
    arguments: Described,
    schema: String,
    name: &'a str,
    kind: char,
    language: &'a str,
    volatility: char,
    parallel: char,
    strict: bool,
    security_definer: bool,
    leakproof: bool,
    cost: f32,
    rows: f32,
    support: Option<&'static str>,
    settings: &'a [String],
    body: Body,
}

impl<'a> Definition<'a> {
    fn of_user(look: &Look<'_>, f: &'a Function) -> Definition<'a> {
        let body = match f.atomic {
            true => Body::Statement(look.atomic_body(f)),
            false => Body::Text { library: f.library.clone(), text: f.body.to_string() },
        };
        Definition {
            arguments: user(look, f),
            schema: schema(look.catalog, f.namespace),
            name: &f.name,
            kind: f.kind,
            language: &f.language,
            volatility: f.volatility,
            parallel: f.parallel,
            strict: f.strict,
            security_definer: f.security_definer,
            leakproof: f.leakproof,
            cost: f.cost,
            rows: f.rows,
            support: None,
            settings: &f.settings,
            body,
        }
    }

    fn of_builtin(catalog: &Catalog, f: &'a FuncDef) -> Definition<'a> {
        let (fact, code) = (f.fact, builtin_code(f));
        let body = match builtin_statement(f.oid) {
            Some(statement) => Body::Statement(statement),
            None => Body::Text { library: code.library.map(str::to_owned), text: code.body },
        };
        Definition {
            arguments: builtin(f),
            schema: schema(catalog, fact.namespace),
            name: fact.name,
            kind: fact.kind().into(),
            language: code.language,
            volatility: fact.volatility().into(),
            parallel: fact.parallel().into(),
            strict: fact.strict(),
            security_definer: false,
            leakproof: fact.leakproof(),
            cost: fact.cost,
            rows: fact.rows,
            support: func::func(code.support).map(|s| s.fact.name),
            settings: &[],
            body,
        }
    }

    /// The words after LANGUAGE, in PostgreSQL's order (ruleutils.c, pg_get_functiondef).
    fn words(&self) -> Vec<String> {
        let fixed = [
            (self.kind == 'w', "WINDOW"),
            (self.volatility == 'i', "IMMUTABLE"),
            (self.volatility == 's', "STABLE"),
            (self.parallel == 's', "PARALLEL SAFE"),
            (self.parallel == 'r', "PARALLEL RESTRICTED"),
            (self.strict, "STRICT"),
            (self.security_definer, "SECURITY DEFINER"),
            (self.leakproof, "LEAKPROOF"),
        ];
        let mut words: Vec<String> = fixed.iter().filter(|w| w.0).map(|w| w.1.to_owned()).collect();
        let coded = matches!(self.language, "c" | "internal");
        if self.cost != if coded { 1.0 } else { 100.0 } {
            words.push(format!("COST {}", format_g(self.cost.into())));
        }
        if self.rows != 0.0 && self.rows != 1000.0 {
            words.push(format!("ROWS {}", format_g(self.rows.into())));
        }
        words.extend(self.support.map(|s| format!("SUPPORT {}", quote_identifier(s))));
        words
    }

    fn settings(&self) -> String {
        let mut lines = String::new();
        let quoted = |text: &String| format!("'{}'", text.replace('\'', "''"));
        for (name, value) in self.settings.iter().filter_map(|s| s.split_once('=')) {
            let value_text = value.to_owned();
            let value = match crate::sql::command::is_name_list(name) {
                true => crate::settings::split_list(value).map(|l| l.iter().map(quoted).collect::<Vec<_>>().join(", ")),
                false => None,
            };
            let value = value.unwrap_or_else(|| quoted(&value_text));
            lines += &format!(" SET {} TO {value}\n", quote_identifier(name));
        }
        lines
    }

    fn body(&self, word: &str) -> String {
        match &self.body {
            Body::Statement(statement) => format!("{statement}\n"),
            Body::Text { library, text } => {
                let mut tag = word.to_owned();
                while text.contains(&format!("${tag}")) {
                    tag.push('x');
                }
                let library = library.as_ref().map(|l| format!("'{l}', ")).unwrap_or_default();
                format!("AS {library}${tag}${text}${tag}$\n")
            }
        }
    }
}

fn schema(catalog: &Catalog, oid: Oid) -> String {
    catalog.namespace(oid).map(|n| n.name).unwrap_or_default()
}

pub(super) fn function_definition(cx: &mut ExecContext, args: &[Datum<'_>], out: &mut Column) -> Flow<()> {
    let (catalog, oid) = (catalog(cx)?, Oid(args[0].u32()));
    let record = catalog.get(ObjectKey::new(class::PROC, oid));
    let io = cx.fx.io.clone();
    let look = Look { catalog: &catalog, io: &io, pretty: false, width: 0 };
    let own = record.as_ref().and_then(|r| r.object.as_function().ok());
    let found = match own {
        Some(f) => Some(Definition::of_user(&look, f)),
        None => func::func(oid).map(|f| Definition::of_builtin(&catalog, f)),
    };
    let Some(d) = found else {
        out.push_null();
        return Ok(());
    };
    if d.kind == 'a' {
        return Err(err!(WRONG_OBJECT_TYPE, "\"{}\" is an aggregate function", d.name).into());
    }
    let (word, hooks) = (if d.kind == 'p' { "PROCEDURE" } else { "FUNCTION" }, io.hooks.clone());
    let name = format!("{}.{}", quote_identifier(&d.schema), quote_identifier(d.name));
    let mut lines = format!("CREATE OR REPLACE {word} {name}({})\n", list_arguments(&d.arguments, true, &*hooks));
    if d.kind != 'p' {
        lines += &format!(" RETURNS {}\n", result(&d.arguments, &*hooks).unwrap_or_default());
    }
    lines += &format!(" LANGUAGE {}\n", quote_identifier(d.language));
    let words = d.words();
    if !words.is_empty() {
        lines += &format!(" {}\n", words.join(" "));
    }
    lines += &d.settings();
    lines += &d.body(&word.to_ascii_lowercase());
    text(out, &lines);
    Ok(())
}
