//! How these examples begin and end: the log, and the exit code.

use std::fmt::Display;
use std::process::ExitCode;

#[path = "../../../examples/service/log.rs"]
mod log;

/// For the end of `--help`.
pub(crate) const LOG: &str = "RUST_LOG=anysock=debug has it tell on standard error what happens to its sockets; \
     what somebody should look into it tells anyway.";

/// How the program `name` ends that `run` is. What happens is logged meanwhile.
pub(crate) async fn end_of<E: Display>(
    name: &str,
    run: impl Future<Output = Result<(), E>>,
) -> ExitCode {
    // What these stand on tells each request at info.
    log::begin("warn");
    match run.await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{name}: {error}");
            ExitCode::FAILURE
        }
    }
}
