//! From an authenticated connection to a session.

use super::backends::{BackendHandle, Registration};
use super::block::Block;
use super::context::Facts;
use super::hooks::Hooks;
use super::server::Server;
use super::socket::Times;
use super::state::Session;
use crate::base::error::Report;
use crate::base::report::Origin;
use crate::base::{Error, Result, Severity, SqlState, clock};
use crate::catalog::object::{Database, Role};
use crate::settings::{Connection, Id, Lookup, SessionSettings, Source, find, switches};
use crate::sql::exec::ExecContext;
use crate::sql::exec::domain::DomainChecks;
use crate::sql::{Backend, User};
use crate::stat::{ActivityFacts, PendingStats, TlsFacts};
use crate::xact::Transaction;
use parking_lot::Mutex;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// Who wants a session, and where from.
#[derive(Clone, Debug, Default)]
pub struct Request {
    pub user: String,
    pub database: String,
    /// The startup packet's `options`: switches of `postgres`.
    pub command_line: String,
    /// Settings from the startup packet, in order.
    pub options: Vec<(String, String)>,
    pub address: Option<(IpAddr, u16)>,
    /// The server's end of the connection.
    pub server_address: Option<(IpAddr, u16)>,
    pub tls: Option<Arc<TlsFacts>>,
}

fn fatal(state: SqlState, text: String, place: (&'static str, &'static str, u32)) -> Error {
    Error::new(state, text).severity(Severity::Fatal).place(place.0, place.1, place.2)
}

impl Server {
    /// A role by name.
    pub fn role(&self, name: &str) -> Option<Role> {
        use crate::catalog::object::class;
        let global = &self.instance.cluster.global;
        let oid = global.find(class::AUTHID, crate::base::Oid::INVALID, name).first().copied()?;
        let record = global.get(crate::catalog::ObjectKey::new(class::AUTHID, oid))?;
        record.object.as_role().ok().cloned()
    }

    /// Whether a user is a member of a role, directly or not; superusers are not members of all
    /// (PostgreSQL 15, acl.c, is_member_of_role_nosuper).
    pub fn is_member(&self, user: &str, role: &str) -> bool {
        use crate::catalog::object::class;
        let (Some(user), Some(role)) = (self.role(user), self.role(role)) else { return false };
        let global = &self.instance.cluster.global;
        let mut all = vec![user.oid];
        let mut n = 0;
        while n < all.len() {
            let record = global.get(crate::catalog::ObjectKey::new(class::AUTHID, all[n]));
            let member_of = record.as_ref().and_then(|r| r.object.as_role().ok()).map(|r| r.member_of.clone());
            for m in member_of.unwrap_or_default() {
                if !all.contains(&m.role) {
                    all.push(m.role);
                }
            }
            n += 1;
        }
        all.contains(&role.oid)
    }

    /// The role a client has proved to be, if it may log in; from now on the session counts as its.
    ///
    /// # Errors
    /// FATAL 28000, 53300.
    pub fn login_role(&self, name: &str, handle: &BackendHandle) -> Result<Role> {
        let Some(role) = self.role(name) else {
            let text = format!("role \"{name}\" does not exist");
            let place = ("InitializeSessionUserId", "miscinit.c", 768);
            return Err(fatal(SqlState::INVALID_AUTHORIZATION_SPECIFICATION, text, place));
        };
        if !role.login {
            let text = format!("role \"{name}\" is not permitted to log in");
            let place = ("InitializeSessionUserId", "miscinit.c", 786);
            return Err(fatal(SqlState::INVALID_AUTHORIZATION_SPECIFICATION, text, place));
        }
        handle.role.store(role.oid.0, Ordering::SeqCst);
        let used = || self.backends.list().iter().filter(|h| h.role() == role.oid).count();
        if role.connection_limit >= 0 && !role.superuser && used() > role.connection_limit as usize {
            let text = format!("too many connections for role \"{name}\"");
            let place = ("InitializeSessionUserId", "miscinit.c", 803);
            return Err(fatal(SqlState::TOO_MANY_CONNECTIONS, text, place));
        }
        Ok(role)
    }

    /// Whether there is a place for one more session.
    ///
    /// # Errors
    /// FATAL 53300.
    pub fn check_slots(&self) -> Result<()> {
        if self.backends.count() > self.instance.settings.snapshot().int(Id::MaxConnections) as usize {
            let text = "sorry, too many clients already".to_string();
            return Err(fatal(SqlState::TOO_MANY_CONNECTIONS, text, ("InitProcess", "proc.c", 357)));
        }
        Ok(())
    }

    /// The last slots are for superusers.
    ///
    /// # Errors
    /// FATAL 53300.
    fn check_reserved(&self, role: &Role) -> Result<()> {
        let settings = self.instance.settings.snapshot();
        let max = settings.int(Id::MaxConnections) as usize;
        let reserved = settings.int(Id::SuperuserReservedConnections) as usize;
        if !role.superuser && self.backends.count() > max.saturating_sub(reserved) {
            let text = "remaining connection slots are reserved for non-replication superuser connections".to_string();
            return Err(fatal(SqlState::TOO_MANY_CONNECTIONS, text, ("InitPostgres", "postinit.c", 886)));
        }
        Ok(())
    }
}

impl Session {
    /// Opens a session for an authenticated role.
    ///
    /// # Errors
    /// FATAL: no such database, no place, no right to connect, a setting that cannot be.
    pub fn open(server: Arc<Server>, registration: Registration, role: Role, mut request: Request) -> Result<Session> {
        let handle = registration.handle.clone();
        server.check_reserved(&role)?;
        let instance = server.instance.clone();
        let database = find_database(&server, &request.database, &role)?;
        let catalog = Arc::new(instance.cluster.session(database.oid)?);
        may_connect(&catalog, &database, &role)?;
        // Wherever the command line stands, what has a name of its own outdoes it.
        let (on_line, wrong) = switches::of_client(&request.command_line);
        let named = std::mem::replace(&mut request.options, on_line);
        request.options.extend(wrong.is_none().then_some(named).into_iter().flatten());
        let mut settings = initial_settings(&server, &catalog, &role, &database, &request)?;
        if let Some(wrong) = wrong {
            return Err(wrong);
        }
        let times = handle.socket.get().map(Times::of);
        settings.connected_by(match &times {
            None => Connection::Unknown,
            Some(None) => Connection::Unix,
            Some(Some(times)) => Connection::Tcp(times.system()),
        });
        let view = settings.view().clone();
        let settings = Arc::new(Mutex::new(settings));
        let start_us = clock::now_us();
        let activity = Arc::new(instance.activity.register(ActivityFacts {
            pid: handle.pid,
            backend_type: "client backend",
            database: database.oid,
            database_name: Some(database.name.as_str().into()),
            user: role.oid,
            user_name: Some(role.name.as_str().into()),
            application: view.str(Id::ApplicationName),
            client_addr: request.address.map(|a| a.0),
            client_port: Some(request.address.map_or(-1, |a| a.1.into())),
            server_addr: request.server_address,
            backend_start_us: start_us,
            tls: request.tls.clone(),
            ..ActivityFacts::default()
        }));
        handle.role.store(role.oid.0, Ordering::Relaxed);
        handle.is_superuser.store(role.superuser, Ordering::Relaxed);
        handle.database.store(database.oid.0, Ordering::Relaxed);
        let user = User {
            authenticated: role.oid,
            authenticated_name: role.name.clone(),
            session: role.oid,
            session_name: role.name.clone(),
            current: role.oid,
            current_name: role.name.clone(),
            is_superuser: role.superuser,
            restricted: false,
        };
        let txn = Transaction::new(instance.storage.clone(), database.oid, handle.pid);
        let running = txn.running().clone();
        activity.update(|f| f.running = Some(running.clone()));
        let disk = instance.storage.disk.clone();
        let text_search = Arc::new(crate::sql::text_search::Cache::new(disk, &catalog, database.oid));
        let backend = Backend {
            instance: instance.clone(),
            pid: handle.pid,
            database: database.oid,
            database_name: database.name.clone(),
            user,
            txn,
            catalog: catalog.clone(),
            followed: (role.name.clone(), "none".to_owned()),
            settings: settings.clone(),
            view,
            activity,
            stats: PendingStats::new(database.oid),
            seen: Arc::default(),
            sequences: Default::default(),
            delete_at_commit: Vec::new(),
            drop_at_commit: Vec::new(),
            deferred: Default::default(),
            in_use: Default::default(),
            large_objects: Default::default(),
            messages: Default::default(),
            in_block: false,
            in_routine: false,
            in_pipeline: false,
            commits_at_once: false,
            text_search: text_search.clone(),
        };
        crate::sql::command::apply_role(&backend);
        let facts = Arc::new(Facts {
            settings: settings.clone(),
            catalog: catalog.clone(),
            database: database.name.clone(),
            pid: handle.pid as i32,
        });
        let mut cx = Box::new(ExecContext { interrupts: handle.interrupts.clone(), ..ExecContext::default() });
        let domains = DomainChecks::new(facts.clone());
        cx.fx.session = facts;
        cx.fx.interrupts = handle.interrupts.clone();
        cx.fx.io.hooks = Arc::new(Hooks { catalog, domains, text_search });
        cx.temp = Some(instance.storage.disk.clone());
        cx.notices.extend(order_changed(&database));
        cx.backend = Some(Box::new(backend));
        let origin = Origin {
            pid: handle.pid,
            backend_type: "client backend",
            user: Some(role.name.clone()),
            database: Some(database.name.clone()),
            remote: Some(request.address.map_or("[local]".into(), |a| a.0.to_string())),
            remote_port: request.address.map(|a| a.1),
            start_us,
            tag: "idle",
            running: Some(running),
            ..Origin::default()
        };
        let cut: Vec<_> = request.options.iter().filter_map(|(n, text)| super::setting::name_notice(n, text)).collect();
        let mut session = Session {
            server,
            handle,
            cx: Some(cx),
            settings,
            block: Block::None,
            statements: Default::default(),
            portals: Default::default(),
            recent: Default::default(),
            templates: Default::default(),
            origin: Arc::new(origin),
            skip_to_sync: false,
            executes: 0,
            statement_deadline: None,
            tcp_times: times.flatten(),
            _registration: registration,
        };
        session.first_settings();
        session.check_preloaded()?;
        session.cx().notices.extend(cut);
        Ok(session)
    }

    /// The libraries that a session names to be loaded at its start. PostgreSQL 15, process_session_preload_libraries.
    ///
    /// # Errors
    /// FATAL.
    fn check_preloaded(&mut self) -> Result<()> {
        let view = &self.backend().view;
        for (id, restricted) in [(Id::SessionPreloadLibraries, false), (Id::LocalPreloadLibraries, true)] {
            crate::sql::extension::check_libraries(&view.str(id), restricted)
                .map_err(|e| e.severity(Severity::Fatal))?;
        }
        Ok(())
    }

    /// What a client is told before anything else.
    pub fn first_notices(&mut self) -> Vec<Report> {
        self.cx.as_mut().map(|cx| std::mem::take(&mut cx.notices)).unwrap_or_default()
    }

    /// The parameters a client is told at the start.
    pub fn reported_parameters(&mut self) -> Vec<(&'static str, String)> {
        let mut settings = self.settings.lock();
        let all = settings.reported().into_iter().map(|(id, v)| (crate::settings::parameter(id).name, v)).collect();
        settings.take_changed();
        all
    }

    /// The session ends: what is open is rolled back, temporary objects go.
    pub async fn close(mut self, client: &mut super::client::Client) {
        if self.cx.is_none() {
            return;
        }
        self.portals.clear();
        self.rollback();
        self.block = Block::None;
        if self.backend().catalog.temp_schema().is_some() {
            self.ensure_transaction();
            let dropped = crate::sql::command::discard_temp(self.cx());
            let ended = match dropped {
                Ok(()) => self.commit().await,
                Err(e) => {
                    self.rollback();
                    Err(e)
                }
            };
            if let Err(e) = ended {
                crate::base::report::log(&e.0);
            }
        }
        let backend = self.backend();
        let storage = backend.instance.storage.clone();
        storage.locks.release_all_session(&mut backend.txn.held);
        let _ = client;
    }

    /// Between two messages: reloads and notifications that arrived meanwhile.
    pub fn look_around(&mut self, client: &mut super::client::Client) {
        let reload = std::mem::take(&mut self.handle.mailbox.lock().reload);
        if reload {
            let global = self.server.instance.settings.clone();
            self.settings.lock().refresh(&global);
            self.settings_changed();
            self.report_changes(client);
        }
        if self.block == Block::None {
            self.deliver_notifications(client);
        }
    }

    /// How long the session may sit idle, and what happens then.
    pub fn idle_limit(&mut self) -> Option<(std::time::Duration, Error)> {
        let block = self.block;
        let view = &self.backend().view;
        let (id, state, text, line) = match block {
            Block::None | Block::Implicit => (
                Id::IdleSessionTimeout,
                SqlState::IDLE_SESSION_TIMEOUT,
                "terminating connection due to idle-session timeout",
                3386,
            ),
            _ => (
                Id::IdleInTransactionSessionTimeout,
                SqlState::IDLE_IN_TRANSACTION_SESSION_TIMEOUT,
                "terminating connection due to idle-in-transaction timeout",
                3370,
            ),
        };
        let limit = view.int(id) as u64;
        let error = || fatal(state, text.to_string(), ("ProcessInterrupts", "postgres.c", line));
        (limit > 0).then(|| (std::time::Duration::from_millis(limit), error()))
    }

    pub fn handle(&self) -> &Arc<BackendHandle> {
        &self.handle
    }

    /// `log_disconnections`.
    pub fn logs_disconnection(&mut self) -> bool {
        self.settings.lock().view().bool(Id::LogDisconnections)
    }

    /// Who the session's log lines speak of.
    pub fn shared_origin(&self) -> &Arc<Origin> {
        &self.origin
    }
}

fn find_database(server: &Server, name: &str, role: &Role) -> Result<Database> {
    use crate::catalog::object::class;
    let global = &server.instance.cluster.global;
    let oid = global.find(class::DATABASE, crate::base::Oid::INVALID, name).first().copied();
    let record = oid.and_then(|oid| global.get(crate::catalog::ObjectKey::new(class::DATABASE, oid)));
    let Some(record) = record else {
        let text = format!("database \"{name}\" does not exist");
        return Err(fatal(SqlState::INVALID_CATALOG_NAME, text, ("InitPostgres", "postinit.c", 948)));
    };
    let database = record.object.as_database()?.clone();
    if !database.allow_connections {
        let text = format!("database \"{name}\" is not currently accepting connections");
        let state = SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE;
        return Err(fatal(state, text, ("CheckMyDatabase", "postinit.c", 352)));
    }
    if database.order().is_err() {
        return Err(locale_gone(&database));
    }
    let limit = database.connection_limit;
    let used = || server.backends.list().iter().filter(|h| h.database() == database.oid).count();
    if limit >= 0 && !role.superuser && used() >= limit as usize {
        let text = format!("too many connections for database \"{name}\"");
        return Err(fatal(SqlState::TOO_MANY_CONNECTIONS, text, ("CheckMyDatabase", "postinit.c", 382)));
    }
    Ok(database)
}

/// PostgreSQL 15, postinit.c, CheckMyDatabase: what text is ordered by is not what it was.
fn order_changed(database: &Database) -> Option<Report> {
    let name = &database.name;
    let (recorded, now) = database.version_mismatch()?;
    let text = format!("database \"{name}\" has a collation version mismatch");
    let detail = format!(
        "The database was created using collation version {recorded}, but the operating system provides version {now}."
    );
    let shown = crate::types::name::quote_identifier(name);
    let hint = format!(
        "Rebuild all objects in this database that use the default collation and run ALTER DATABASE {shown} REFRESH COLLATION VERSION, or build PostgreSQL with the right library version."
    );
    let mut report = Report::notice(Severity::Warning, SqlState::WARNING, text).with_detail(detail);
    report.hint = Some(hint);
    Some(report)
}

/// PostgreSQL 15, postinit.c, CheckMyDatabase: nobody works in a database whose order of text is unknown here.
fn locale_gone(database: &Database) -> Error {
    let collate = &database.collate;
    fatal(
        SqlState::INTERNAL_ERROR,
        "database locale is incompatible with operating system".to_owned(),
        ("CheckMyDatabase", "postinit.c", 420),
    )
    .detail(format!(
        "The database was initialized with LC_COLLATE \"{collate}\",  which is not recognized by setlocale()."
    ))
    .hint("Recreate the database with another locale or install the missing locale.")
}

/// The right CONNECT, which everybody has unless it was taken.
fn may_connect(catalog: &crate::catalog::Catalog, database: &Database, role: &Role) -> Result<()> {
    let subject = crate::sql::exec::rights::Subject::of(catalog, role.oid);
    if subject.may(database.owner, database.acl.as_deref(), "c", 'c', false) {
        return Ok(());
    }
    let text = format!("permission denied for database \"{}\"", database.name);
    Err(fatal(SqlState::INSUFFICIENT_PRIVILEGE, text, ("CheckMyDatabase", "postinit.c", 365))
        .detail("User does not have CONNECT privilege."))
}

/// Whether what a client's setting names is there, and is for this role.
fn exists(catalog: &crate::catalog::Catalog, role: &Role, name: &str, value: &str) -> Result<()> {
    if find(name) == Some(Id::Role) {
        return crate::sql::command::may_act_as(catalog, role.oid, Id::Role, crate::base::name::cut(value));
    }
    crate::sql::command::check_tablespace_setting(catalog, name, value)?;
    crate::sql::text_search::checked_setting(catalog, name, value).map(|_| ())
}

fn initial_settings(
    server: &Server,
    catalog: &crate::catalog::Catalog,
    role: &Role,
    database: &Database,
    request: &Request,
) -> Result<SessionSettings> {
    use crate::base::Oid;
    let mut settings = SessionSettings::new(&server.instance.settings);
    // PostgreSQL 15, postinit.c, process_settings: the most specific comes last and wins.
    let stored = [
        (Oid::INVALID, Oid::INVALID, Source::Global),
        (database.oid, Oid::INVALID, Source::Database),
        (Oid::INVALID, role.oid, Source::Role),
        (database.oid, role.oid, Source::RoleInDatabase),
    ];
    for (db, role_oid, source) in stored {
        for (name, value) in catalog.role_setting(db, role_oid).map(|s| s.settings).unwrap_or_default() {
            if let Err(e) = settings.set_at_start(&name, &value, source, true) {
                crate::base::report::log(&e.0);
            }
        }
    }
    for (name, value) in &request.options {
        exists(catalog, role, name, value)
            .and_then(|()| settings.set_at_start(name, value, Source::Client, role.superuser))
            .map_err(|e| if e.0.severity >= Severity::Fatal { e } else { e.severity(Severity::Fatal) })?;
    }
    let superuser = if role.superuser { "on" } else { "off" };
    settings.force_at_start(&[
        (Id::IsSuperuser, superuser),
        (Id::SessionAuthorization, &role.name),
        (Id::LcCollate, &database.collate),
        (Id::LcCtype, &database.ctype),
    ])?;
    Ok(settings)
}
