//! Three programs as tokio and tokio-util have them, and as anysock has them: `moving PROGRAM FORM`.
//!
//! ```text
//! cargo run -p anysock-ecosystem --example moving -- lines before    # until Ctrl-C
//! cargo run -p anysock-ecosystem --example moving -- lines after
//! cargo run -p anysock-ecosystem --example moving -- requests after
//! ```
//!
//! `docs/MOVING.md` has them side by side.

mod client;
mod lines;
#[path = "../../../examples/service/log.rs"]
mod log;
mod requests;

use std::process::ExitCode;

use anysock::{Endpoint, Shutdown};
use clap::{Parser, ValueEnum};
use tokio_util::sync::CancellationToken;

/// The same program in two forms
#[derive(Parser)]
struct Arguments {
    program: Program,
    form: Form,
    /// Where to listen, or whom to ask; HOST:PORT
    #[arg(default_value = "127.0.0.1:7000")]
    addr: String,
    /// The unix socket of `lines`
    #[arg(default_value = "/tmp/moving.sock")]
    path: String,
}

#[derive(Clone, Copy, ValueEnum)]
enum Program {
    /// Sends lines back over TCP and a unix socket
    Lines,
    /// Answers datagrams
    Requests,
    /// Asks who sends back what is length-prefixed (u32)
    Client,
}

#[derive(Clone, Copy, ValueEnum)]
enum Form {
    /// tokio and tokio-util
    Before,
    /// anysock
    After,
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    log::begin("info");
    match run(arguments).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("moving: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments) -> Result<(), Box<dyn std::error::Error>> {
    let Arguments { program, form, addr, path } = arguments;
    let (stop, shutdown) = (CancellationToken::new(), Shutdown::new());
    let (token, begun) = (stop.clone(), shutdown.clone());
    tokio::spawn(async move {
        let _ = tokio::signal::ctrl_c().await;
        token.cancel();
        begun.begin();
    });
    let (tcp, udp, unix) =
        (format!("tcp://{addr}"), format!("udp://{addr}"), format!("unix:{path}"));
    let asked = ["one", "two", "three"];
    match (program, form) {
        (Program::Lines, Form::Before) => {
            lines::before::serve(&addr, &path, |at| println!("listening on {at}"), stop).await?;
        }
        (Program::Lines, Form::After) => {
            let bound = |endpoints: Vec<Endpoint>| {
                endpoints.iter().for_each(|at| println!("listening on {at}"));
            };
            lines::after::serve(&[&tcp, &unix], bound, shutdown).await?;
        }
        (Program::Requests, Form::Before) => {
            requests::before::serve(&addr, |at| println!("listening on {at}"), stop).await?;
        }
        (Program::Requests, Form::After) => {
            requests::after::serve(&udp, |at| println!("listening on {at}"), shutdown).await?;
        }
        (Program::Client, Form::Before) => {
            println!("{:?}", client::before::ask(&addr, &asked).await?)
        }
        (Program::Client, Form::After) => println!("{:?}", client::after::ask(&tcp, &asked).await?),
    }
    Ok(())
}
