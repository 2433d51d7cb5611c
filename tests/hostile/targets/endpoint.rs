//! Endpoints: what parses is what the grammar says, and prints to what parses to the same.

use std::net::{Ipv4Addr, Ipv6Addr};

use anysock_core::{Addr, Cell, Endpoint, Socket, Type, UnixAddr};

use super::Tried;

/// The bytes as an endpoint, and as the name of a unix socket.
pub(super) fn run(input: &[u8]) -> Tried {
    let text = String::from_utf8_lossy(input);
    check_text(&text);
    check_unix(input);
    Tried::ways(2)
}

fn check_text(text: &str) {
    let parsed = text.parse::<Endpoint>();
    let canonical = canonical(text);
    match &parsed {
        Ok(endpoint) => {
            assert_eq!(Some(endpoint.to_string()), canonical, "{text:?}");
            check_value(endpoint);
        }
        Err(error) => {
            assert_eq!(canonical, None, "{text:?}: {error}");
            // What is wrong can be said, in one line, whatever the bytes are.
            let said = error.to_string();
            assert!(!said.contains(['\n', '\0']), "{said:?}");
            let _ = format!("{error:?}");
        }
    }
}

/// It prints to what parses to the same, and so does its address.
fn check_value(endpoint: &Endpoint) {
    let text = endpoint.to_string();
    assert!(text.bytes().all(|byte| matches!(byte, b' '..=b'~')), "{text:?}");
    assert_eq!(text.parse().as_ref(), Ok(endpoint), "{text:?}");
    let (Some(addr), Some(protocol)) = (endpoint.addr(), endpoint.protocol()) else { return };
    assert_eq!(&Endpoint::from_addr(addr, protocol), endpoint, "{text:?}");
    assert!(endpoint.cell().is_some(), "{text:?}");
}

/// The bytes as a path and as an abstract name, which the kernel gives back as they are.
fn check_unix(bytes: &[u8]) {
    use std::os::unix::ffi::OsStrExt;
    let path = UnixAddr::path(std::ffi::OsStr::from_bytes(bytes));
    assert_eq!(path.is_ok(), (1..=108).contains(&bytes.len()) && !bytes.contains(&0));
    let name = UnixAddr::abstract_name(bytes);
    assert_eq!(name.is_ok(), (1..=107).contains(&bytes.len()));
    for addr in path.iter().chain(&name) {
        for kind in [Type::Stream, Type::Datagram, Type::SeqPacket] {
            check_value(&Endpoint::from_addr(Addr::Unix(addr.clone()), kind));
        }
    }
    let Ok(name) = name else { return };
    let name = Addr::Unix(name);
    let socket = Socket::open(Cell::UNIX_DATAGRAM).unwrap();
    // Who is before us has it.
    if socket.bind(&name).is_ok() {
        assert_eq!(socket.local_addr().unwrap(), name);
    }
}

/// The one text of the endpoint that `text` is, as the table in `Endpoint` has it.
fn canonical(text: &str) -> Option<String> {
    let (scheme, rest) = text.split_once(':')?;
    let rest = match scheme {
        "tcp" | "mptcp" | "udp" | "sctp" => format!("//{}", host_port(rest.strip_prefix("//")?)?),
        "unix" | "unix-dgram" | "unix-seqpacket" => unix(rest)?,
        "fd" => number(rest, u32::MAX.into())?.to_string(),
        "systemd" | "mem" => {
            let printable = rest.chars().all(|c| matches!(c, ' '..='~') && c != ':');
            ((1..=255).contains(&rest.len()) && printable).then(|| rest.to_owned())?
        }
        _ => return None,
    };
    Some(format!("{scheme}:{rest}"))
}

fn host_port(text: &str) -> Option<String> {
    let (host, port) = text.rsplit_once(':')?;
    let host = match host.strip_prefix('[') {
        Some(rest) => ipv6(rest.strip_suffix(']')?)?,
        None => name(host)?,
    };
    Some(format!("{host}:{}", number(port, 65_535)?))
}

fn ipv6(text: &str) -> Option<String> {
    let Some((addr, scope)) = text.split_once('%') else {
        return Some(format!("[{}]", text.parse::<Ipv6Addr>().ok()?));
    };
    let plain = scope.chars().all(|c| c.is_ascii_graphic() && !"/:%[]".contains(c));
    let is_number = scope.chars().all(|c| c.is_ascii_digit());
    let is_index = || number(scope, u32::MAX.into()).is_some_and(|index| index > 0);
    let valid = (1..=15).contains(&scope.len()) && plain && scope != "." && scope != "..";
    (valid && (!is_number || is_index())).then_some(())?;
    Some(format!("[{}%{scope}]", addr.parse::<Ipv6Addr>().ok()?))
}

fn name(text: &str) -> Option<String> {
    if let Ok(addr) = text.parse::<Ipv4Addr>() {
        return Some(addr.to_string());
    }
    let bare = text.strip_suffix('.').unwrap_or(text);
    let labels: Vec<_> = bare.split('.').collect();
    let is_label = |label: &&str| {
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        (1..=63).contains(&label.len()) && label.chars().all(plain)
    };
    // The last label of an IPv4 address as inet_aton(3) reads it, which a name may not look like.
    let last = labels.last()?.to_ascii_lowercase();
    let is_number = match last.strip_prefix("0x") {
        Some(digits) => digits.chars().all(|c| c.is_ascii_hexdigit()),
        None => last.chars().all(|c| c.is_ascii_digit()),
    };
    let valid = bare.len() <= 253 && labels.iter().all(is_label) && !is_number;
    valid.then(|| text.to_ascii_lowercase())
}

fn number(text: &str, most: u64) -> Option<u64> {
    let digits = !text.is_empty() && text.chars().all(|c| c.is_ascii_digit());
    let one_spelling = text == "0" || !text.starts_with('0');
    let number = if digits && one_spelling { text.parse().ok()? } else { return None };
    (number <= most).then_some(number)
}

fn unix(text: &str) -> Option<String> {
    let (mark, text, most) = match text.strip_prefix('@') {
        Some(name) => ("@", name, 107),
        None => ("", text, 108),
    };
    let (mut bytes, mut rest) = (Vec::new(), text.bytes());
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => {
                let mut digit = || char::from(rest.next()?).to_digit(16);
                let (high, low) = (digit()?, digit()?);
                (high * 16 + low) as u8
            }
            byte => byte,
        });
    }
    let is_path = mark.is_empty();
    let valid = match bytes.len() {
        0 => is_path,
        length => length <= most && !(is_path && bytes.contains(&0)),
    };
    valid.then_some(())?;
    let written = bytes.iter().enumerate().map(|(at, byte)| match byte {
        b'@' if at == 0 && is_path => String::from("%40"),
        b'!'..=b'$' | b'&'..=b'~' => char::from(*byte).to_string(),
        byte => format!("%{byte:02X}"),
    });
    Some(format!("{mark}{}", written.collect::<String>()))
}
