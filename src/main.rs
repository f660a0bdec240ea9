use outlast::process::ENGINE_ARGUMENT;
use std::process::ExitCode;

fn main() -> ExitCode {
    let mut args = std::env::args_os();
    match args.nth(1) {
        Some(first) if first == ENGINE_ARGUMENT => outlast::engine::run(),
        // Stand-in until the tools land: `outlast -D DIR [-c name=value]...`.
        Some(_) => {
            let origin = outlast::process::origin_args::from_args(std::env::args_os().skip(1));
            let command_line = std::env::args().collect();
            outlast::postmaster::run(outlast::postmaster::Options { origin, no_adopt: false, command_line })
        }
        None => ExitCode::FAILURE,
    }
}
