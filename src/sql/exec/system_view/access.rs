//! The files that say who may connect, as they are at this moment: `pg_hba_file_rules`, `pg_ident_file_mappings`.

use super::cell::{NULL, texts};
use super::{Cell, Sink, View, row};
use crate::auth::hba::{Address, ClientCertificate, Rule, examine};
use crate::auth::ident;
use crate::base::{Error, Flow};
use crate::process::config_files::RealConfigFiles;
use crate::settings::{Id, Lookup};
use crate::sql::exec::ExecContext;
use crate::types::Value;
use std::path::{Path, PathBuf};

pub(super) const VIEWS: &[View] =
    &[View { name: "pg_hba_file_rules", rows: rules }, View { name: "pg_ident_file_mappings", rows: mappings }];

fn path(cx: &mut ExecContext, id: Id) -> Flow<PathBuf> {
    Ok(PathBuf::from(&*cx.backend()?.view.str(id)))
}

fn unreadable(path: &Path, e: &std::io::Error) -> Error {
    crate::disk::access_error(format!("open configuration file \"{}\"", path.display()), e)
}

fn rules(cx: &mut ExecContext, sink: &mut Sink) -> Flow<()> {
    let path = path(cx, Id::HbaFile)?;
    for (line, rule) in examine(&RealConfigFiles, &path).map_err(|e| unreadable(&path, &e))? {
        match rule {
            Err(fault) => row![sink; line, NULL, NULL, NULL, NULL, NULL, NULL, NULL, fault],
            Ok(rule) => {
                let (address, mask) = address(&rule.address);
                row![sink;
                    line, rule.connection.as_str(), texts(rule.databases.iter().map(|t| &t.text)),
                    texts(rule.users.iter().map(|t| &t.text)), address, mask, rule.method.as_str(), options(&rule), NULL,
                ];
            }
        }
    }
    Ok(())
}

fn address(a: &Address) -> (Value, Value) {
    match a {
        Address::None => (NULL, NULL),
        Address::All => ("all".cell(), NULL),
        Address::SameHost => ("samehost".cell(), NULL),
        Address::SameNet => ("samenet".cell(), NULL),
        Address::Net { address, mask } => (address.to_string().cell(), mask.to_string().cell()),
        Address::Name(name) => (name.cell(), NULL),
    }
}

fn options(rule: &Rule) -> Value {
    let mut all = Vec::new();
    all.extend(rule.map.as_ref().map(|m| format!("map={m}")));
    match rule.client_certificate {
        ClientCertificate::Off => {}
        ClientCertificate::VerifyCa => all.push("clientcert=verify-ca".to_string()),
        ClientCertificate::VerifyFull => all.push("clientcert=verify-full".to_string()),
    }
    if all.is_empty() { NULL } else { texts(all) }
}

fn mappings(cx: &mut ExecContext, sink: &mut Sink) -> Flow<()> {
    let path = path(cx, Id::IdentFile)?;
    for (line, mapping) in ident::examine(&RealConfigFiles, &path).map_err(|e| unreadable(&path, &e))? {
        match mapping {
            Err(fault) => row![sink; line, NULL, NULL, NULL, fault],
            Ok(m) => row![sink; line, &m.map, m.system_user(), m.role(), NULL],
        }
    }
    Ok(())
}
