//! Messages over TLS and mutual TLS, on TCP and unix streams: `tls demo | chain | serve | send`.
//!
//! ```text
//! cargo run -p anysock-ecosystem --example tls                      # all of it, in one process
//!
//! cargo run -p anysock-ecosystem --example tls -- chain /tmp/chain
//! cargo run -p anysock-ecosystem --example tls -- serve tcp://127.0.0.1:7443 \
//!     --chain /tmp/chain/server.pem --key /tmp/chain/server.key --clients /tmp/chain/root.pem
//! cargo run -p anysock-ecosystem --example tls -- send tcp://127.0.0.1:7443 hello \
//!     --root /tmp/chain/root.pem --chain /tmp/chain/client.pem --key /tmp/chain/client.key
//! ```
//!
//! With `--codec lines` at the server its client may be another's:
//!
//! ```text
//! openssl s_client -connect 127.0.0.1:7443 -CAfile /tmp/chain/root.pem -verify_hostname localhost \
//!     -cert /tmp/chain/client.pem -cert_chain /tmp/chain/client.pem -key /tmp/chain/client.key
//! ```
//!
//! The handshake is made by the connection's own task, within a deadline: who does not shake hands
//! holds up nobody.

mod chain;
#[path = "../program/interrupted.rs"]
mod interrupted;
#[path = "../program/mod.rs"]
mod program;
mod upgrade;

use std::fs;
use std::future::IntoFuture;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anysock::prelude::*;
use anysock::{AnyCodec, Endpoint, Listener, Shutdown};
use clap::{Args, Parser, Subcommand};
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::{TlsAcceptor, TlsConnector};

use self::chain::{Authority, Error, Identity, Valid};

/// Messages over TLS, on any stream
#[derive(Parser)]
#[command(after_help = program::LOG)]
struct Arguments {
    #[command(subcommand)]
    role: Option<Role>,
}

#[derive(Subcommand)]
enum Role {
    /// A server and a client in one process, with a throwaway chain, on each endpoint; the default
    Demo {
        /// Where to; tcp://HOST:PORT or unix:PATH
        #[arg(value_name = "ENDPOINT", default_values = ["tcp://127.0.0.1:0", "tcp://[::1]:0", "unix:"])]
        endpoints: Vec<Endpoint>,
    },
    /// Makes a throwaway chain, of a server called localhost and a client, in a new directory
    Chain {
        /// The directory; root.pem, {server,client}.{pem,key} will be in it
        directory: PathBuf,
    },
    /// Sends every message back, until it is interrupted
    Serve {
        /// Where to listen: tcp://HOST:PORT, unix:PATH, fd:N, systemd:NAME
        #[arg(required = true, value_name = "ENDPOINT")]
        endpoints: Vec<Endpoint>,
        #[command(flatten)]
        own: Own,
        /// Asks clients for a certificate, that those in this PEM file vouch for
        #[arg(long, value_name = "PEM")]
        clients: Option<PathBuf>,
        /// How long a client has to shake hands
        #[arg(long, value_name = "SECONDS", default_value_t = 10)]
        patience: u64,
        /// How messages are marked: u32, lines and others
        #[arg(long, value_name = "NAME", default_value = "u32")]
        codec: AnyCodec,
    },
    /// Sends messages, and prints what comes back
    Send {
        /// Where to: tcp://HOST:PORT or unix:PATH
        endpoint: Endpoint,
        /// The messages
        #[arg(required = true, value_name = "MESSAGE")]
        messages: Vec<String>,
        /// Whom to trust
        #[arg(long, value_name = "PEM")]
        root: PathBuf,
        /// Whose certificate the server has to show
        #[arg(long, default_value = "localhost")]
        name: String,
        #[command(flatten)]
        own: OwnIfAny,
        /// How messages are marked, as the server does it
        #[arg(long, value_name = "NAME", default_value = "u32")]
        codec: AnyCodec,
    },
}

#[derive(Args)]
struct Own {
    /// Its own certificate, and those that vouch for it up to the root
    #[arg(long, value_name = "PEM")]
    chain: PathBuf,
    /// The key of its own certificate
    #[arg(long, value_name = "PEM")]
    key: PathBuf,
}

#[derive(Args)]
struct OwnIfAny {
    /// Its own certificate, where the server asks for one
    #[arg(long, value_name = "PEM", requires = "key")]
    chain: Option<PathBuf>,
    /// The key of its own certificate
    #[arg(long, value_name = "PEM", requires = "chain")]
    key: Option<PathBuf>,
}

#[tokio::main]
async fn main() -> ExitCode {
    program::end_of("tls", run(Arguments::parse())).await
}

async fn run(arguments: Arguments) -> Result<(), Error> {
    match arguments.role {
        None => {
            demo(&["tcp://127.0.0.1:0".parse()?, "tcp://[::1]:0".parse()?, "unix:".parse()?]).await
        }
        Some(Role::Demo { endpoints }) => demo(&endpoints).await,
        Some(Role::Chain { directory }) => write_chain(&directory),
        Some(Role::Serve { endpoints, own, clients, patience, codec }) => {
            let clients = clients.map(|path| chain::roots(&read(&path)?)).transpose()?;
            let acceptor = upgrade::acceptor(&identity(&own.chain, &own.key)?, clients)?;
            let shutdown = interrupted::shutdown()?;
            let listeners = bind(&endpoints, &codec).await?;
            for listener in &listeners {
                println!("listening on {}", listener.endpoint());
            }
            let patience = Duration::from_secs(patience);
            print!("{}", serve(listeners, acceptor, patience, shutdown).await);
            Ok(())
        }
        Some(Role::Send { endpoint, messages, root, name, own, codec }) => {
            let own = match (own.chain, own.key) {
                (Some(chain), Some(key)) => Some(identity(&chain, &key)?),
                _ => None,
            };
            let connector = upgrade::connector(chain::roots(&read(&root)?)?, own.as_ref())?;
            let name = ServerName::try_from(name)?;
            for answer in ask((&endpoint, codec), connector, name, &messages).await? {
                println!("{answer}");
            }
            Ok(())
        }
    }
}

/// The service: as it would be without TLS, but for its first line.
async fn serve(
    listeners: Vec<Listener>,
    acceptor: TlsAcceptor,
    patience: Duration,
    shutdown: Shutdown,
) -> anysock::Report {
    let told = shutdown.clone();
    anysock::serve(listeners, move |peer| {
        let (acceptor, shutdown) = (acceptor.clone(), told.clone());
        async move {
            let mut peer =
                peer.upgrade(patience, |socket| upgrade::accept(acceptor, socket)).await?;
            loop {
                tokio::select! {
                    biased;
                    message = peer.recv() => match message? {
                        Some(message) => peer.feed(message).await?,
                        None => break,
                    },
                    () = shutdown.begun() => break,
                }
            }
            peer.close().await
        }
    })
    .idle(Duration::from_secs(60))
    .shutdown(shutdown, Duration::from_secs(5))
    .await
}

/// The client: likewise.
async fn ask(
    (endpoint, codec): (&Endpoint, AnyCodec),
    connector: TlsConnector,
    name: ServerName<'static>,
    messages: &[String],
) -> Result<Vec<String>, Error> {
    let server = anysock::connect(endpoint).codec(codec).await?;
    let within = Duration::from_secs(10);
    let mut server =
        server.upgrade(within, |socket| upgrade::connect(connector, name, socket)).await?;
    for message in messages {
        server.feed(message).await?;
    }
    let mut answers = Vec::new();
    while answers.len() < messages.len() {
        match server.recv().await? {
            Some(answer) => answers.push(String::from_utf8_lossy(&answer).into_owned()),
            None => return Err("the server has ended without an answer".into()),
        }
    }
    server.close().await?; // says close_notify; who only drops looks like one who was cut off
    Ok(answers)
}

async fn demo(endpoints: &[Endpoint]) -> Result<(), Error> {
    let authority = Authority::new("throwaway")?;
    let (server, client) =
        (authority.sign("localhost", Valid::Now)?, authority.sign("client", Valid::Now)?);
    let acceptor = upgrade::acceptor(&server, Some(chain::roots(&authority.root())?))?;
    let codec = AnyCodec::default();
    let listeners = bind(endpoints, &codec).await?;
    let reached: Vec<_> = listeners.iter().map(|listener| listener.endpoint().clone()).collect();
    let shutdown = Shutdown::new();
    let serving = serve(listeners, acceptor, Duration::from_secs(10), shutdown.clone());
    let serving = tokio::spawn(serving.into_future());

    for endpoint in &reached {
        let reached = || (endpoint, codec.clone());
        let name = ServerName::try_from("localhost")?;
        let trusted = || chain::roots(&authority.root());
        let connector = upgrade::connector(trusted()?, Some(&client))?;
        let answers = ask(reached(), connector, name.clone(), &["hello".to_owned()]).await?;
        println!("{endpoint}: answered {answers:?}, both ends certified");

        let anonymous = upgrade::connector(trusted()?, None)?;
        match ask(reached(), anonymous, name.clone(), &["hello".to_owned()]).await {
            Ok(_) => return Err("a client without a certificate was answered".into()),
            Err(error) => println!("{endpoint}: a client without a certificate meets: {error}"),
        }
        let stranger = Authority::new("another")?;
        let mistaken = upgrade::connector(chain::roots(&stranger.root())?, Some(&client))?;
        match ask(reached(), mistaken, name, &["hello".to_owned()]).await {
            Ok(_) => return Err("a server of an unknown root was trusted".into()),
            Err(error) => println!("{endpoint}: a client that trusts another root meets: {error}"),
        }
    }
    shutdown.begin();
    print!("{}", serving.await?);
    Ok(())
}

async fn bind(endpoints: &[Endpoint], codec: &AnyCodec) -> Result<Vec<Listener>, Error> {
    let mut listeners = Vec::new();
    for endpoint in endpoints {
        let bound = anysock::bind(endpoint).codec(codec.clone()).await;
        listeners.push(bound.map_err(|error| format!("cannot listen on {endpoint}: {error}"))?);
    }
    Ok(listeners)
}

fn write_chain(directory: &Path) -> Result<(), Error> {
    let authority = Authority::new("throwaway")?;
    let made = fs::DirBuilder::new().mode(0o700).create(directory);
    made.map_err(|error| {
        format!("cannot make {}: {error}; name a directory that is not there", directory.display())
    })?;
    fs::write(directory.join("root.pem"), authority.root())?;
    for (file, name) in [("server", "localhost"), ("client", "client")] {
        let identity = authority.sign(name, Valid::Now)?;
        fs::write(directory.join(format!("{file}.pem")), &identity.chain)?;
        let key = directory.join(format!("{file}.key"));
        let mut key = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(key)?;
        std::io::Write::write_all(&mut key, identity.key.as_bytes())?;
    }
    println!("root.pem, server.pem, server.key, client.pem, client.key in {}", directory.display());
    Ok(())
}

fn identity(chain: &Path, key: &Path) -> Result<Identity, Error> {
    Ok(Identity { chain: read(chain)?, key: read(key)? })
}

fn read(path: &Path) -> Result<String, Error> {
    fs::read_to_string(path)
        .map_err(|error| format!("cannot read {}: {error}", path.display()).into())
}
