use outlast::process::ENGINE_ARGUMENT;
use std::process::ExitCode;

fn main() -> ExitCode {
    let mut args = std::env::args_os();
    match args.nth(1) {
        Some(first) if first == ENGINE_ARGUMENT => outlast::engine::run(),
        Some(first) if first == outlast::postmaster::POSTMASTER_ARGUMENT => outlast::postmaster::run_below_init(),
        Some(first) if first == outlast::logger::LOGGER_ARGUMENT => {
            let origin = outlast::process::origin_args::from_args(std::env::args_os().skip(2));
            let files = std::sync::Arc::new(outlast::process::config_files::RealConfigFiles);
            match outlast::settings::Global::load(origin, files) {
                Ok(settings) => ExitCode::from(outlast::logger::run(&settings) as u8),
                Err(_) => ExitCode::FAILURE,
            }
        }
        // Stand-in until the tools land: `outlast -D DIR [-c name=value]...`.
        Some(_) => {
            let origin = outlast::process::origin_args::from_args(std::env::args_os().skip(1));
            let command_line = std::env::args().collect();
            outlast::postmaster::run(outlast::postmaster::Options { origin, no_adopt: false, command_line })
        }
        None => ExitCode::FAILURE,
    }
}
