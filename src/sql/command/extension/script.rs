//! The script of an extension, run statement by statement.
//!
//! PostgreSQL 15, extension.c, execute_extension_script: the schema of the extension is the search path, what the
//! script makes are members, and where the extension is trusted it runs as the bootstrap superuser.

use super::create::may_create_here;
use crate::base::{Error, Flow, Oid, Result, SqlState};
use crate::catalog::object::{class, fixed};
use crate::catalog::{Object, ObjectKey, RelKind};
use crate::settings::Lasting;
use crate::sql::ast::RawStmt;
use crate::sql::backend::User;
use crate::sql::command::write::put;
use crate::sql::command::{Command, act_as, run_nested, settings_changed, user_as};
use crate::sql::exec::ExecContext;
use crate::sql::extension::Extension;
use crate::types::name::quote_identifier;
use std::collections::VecDeque;
use std::sync::Arc;

/// How far the script of an extension is.
pub struct Script {
    extension: Oid,
    source: Arc<str>,
    left: VecDeque<RawStmt>,
    command: Option<Box<Command>>,
    /// What it has made.
    made: Vec<ObjectKey>,
    user: User,
    search_path: String,
}

/// Who the script runs as.
///
/// # Errors
/// 42501.
pub fn user(cx: &mut ExecContext, own: &Extension) -> Result<User> {
    let backend = cx.backend()?;
    if backend.user.is_superuser || !own.superuser {
        return Ok(backend.user.clone());
    }
    if own.trusted && may_create_here(cx)? {
        return user_as(cx.backend()?, fixed::BOOTSTRAP_SUPERUSER);
    }
    let hint = match own.trusted {
        true => "Must have CREATE privilege on current database to create this extension.",
        false => "Must be superuser to create this extension.",
    };
    let text = format!("permission denied to create extension \"{}\"", own.name);
    Err(Error::new(SqlState::INSUFFICIENT_PRIVILEGE, text).hint(hint))
}

impl Script {
    /// `behind`: schemas of extensions it needs.
    pub fn new(
        cx: &mut ExecContext,
        own: &Extension,
        extension: Oid,
        schema: &str,
        behind: &[Oid],
        user: User,
    ) -> Result<Script> {
        let text =
            own.script.replace("MODULE_PATHNAME", &own.library()).replace("@extschema@", &quote_identifier(schema));
        let left = crate::sql::parse::parse(&text)?.into();
        let mut path = vec![quote_identifier(schema)];
        for namespace in behind.iter().filter(|n| **n != fixed::PG_CATALOG) {
            path.extend(cx.backend()?.catalog.namespace(*namespace).map(|n| quote_identifier(&n.name)));
        }
        path.push("pg_temp".into());
        let search_path = path.join(", ");
        Ok(Script { extension, source: text.into(), left, command: None, made: Vec::new(), user, search_path })
    }

    pub fn run(&mut self, cx: &mut ExecContext) -> Flow<()> {
        while let Some(next) = self.left.front() {
            if self.command.is_none() {
                cx.backend()?.txn.next_command();
                let stmt = Arc::new(next.stmt.clone());
                let text: Arc<str> = next.text(&self.source).into();
                let command = Command::new(self.source.clone(), text, stmt, Arc::from(Vec::new()));
                self.command = Some(Box::new(command));
            }
            self.step(cx)?;
            self.command = None;
            self.left.pop_front();
        }
        Ok(self.finish(cx)?)
    }

    /// Runs the present statement as the script's user, with its search path, and notes what it makes.
    fn step(&mut self, cx: &mut ExecContext) -> Flow<()> {
        let Some(mut command) = self.command.take() else { return Ok(()) };
        let settings = cx.backend()?.settings.clone();
        let level = settings.lock().enter();
        let set = |name: &str, value: &str| settings.lock().set(name, value, Lasting::Save, true);
        let ready = set("search_path", &self.search_path)
            .and_then(|()| set("check_function_bodies", "off"))
            .and_then(|()| settings_changed(cx));
        cx.backend()?.catalog.note_made(Some(std::mem::take(&mut self.made)));
        let notices = cx.notices.len();
        let done = match ready {
            Ok(()) => act_as(cx, self.user.clone(), |cx| run_nested(&mut command, cx)),
            Err(e) => Err(e.into()),
        };
        // Of a script only warnings are heard.
        let mut n = 0;
        cx.notices.retain(|r| {
            n += 1;
            n <= notices || r.severity > crate::base::Severity::Notice
        });
        self.made = cx.backend()?.catalog.note_made(None);
        settings.lock().leave(level, false);
        settings_changed(cx)?;
        self.command = Some(command);
        done.map(|_| ())
    }

    /// Tells the extension its members.
    fn finish(&mut self, cx: &mut ExecContext) -> Result<()> {
        let catalog = cx.backend()?.catalog.clone();
        let key = ObjectKey::new(class::EXTENSION, self.extension);
        let Some(record) = catalog.get(key) else { return Err(Error::internal("an extension went while it was made")) };
        let Object::Extension(e) = &record.object else { return Err(Error::internal("not an extension")) };
        let mut e = e.clone();
        let members = self.made.iter().filter(|m| catalog.get(**m).is_some_and(|r| is_member(&r.object)));
        e.members.extend(members);
        put(cx, Object::Extension(e))
    }
}

/// Whether an object is a member of its own, not part of another one.
fn is_member(object: &Object) -> bool {
    match object {
        Object::Class(c) => {
            c.index.is_none()
                && !matches!(c.kind, RelKind::Toast | RelKind::Composite)
                && c.depends.iter().all(|d| !d.auto)
        }
        Object::Comment(_) | Object::Stats(_) | Object::DefaultAcl(_) | Object::BuiltinAcl(_) => false,
        _ => true,
    }
}
