//! How these examples begin and end: the log, and the exit code.

use std::fmt::Display;
use std::io::{self, IsTerminal};
use std::process::ExitCode;

use tracing_subscriber::EnvFilter;

/// For the end of `--help`.
pub(crate) const LOG: &str = "RUST_LOG=anysock=debug has it tell on standard error what happens to its sockets; \
     what somebody should look into it tells anyway.";

/// How the program `name` ends that `run` is. What happens is logged to standard error, as much of it
/// as `RUST_LOG` asks for.
pub(crate) async fn end_of<E: Display>(
    name: &str,
    run: impl Future<Output = Result<(), E>>,
) -> ExitCode {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("warn"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal())
        .init();
    match run.await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{name}: {error}");
            ExitCode::FAILURE
        }
    }
}
