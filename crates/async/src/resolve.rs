//! From an endpoint to the addresses that it stands for.

use std::io;

use anysock_core::{Addr, Endpoint};

/// The addresses of an endpoint, in the order in which to try them; never none.
///
/// Names are asked of the system's resolver on a blocking thread.
///
/// # Errors
///
/// [`NotFound`](io::ErrorKind::NotFound) for a name without addresses, those of the resolver,
/// and [`Unsupported`](io::ErrorKind::Unsupported) for what is not named by an address.
///
/// # Cancel safety
///
/// Nothing is lost: call it again.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
/// let addresses = anysock_async::resolve(&"tcp://127.0.0.1:80".parse()?).await?;
/// assert_eq!(addresses[0].to_string(), "127.0.0.1:80");
/// # Ok::<_, Box<dyn std::error::Error>>(()) })?;
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
pub async fn resolve(endpoint: &Endpoint) -> io::Result<Vec<Addr>> {
    if let Some(addr) = endpoint.addr() {
        return Ok(vec![addr]);
    }
    let Some(at) = endpoint.host_port() else {
        let what = format!("{endpoint} is not named by an address, and cannot be resolved");
        return Err(io::Error::new(io::ErrorKind::Unsupported, what));
    };
    let found = tokio::net::lookup_host((at.host.to_lookup(), at.port)).await;
    let explain = |error: io::Error| {
        io::Error::new(error.kind(), format!("cannot resolve {}: {error}", at.host.to_lookup()))
    };
    let addresses: Vec<Addr> = found.map_err(explain)?.map(Addr::Ip).collect();
    if addresses.is_empty() {
        return Err(explain(io::Error::new(io::ErrorKind::NotFound, "it has no address")));
    }
    Ok(addresses)
}
