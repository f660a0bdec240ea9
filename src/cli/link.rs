//! `outlast link DIRECTORY`: the tools by their own names, as links to this binary.

use super::{Call, data_dir, tool_names};
use crate::settings::os_text;
use rustix::io::Errno;
use std::path::Path;
use std::process::ExitCode;

pub fn main(call: Call) -> ExitCode {
    let [directory] = &call.arguments[..] else {
        eprintln!("outlast: link takes one directory\nTry \"outlast --help\" for more information.");
        return ExitCode::FAILURE;
    };
    let directory = data_dir::absolute(Path::new(directory));
    match link_all(&directory) {
        Ok(()) => {
            println!("linked {} in {}", tool_names().collect::<Vec<_>>().join(", "), directory.display());
            ExitCode::SUCCESS
        }
        Err(text) => {
            eprintln!("outlast: {text}");
            ExitCode::FAILURE
        }
    }
}

fn link_all(directory: &Path) -> Result<(), String> {
    let us = std::env::current_exe().map_err(|e| format!("could not find own executable: {}", os_text(&e)))?;
    match rustix::fs::mkdir(directory, rustix::fs::Mode::from_raw_mode(0o755)) {
        Ok(()) | Err(Errno::EXIST) => {}
        Err(e) => {
            return Err(format!("could not create directory \"{}\": {}", directory.display(), os_text(&e.into())));
        }
    }
    for name in tool_names().chain(["outlast"]) {
        let path = directory.join(name);
        if path == us {
            continue;
        }
        // Only links are replaced: a real program of that name stays.
        if rustix::fs::readlink(&path, Vec::new()).is_ok() {
            let _ = rustix::fs::unlink(&path);
        }
        rustix::fs::symlink(&us, &path)
            .map_err(|e| format!("could not create link \"{}\": {}", path.display(), os_text(&e.into())))?;
    }
    Ok(())
}
