//! `pg_controldata`: what the control file says, under PostgreSQL's labels.

use super::arguments::{Argument, Arguments};
use super::{Call, answers_first, data_dir};
use crate::disk::Posix;
use crate::settings::os_text;
use crate::wal::control::{ControlFile, Examined, PATH};
use jiff::tz::TimeZone;
use std::process::ExitCode;

const HELP: &str = "\
pg_controldata shows what the control file of a data directory says.

Usage:
  pg_controldata [OPTION] [DATADIR]

Options:
 [-D, --pgdata=]DATADIR  data directory
  -V, --version          output version information, then exit
  -?, --help             show this help, then exit

Without DATADIR, the environment variable PGDATA is used.
";

pub fn main(call: Call) -> ExitCode {
    if answers_first(&call, HELP) {
        return ExitCode::SUCCESS;
    }
    match show(call) {
        Ok(text) => {
            print!("{text}");
            ExitCode::SUCCESS
        }
        Err(text) => {
            eprintln!("{text}");
            ExitCode::FAILURE
        }
    }
}

fn show(call: Call) -> Result<String, String> {
    let hint = "pg_controldata: hint: Try \"pg_controldata --help\" for more information.";
    let mut arguments = Arguments::new(&call.path, call.arguments);
    let mut dir = None;
    while let Some(argument) = arguments.next()? {
        match &argument {
            Argument::Short('D') => dir = Some(arguments.value(&argument)?),
            Argument::Long(name) if name == "pgdata" => dir = Some(arguments.value(&argument)?),
            Argument::Word(word) if dir.is_none() => dir = Some(word.clone()),
            Argument::Word(word) => {
                return Err(format!(
                    "pg_controldata: error: too many command-line arguments (first is \"{word}\")\n{hint}"
                ));
            }
            other => return Err(format!("{}\n{hint}", arguments.unknown(other))),
        }
    }
    let dir = data_dir::chosen(dir).ok_or(format!("pg_controldata: error: no data directory specified\n{hint}"))?;
    let path = dir.join(PATH);
    if let Err(e) = rustix::fs::access(&path, rustix::fs::Access::READ_OK) {
        let text = os_text(&e.into());
        return Err(format!("pg_controldata: error: could not open file \"{}\" for reading: {text}", path.display()));
    }
    // The server speaks of the file from inside the directory, the tool from outside.
    let found = ControlFile::examine(&Posix::new(&dir)).map_err(|e| {
        let text = e.message().replace(&format!("\"{PATH}\""), &format!("\"{}\"", path.display()));
        format!("pg_controldata: error: {text}")
    })?;
    Ok(warnings(&found) + &render(&found))
}

const DAMAGED: &str = "\
WARNING: Calculated CRC checksum does not match value stored in file.
Either the file is corrupt, or it has a different layout than this program
is expecting.  The results below are untrustworthy.

";

/// PostgreSQL 15, pg_controldata.c: a damaged file is shown all the same.
fn warnings(found: &Examined) -> String {
    let mut text = String::new();
    if !found.is_sound {
        text.push_str(DAMAGED);
    }
    let bytes = found.control.segment_bytes;
    if !is_segment_size(bytes) {
        let plural = if bytes == 1 { "" } else { "s" };
        text.push_str(&format!(
            "WARNING: invalid WAL segment size\n\
             The WAL segment size stored in the file, {bytes} byte{plural}, is not a power of two\n\
             between 1 MB and 1 GB.  The file is corrupt and the results below are\n\
             untrustworthy.\n\n"
        ));
    }
    text
}

fn is_segment_size(bytes: u32) -> bool {
    bytes.is_power_of_two() && (1 << 20..=1 << 30).contains(&bytes)
}

fn render(found: &Examined) -> String {
    let c = &found.control;
    let cp = &c.checkpoint_copy;
    let on = |b: bool| if b { "on" } else { "off" }.to_string();
    let wal_file = match is_segment_size(c.segment_bytes) {
        true => {
            let segment = cp.redo.0 / u64::from(c.segment_bytes);
            let per_log = 0x1_0000_0000 / u64::from(c.segment_bytes);
            format!("{:08X}{:08X}{:08X}", cp.timeline, segment / per_log, segment % per_log)
        }
        false => "???".into(),
    };
    let state = if found.unknown_state { "unrecognized status code" } else { c.state.as_str() };
    let nonce: String = c.mock_nonce.iter().map(|b| format!("{b:02x}")).collect();
    let wal_level =
        ["minimal", "replica", "logical"].get(c.wal_level as usize).copied().unwrap_or("unrecognized wal_level");
    let lines: Vec<(&str, String)> = vec![
        ("pg_control version number:", c.control_version.to_string()),
        ("Catalog version number:", c.catalog_version.to_string()),
        ("Database system identifier:", c.system_identifier.to_string()),
        ("Database cluster state:", state.into()),
        ("pg_control last modified:", local_time(c.time)),
        ("Latest checkpoint location:", c.checkpoint.to_string()),
        ("Latest checkpoint's REDO location:", cp.redo.to_string()),
        ("Latest checkpoint's REDO WAL file:", wal_file),
        ("Latest checkpoint's TimeLineID:", cp.timeline.to_string()),
        ("Latest checkpoint's PrevTimeLineID:", cp.previous_timeline.to_string()),
        ("Latest checkpoint's full_page_writes:", on(cp.full_page_writes)),
        ("Latest checkpoint's NextXID:", format!("{}:{}", cp.next_xid.0 >> 32, cp.next_xid.0 as u32)),
        ("Latest checkpoint's NextOID:", cp.next_oid.to_string()),
        ("Latest checkpoint's NextMultiXactId:", cp.next_multi.to_string()),
        ("Latest checkpoint's NextMultiOffset:", cp.next_multi_offset.to_string()),
        ("Latest checkpoint's oldestXID:", cp.oldest_xid.to_string()),
        ("Latest checkpoint's oldestXID's DB:", cp.oldest_xid_db.to_string()),
        ("Latest checkpoint's oldestActiveXID:", cp.oldest_active_xid.to_string()),
        ("Latest checkpoint's oldestMultiXid:", "1".into()),
        ("Latest checkpoint's oldestMulti's DB:", cp.oldest_xid_db.to_string()),
        ("Latest checkpoint's oldestCommitTsXid:", "0".into()),
        ("Latest checkpoint's newestCommitTsXid:", "0".into()),
        ("Time of latest checkpoint:", local_time(cp.time)),
        ("Fake LSN counter for unlogged rels:", "0/3E8".into()),
        ("Minimum recovery ending location:", "0/0".into()),
        ("Min recovery ending loc's timeline:", "0".into()),
        ("Backup start location:", "0/0".into()),
        ("Backup end location:", "0/0".into()),
        ("End-of-backup record required:", "no".into()),
        ("wal_level setting:", wal_level.into()),
        ("wal_log_hints setting:", on(c.wal_log_hints)),
        ("max_connections setting:", c.max_connections.to_string()),
        ("max_worker_processes setting:", c.max_worker_processes.to_string()),
        ("max_wal_senders setting:", c.max_wal_senders.to_string()),
        ("max_prepared_xacts setting:", c.max_prepared_transactions.to_string()),
        ("max_locks_per_xact setting:", c.max_locks_per_transaction.to_string()),
        ("track_commit_timestamp setting:", on(c.track_commit_timestamp)),
        ("Maximum data alignment:", "8".into()),
        ("Database block size:", "8192".into()),
        ("Blocks per segment of large relation:", "131072".into()),
        ("WAL block size:", "8192".into()),
        ("Bytes per WAL segment:", c.segment_bytes.to_string()),
        ("Maximum length of identifiers:", "64".into()),
        ("Maximum columns in an index:", "32".into()),
        ("Maximum size of a TOAST chunk:", "1996".into()),
        ("Size of a large-object chunk:", "2048".into()),
        ("Date/time type storage:", "64-bit integers".into()),
        ("Float8 argument passing:", "by value".into()),
        ("Data page checksum version:", u32::from(c.data_checksums).to_string()),
        ("Mock authentication nonce:", nonce),
    ];
    lines.iter().map(|(label, value)| format!("{label:<38}{value}\n")).collect()
}

/// As C's `%c` prints it.
fn local_time(seconds: i64) -> String {
    let zone = std::env::var("TZ").ok().and_then(|z| TimeZone::get(&z).ok()).unwrap_or(TimeZone::UTC);
    let at = jiff::Timestamp::from_second(seconds).unwrap_or(jiff::Timestamp::UNIX_EPOCH).to_zoned(zone);
    at.strftime("%a %b %e %H:%M:%S %Y").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Labels are padded as PostgreSQL 15 prints them, and values come from the file.
    #[test]
    fn labels() {
        let mut control = ControlFile::new(7, 16 << 20, true, [0xab; 32]);
        control.checkpoint_copy.redo = crate::base::Lsn(0x1_0200_0028);
        let text = render(&Examined { control, is_sound: true, unknown_state: false });
        assert!(text.starts_with("pg_control version number:            1300\n"), "{text}");
        assert!(text.contains("Latest checkpoint's oldestCommitTsXid:0\n"));
        assert!(text.contains("Latest checkpoint's REDO WAL file:    000000010000000100000002\n"));
        assert!(text.contains("Database cluster state:               shut down\n"));
        assert_eq!(text.lines().count(), 50);
    }
}
