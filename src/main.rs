//! The one binary: PostgreSQL's tools and our own, chosen by name or by the first argument.

fn main() -> std::process::ExitCode {
    outlast::cli::main()
}
