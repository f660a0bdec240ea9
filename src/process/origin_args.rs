//! Where the settings come from, as arguments of a child process.

use crate::settings::Origin;
use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};

/// `-D DIR`, `--config-file FILE`, `-c name=value` …
pub fn to_args(origin: &Origin) -> Vec<OsString> {
    let mut args = vec![OsString::from("-D"), origin.data_directory.clone().into_os_string()];
    if let Some(file) = &origin.config_file {
        args.extend([OsString::from("--config-file"), file.clone().into_os_string()]);
    }
    for (name, value) in &origin.command_line {
        args.extend([OsString::from("-c"), OsString::from(format!("{name}={value}"))]);
    }
    args
}

/// Reads what [`to_args`] wrote; anything else is skipped.
pub fn from_args(args: impl IntoIterator<Item = OsString>) -> Origin {
    let mut origin = Origin::default();
    let mut args = args.into_iter();
    while let Some(arg) = args.next() {
        let Some(value) = args.next() else { break };
        match arg.as_bytes() {
            b"-D" => origin.data_directory = value.into(),
            b"--config-file" => origin.config_file = Some(value.into()),
            b"-c" => {
                let text = String::from_utf8_lossy(&value.into_vec()).into_owned();
                if let Some((name, value)) = text.split_once('=') {
                    origin.command_line.push((name.to_string(), value.to_string()));
                }
            }
            _ => {}
        }
    }
    origin
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Values with blanks and equal signs arrive as they were.
    #[test]
    fn origins_survive_the_exec() {
        let origin = Origin {
            data_directory: "/a b".into(),
            config_file: Some("/etc/x.conf".into()),
            command_line: vec![("port".into(), "6000".into()), ("archive_command".into(), "cp a=b 'c d'".into())],
        };
        let back = from_args(to_args(&origin));
        assert_eq!(back.data_directory, origin.data_directory);
        assert_eq!(back.config_file, origin.config_file);
        assert_eq!(back.command_line, origin.command_line);
    }
}
