//! Making a new cluster: the storage, the folders, and the objects every cluster has.

use crate::base::{Oid, Result};
use crate::catalog::object::{Comment, Database, Namespace, ObjectKey, Role, class, fixed};
use crate::catalog::{Cluster, Object, Writer, acl, create_folder, standard_domains};
use crate::disk::{Disk, Posix, access_error, durable};
use crate::recovery::{self, CheckpointFlags, NewCluster, Progress};
use crate::settings::Global;
use crate::stat::Stats;
use crate::storage::Storage;
use crate::types::collation::{self, Collation, Provider};
use crate::xact::{Isolation, SyncCommit, Transaction};
use std::path::Path;
use std::sync::Arc;

/// What initdb was asked for.
#[derive(Clone, Debug)]
pub struct Options {
    pub superuser: String,
    /// As it is to be stored.
    pub password: Option<String>,
    pub checksums: bool,
    pub collate: String,
    pub ctype: String,
    /// Text is ordered by ICU's locale.
    pub icu_locale: Option<String>,
}

impl Options {
    fn collation_version(&self) -> Option<String> {
        collation::version(collation::named(self.icu_locale.as_deref(), &self.collate))
    }
}

/// Roles every cluster has besides the superuser (PostgreSQL 15, pg_authid.dat).
const PREDEFINED: [(u32, &str); 12] = [
    (6171, "pg_database_owner"),
    (6181, "pg_read_all_data"),
    (6182, "pg_write_all_data"),
    (3373, "pg_monitor"),
    (3374, "pg_read_all_settings"),
    (3375, "pg_read_all_stats"),
    (3377, "pg_stat_scan_tables"),
    (4569, "pg_read_server_files"),
    (4570, "pg_write_server_files"),
    (4571, "pg_execute_server_program"),
    (4200, "pg_signal_backend"),
    (4544, "pg_checkpoint"),
];

/// Fills a data directory that has its configuration files and nothing else.
pub fn run(dir: &Path, options: &Options) -> Result<()> {
    let disk: Arc<dyn Disk> = Arc::new(Posix::new(dir));
    recovery::create(disk.clone(), &NewCluster::random(16 << 20, options.checksums)?)?;
    let checkpoints = recovery::open(disk.clone(), Arc::new(Global::boot()), Arc::new(Stats::new()))?;
    let storage = checkpoints.storage().clone();
    recovery::start_up(&storage, &checkpoints, &Progress::default())?;
    for database in [fixed::TEMPLATE1, fixed::TEMPLATE0, fixed::POSTGRES] {
        let path = format!("base/{database}");
        durable::mkdir(&*disk, &path)?;
        durable::replace(&*disk, &format!("{path}/PG_VERSION"), b"15\n")?;
        create_folder(&storage, database)?;
    }
    create_folder(&storage, Oid::INVALID)?;
    let cluster = Cluster::load(storage.clone())?;
    fill(&storage, &cluster, options)?;
    checkpoints.perform_quietly(CheckpointFlags::SHUTDOWN | CheckpointFlags::IMMEDIATE)?;
    disk.sync_dir("").map_err(|e| access_error("fsync the data directory", &e))
}

fn fill(storage: &Arc<Storage>, cluster: &Arc<Cluster>, options: &Options) -> Result<()> {
    for (n, database) in [fixed::TEMPLATE1, fixed::TEMPLATE0, fixed::POSTGRES].into_iter().enumerate() {
        let mut objects: Vec<Object> = namespaces();
        objects.extend(comments(class::NAMESPACE, &NAMESPACE_COMMENTS));
        objects.extend(standard_domains::all());
        objects.extend(collations());
        if n == 0 {
            objects.extend(roles(options));
            objects.extend(databases(options));
            objects.extend(comments(class::DATABASE, &DATABASE_COMMENTS));
        }
        let catalog = crate::catalog::Catalog::new(cluster.clone(), cluster.folder(database)?);
        let mut txn = Transaction::new(storage.clone(), database, 1);
        txn.begin(Isolation::ReadCommitted, false);
        for object in objects {
            let writer = Writer { xid: txn.xid(), cid: txn.command_for_write(), own: txn.own().clone() };
            catalog.put(writer, object)?;
        }
        loop {
            match txn.commit(&catalog, SyncCommit::On) {
                Ok(()) => break,
                Err(crate::base::Stop::Wait(_)) => storage.wal.flush(storage.wal.insert_lsn()),
                Err(stop) => return Err(stop.into_error()),
            }
        }
    }
    Ok(())
}

/// The C library's locales of this system, each under its name and under that without the encoding (PostgreSQL 15,
/// pg_import_system_collations: same rule).
fn collations() -> Vec<Object> {
    let Ok(listed) = std::process::Command::new("locale").arg("-a").output() else { return Vec::new() };
    let mut found: Vec<(String, String)> = Vec::new();
    for locale in String::from_utf8_lossy(&listed.stdout).lines() {
        let known = matches!(locale, "C" | "POSIX") || Collation::open(Provider::Libc, locale).is_err();
        if known {
            continue;
        }
        found.push((locale.to_owned(), locale.to_owned()));
        if let Some((short, _)) = locale.split_once('.').filter(|(short, _)| *short != "C") {
            found.push((short.to_owned(), locale.to_owned()));
        }
    }
    let made = |(n, (name, locale)): (usize, (String, String))| {
        Object::Collation(crate::catalog::Collation {
            oid: Oid(FIRST_COLLATION + n as u32),
            name,
            namespace: fixed::PG_CATALOG,
            owner: fixed::BOOTSTRAP_SUPERUSER,
            version: collation::version((Provider::Libc, &locale)),
            collate: locale.clone(),
            ctype: locale,
            icu_locale: None,
            deterministic: true,
        })
    };
    // What stands first under a name stays; PostgreSQL has as many as there are locales, here are OIDs for so many.
    let mut names = std::collections::HashSet::new();
    found.retain(|(name, _)| names.insert(name.clone()));
    found.into_iter().take(1000).enumerate().map(made).collect()
}

/// OIDs below those of users that initdb gives to nothing else.
const FIRST_COLLATION: u32 = 15_000;

const NAMESPACE_COMMENTS: [(Oid, &str); 3] = [
    (fixed::PG_CATALOG, "system catalog schema"),
    (fixed::PG_TOAST, "reserved schema for TOAST tables"),
    (fixed::PUBLIC, "standard public schema"),
];

const DATABASE_COMMENTS: [(Oid, &str); 3] = [
    (fixed::TEMPLATE1, "default template for new databases"),
    (fixed::TEMPLATE0, "unmodifiable empty database"),
    (fixed::POSTGRES, "default administrative connection database"),
];

fn comments(kind: Oid, list: &[(Oid, &str)]) -> impl Iterator<Item = Object> {
    list.iter()
        .map(move |(oid, text)| Object::Comment(Comment { on: ObjectKey::new(kind, *oid), text: (*text).to_string() }))
}

fn namespaces() -> Vec<Object> {
    // PostgreSQL 15: anybody may use public, only the database's owner may create in it.
    let usage = |owner: Oid| {
        let owner = acl::role_mark(owner);
        Some(vec![format!("{owner}=UC/{owner}"), format!("=U/{owner}")])
    };
    let all = [
        (fixed::PG_CATALOG, "pg_catalog", fixed::BOOTSTRAP_SUPERUSER, usage(fixed::BOOTSTRAP_SUPERUSER)),
        (fixed::PG_TOAST, "pg_toast", fixed::BOOTSTRAP_SUPERUSER, None),
        (fixed::PUBLIC, "public", fixed::DATABASE_OWNER, usage(fixed::DATABASE_OWNER)),
        (
            fixed::INFORMATION_SCHEMA,
            "information_schema",
            fixed::BOOTSTRAP_SUPERUSER,
            usage(fixed::BOOTSTRAP_SUPERUSER),
        ),
    ];
    all.into_iter()
        .map(|(oid, name, owner, acl)| {
            Object::Namespace(Namespace { oid, name: name.into(), owner, acl, temp_of: None })
        })
        .collect()
}

fn roles(options: &Options) -> Vec<Object> {
    let role = |oid: u32, name: &str, superuser: bool| Role {
        oid: Oid(oid),
        name: name.into(),
        superuser,
        inherit: true,
        create_role: superuser,
        create_db: superuser,
        login: superuser,
        replication: superuser,
        bypass_rls: superuser,
        connection_limit: -1,
        password: None,
        valid_until_us: None,
        member_of: Vec::new(),
    };
    let mut first = role(fixed::BOOTSTRAP_SUPERUSER.0, &options.superuser, true);
    first.password.clone_from(&options.password);
    let mut all = vec![Object::Role(first)];
    all.extend(PREDEFINED.iter().map(|(oid, name)| {
        let mut r = role(*oid, name, false);
        if *name == "pg_monitor" {
            let member = |oid: u32| crate::catalog::object::Membership {
                role: Oid(oid),
                grantor: fixed::BOOTSTRAP_SUPERUSER,
                admin: false,
            };
            r.member_of = [3374, 3375, 3377].map(member).into();
        }
        Object::Role(r)
    }));
    all
}

fn databases(options: &Options) -> Vec<Object> {
    let database = |oid, name: &str, is_template, allow_connections| {
        Object::Database(Database {
            oid,
            name: name.into(),
            owner: fixed::BOOTSTRAP_SUPERUSER,
            is_template,
            allow_connections,
            connection_limit: -1,
            encoding: UTF8,
            collate: options.collate.clone(),
            ctype: options.ctype.clone(),
            icu_locale: options.icu_locale.clone(),
            collation_version: options.collation_version(),
            tablespace: Oid::INVALID,
            // PostgreSQL 15, initdb: nobody makes temporary tables in a template.
            acl: is_template.then(|| {
                let owner = acl::role_mark(fixed::BOOTSTRAP_SUPERUSER);
                vec![format!("=c/{owner}"), format!("{owner}=CTc/{owner}")]
            }),
        })
    };
    vec![
        database(fixed::TEMPLATE1, "template1", true, true),
        database(fixed::TEMPLATE0, "template0", true, false),
        database(fixed::POSTGRES, "postgres", false, true),
    ]
}

/// `pg_database.encoding` of UTF8.
pub const UTF8: i32 = 6;
