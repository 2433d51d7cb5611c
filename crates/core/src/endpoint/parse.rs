//! From text to endpoint.

use std::ffi::OsStr;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::os::unix::ffi::OsStrExt;

use super::{Endpoint, EndpointFault, EndpointName, Host, HostName, HostPort, Scope};
use crate::{Type, UnixAddr};

/// Parses a whole endpoint.
pub(super) fn endpoint(text: &str) -> Result<Endpoint, EndpointFault> {
    let Some((scheme, rest)) = text.split_once(':') else {
        return Err(EndpointFault::NoScheme);
    };
    // Where `rest` begins in the text, for errors that name an offset.
    let start = scheme.len() + 1;
    match scheme {
        "tcp" => authority(scheme, rest).map(Endpoint::Tcp),
        "mptcp" => authority(scheme, rest).map(Endpoint::Mptcp),
        "udp" => authority(scheme, rest).map(Endpoint::Udp),
        "sctp" => authority(scheme, rest).map(Endpoint::Sctp),
        "unix" => unix_addr(rest, start).map(|addr| Endpoint::Unix(Type::Stream, addr)),
        "unix-dgram" => unix_addr(rest, start).map(|addr| Endpoint::Unix(Type::Datagram, addr)),
        "unix-seqpacket" => {
            unix_addr(rest, start).map(|addr| Endpoint::Unix(Type::SeqPacket, addr))
        }
        "fd" => match number(rest) {
            Some(number) => Ok(Endpoint::Fd(number)),
            None => Err(EndpointFault::BadDescriptor { number: rest.to_owned() }),
        },
        "systemd" => EndpointName::new(rest).map(Endpoint::Systemd),
        "mem" => EndpointName::new(rest).map(Endpoint::Mem),
        // A path with a colon in it, a host with its port, or nothing in front of the colon.
        _ if scheme.is_empty()
            || scheme.contains(['/', '@', '[', '.'])
            || number::<u16>(rest).is_some() =>
        {
            Err(EndpointFault::NoScheme)
        }
        _ => Err(EndpointFault::UnknownScheme { scheme: scheme.to_owned() }),
    }
}

/// `//HOST:PORT`.
fn authority(scheme: &str, rest: &str) -> Result<HostPort, EndpointFault> {
    match rest.strip_prefix("//") {
        Some(text) => host_port(text),
        None => Err(EndpointFault::MissingSlashes { scheme: scheme.to_owned() }),
    }
}

fn host_port(text: &str) -> Result<HostPort, EndpointFault> {
    if let Some(rest) = text.strip_prefix('[') {
        let Some((inside, behind)) = rest.split_once(']') else {
            return Err(EndpointFault::UnclosedBracket { host: text.to_owned() });
        };
        let host = ipv6(inside)?;
        return match behind.strip_prefix(':') {
            Some(digits) => Ok(HostPort { host, port: port(digits)? }),
            None if behind.is_empty() => Err(EndpointFault::MissingPort { host: host.to_string() }),
            None => Err(EndpointFault::Trailing { behind: "host", rest: behind.to_owned() }),
        };
    }
    if is_bare_ipv6(text) {
        return Err(EndpointFault::UnbracketedIpv6 { host: text.to_owned() });
    }
    let Some((host, digits)) = text.split_once(':') else {
        return Err(match HostName::new(text) {
            Err(EndpointFault::BadIpv4 { .. }) | Ok(_) => {
                EndpointFault::MissingPort { host: text.to_owned() }
            }
            Err(fault) => fault,
        });
    };
    let host = match host.parse::<Ipv4Addr>() {
        Ok(addr) => Host::Ipv4(addr),
        Err(_) => Host::Name(HostName::new(host)?),
    };
    Ok(HostPort { host, port: port(digits)? })
}

/// What stands inside the brackets.
fn ipv6(text: &str) -> Result<Host, EndpointFault> {
    let (addr, scope) = match text.split_once('%') {
        Some((addr, scope)) => (addr, Some(scope)),
        None => (text, None),
    };
    match addr.parse::<Ipv6Addr>() {
        Ok(addr) => Ok(Host::Ipv6 { addr, scope: scope.map(Scope::new).transpose()? }),
        Err(_) => Err(EndpointFault::BadIpv6 { host: addr.to_owned() }),
    }
}

/// Whether the text is an IPv6 address without brackets, with or without a port behind it.
fn is_bare_ipv6(text: &str) -> bool {
    let is_addr = |text: &str| {
        let addr = text.split_once('%').map_or(text, |(addr, _)| addr);
        addr.parse::<Ipv6Addr>().is_ok()
    };
    is_addr(text) || text.rsplit_once(':').is_some_and(|(host, _)| is_addr(host))
}

fn port(text: &str) -> Result<u16, EndpointFault> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    if digits > 0 && digits < text.len() {
        return Err(EndpointFault::Trailing { behind: "port", rest: text[digits..].to_owned() });
    }
    number(text).ok_or_else(|| EndpointFault::BadPort { port: text.to_owned() })
}

/// A decimal number in its one spelling: no sign, no leading zeros.
fn number<T: std::str::FromStr>(text: &str) -> Option<T> {
    let one_spelling = text == "0" || !text.starts_with(['0', '+']);
    one_spelling.then(|| text.parse().ok()).flatten()
}

/// What stands behind `unix:`, which begins at byte `start` of the endpoint.
fn unix_addr(text: &str, start: usize) -> Result<UnixAddr, EndpointFault> {
    // The mark of the abstract namespace is a written @, never an escaped one.
    if let Some(name) = text.strip_prefix('@') {
        return Ok(UnixAddr::abstract_name(unescape(name, start + 1)?)?);
    }
    let path = unescape(text, start)?;
    if path.is_empty() {
        return Ok(UnixAddr::Unnamed);
    }
    Ok(UnixAddr::path(OsStr::from_bytes(&path))?)
}

/// The bytes that the text stands for; it begins at byte `start` of the endpoint.
fn unescape(text: &str, start: usize) -> Result<Vec<u8>, EndpointFault> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((plain, escape)) = rest.split_once('%') {
        bytes.extend_from_slice(plain.as_bytes());
        let Some(byte) = escape.get(..2).and_then(hex_byte) else {
            let percent = rest.len() - escape.len() - 1;
            return Err(EndpointFault::BadEscape {
                escape: rest[percent..].chars().take(3).collect(),
                offset: start + text.len() - rest.len() + percent,
            });
        };
        bytes.push(byte);
        rest = &escape[2..];
    }
    bytes.extend_from_slice(rest.as_bytes());
    Ok(bytes)
}

fn hex_byte(digits: &str) -> Option<u8> {
    let hex = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    // from_str_radix alone would take a sign.
    hex.then(|| u8::from_str_radix(digits, 16).ok()).flatten()
}
