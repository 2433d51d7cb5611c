//! The example `dns` before dig and dnsperf, which know nothing of this library.

mod dig;
mod dnsperf;
#[path = "../../../tests/protocols/program.rs"]
mod program;
mod raw;
/// Of what the tests of whole programs have in common, what is needed here.
#[path = "../../../tests/support"]
mod support {
    mod directory;
    pub(crate) mod process;
    mod server;

    pub(crate) use directory::Directory;
    pub(crate) use process::run;
    pub(crate) use server::Server;
}
#[path = "../../../tests/support/tool.rs"]
mod tool;
