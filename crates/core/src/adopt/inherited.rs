//! Sockets that this process was started with: `fd:N`, and those that systemd passed.
//!
//! The protocol of socket activation, sd_listen_fds(3): `LISTEN_PID` names the process that the
//! sockets are for, `LISTEN_FDS` how many there are, from descriptor 3 on, and `LISTEN_FDNAMES`
//! their names, with colons between.

use std::os::fd::{OwnedFd, RawFd};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::{env, io};

use super::{AdoptError, AdoptFault, Refused, Wanted, adopt};
use crate::{Endpoint, EndpointName, Options, Socket, sys};

/// The first that is passed: `SD_LISTEN_FDS_START`.
const START: RawFd = 3;

/// What a socket is called to whom no name was given, as sd_listen_fds_with_names(3) has it.
const UNKNOWN: &str = "unknown";

/// More are taken for a mistake.
const MOST: usize = 65_536;

/// What was passed to this process, once somebody has asked.
static PASSED: Mutex<Option<Vec<Passed>>> = Mutex::new(None);

/// One descriptor that was passed.
#[derive(Debug)]
struct Passed {
    name: String,
    /// Until it is taken.
    descriptor: Option<OwnedFd>,
}

/// The names of the sockets that socket activation passed to this process and that nobody has
/// taken yet, in their order: one for each, so that a name may be there several times. None if
/// nothing was passed.
///
/// # Errors
///
/// An [`AdoptError`] of kind [`InvalidInput`](io::ErrorKind::InvalidInput) where the variables of
/// sd_listen_fds(3) make no sense.
///
/// ```
/// // This was not started by socket activation.
/// assert!(anysock_core::inherited_names()?.is_empty());
/// # Ok::<_, std::io::Error>(())
/// ```
pub fn inherited_names() -> io::Result<Vec<String>> {
    let mut passed = lock();
    let passed = match read(&mut passed) {
        Ok(passed) => passed,
        Err(AdoptFault::NothingPassed { .. }) => return Ok(Vec::new()),
        Err(fault) => return Err(AdoptError::new("socket activation", fault).into()),
    };
    let left = passed.iter().filter(|one| one.descriptor.is_some());
    Ok(left.map(|one| one.name.clone()).collect())
}

impl Socket {
    /// Takes over an inherited socket that peers come to: it listens, or, of the datagram type,
    /// is bound and has no peer. See [`adopt_listener`](Self::adopt_listener) for what is read and
    /// set.
    ///
    /// `fd:N` is duplicated (`F_DUPFD_CLOEXEC`), and the original left open as it is. Of
    /// `systemd:NAME` the first socket of that name is taken that was not taken before; whoever
    /// passes several of one name finds them in their order.
    ///
    /// # Errors
    ///
    /// Wraps an [`AdoptError`]: [`NotFound`](io::ErrorKind::NotFound) if nothing is open or
    /// passed there, [`AddrInUse`](io::ErrorKind::AddrInUse) if all of the name were taken, and as
    /// [`adopt_listener`](Self::adopt_listener). A socket that was passed can then still be taken.
    ///
    /// ```
    /// use std::os::fd::AsRawFd;
    /// use anysock_core::{Endpoint, Options, Socket};
    ///
    /// let inherited = std::net::UdpSocket::bind("127.0.0.1:0")?;
    /// let endpoint = Endpoint::Fd(inherited.as_raw_fd() as u32);
    /// let socket = Socket::inherit_listener(&endpoint, &Options::new())?;
    /// assert_ne!(socket.as_raw_fd(), inherited.as_raw_fd());
    /// # Ok::<_, std::io::Error>(())
    /// ```
    pub fn inherit_listener(endpoint: &Endpoint, options: &Options) -> io::Result<Self> {
        inherit(endpoint, Wanted::Listener(options))
    }

    /// As [`inherit_listener`](Self::inherit_listener), for a socket that is connected, as inetd
    /// and systemd's `Accept=yes` pass them.
    ///
    /// # Errors
    ///
    /// As there, and as [`adopt_connected`](Self::adopt_connected).
    pub fn inherit_connected(endpoint: &Endpoint, options: &Options) -> io::Result<Self> {
        inherit(endpoint, Wanted::Connected(options))
    }
}

fn inherit(endpoint: &Endpoint, wanted: Wanted<'_>) -> io::Result<Socket> {
    let inherited = match endpoint {
        Endpoint::Fd(number) => {
            duplicate(*number).and_then(|own| adopt(own, wanted).map_err(|refused| refused.fault))
        }
        Endpoint::Systemd(name) => take(name, wanted),
        _ => Err(AdoptFault::NotInherited),
    };
    inherited.map_err(|fault| AdoptError::new(endpoint.to_string(), fault).into())
}

fn duplicate(number: u32) -> Result<OwnedFd, AdoptFault> {
    let number = RawFd::try_from(number).map_err(|_| AdoptFault::NotOpen)?;
    sys::duplicate(number).map_err(|source| match source.raw_os_error() {
        Some(libc::EBADF) => AdoptFault::NotOpen,
        _ => AdoptFault::System { action: "duplicate it", source },
    })
}

/// Takes the first socket of that name which is still there, and puts it back if it will not do.
fn take(name: &EndpointName, wanted: Wanted<'_>) -> Result<Socket, AdoptFault> {
    let mut passed = lock();
    let passed = read(&mut passed)?;
    let of_name = |one: &&mut Passed| one.name == name.as_str();
    let count = passed.iter_mut().filter(of_name).count();
    let mut left = passed.iter_mut().filter(of_name).filter_map(|one| {
        let descriptor = one.descriptor.take()?;
        Some((descriptor, &mut one.descriptor))
    });
    match left.next() {
        Some((descriptor, place)) => adopt(descriptor, wanted).map_err(|refused| {
            let Refused { descriptor, fault } = refused;
            *place = Some(descriptor);
            fault
        }),
        None if count > 0 => Err(AdoptFault::Taken { passed: count }),
        None => {
            let names = passed.iter().map(|one| one.name.clone()).collect();
            Err(AdoptFault::UnknownName { names })
        }
    }
}

fn lock() -> MutexGuard<'static, Option<Vec<Passed>>> {
    PASSED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What was passed: takes the descriptors into possession when it is first asked.
fn read(passed: &mut Option<Vec<Passed>>) -> Result<&mut Vec<Passed>, AdoptFault> {
    if passed.is_none() {
        let environment = Environment {
            pid: variable("LISTEN_PID"),
            fds: variable("LISTEN_FDS"),
            names: variable("LISTEN_FDNAMES"),
        };
        let names = environment.names(std::process::id())?;
        *passed = Some(possess(names)?);
    }
    Ok(passed.get_or_insert_default())
}

fn possess(names: Vec<String>) -> Result<Vec<Passed>, AdoptFault> {
    let numbers = START..;
    // First all, then each: where one is missing, none is touched.
    if let Some(missing) = numbers.clone().take(names.len()).find(|number| !sys::is_open(*number)) {
        let fds = names.len().to_string();
        let expected = format!("as many as are open from {START} on; {missing} is not");
        return Err(AdoptFault::BadEnvironment { variable: "LISTEN_FDS", value: fds, expected });
    }
    let possessed = numbers.zip(names).map(|(number, name)| {
        let descriptor = sys::possess(number)
            .map_err(|source| AdoptFault::System { action: "make it close-on-exec", source })?;
        Ok(Passed { name, descriptor: Some(descriptor) })
    });
    possessed.collect()
}

fn variable(name: &str) -> Option<String> {
    env::var_os(name).map(|value| value.to_string_lossy().into_owned())
}

/// The variables of the protocol.
#[derive(Clone, Debug, Default)]
struct Environment {
    pid: Option<String>,
    fds: Option<String>,
    names: Option<String>,
}

impl Environment {
    /// A name for each descriptor that was passed to the process `own`.
    fn names(&self, own: u32) -> Result<Vec<String>, AdoptFault> {
        let nothing = |why: String| Err(AdoptFault::NothingPassed { why });
        let Some(pid) = &self.pid else { return nothing("LISTEN_PID is not set".into()) };
        if number(pid, "LISTEN_PID", "the number of a process")? != own {
            return nothing(format!("LISTEN_PID is {pid}, and this is process {own}"));
        }
        let Some(fds) = &self.fds else { return nothing("LISTEN_FDS is not set".into()) };
        let count = number(fds, "LISTEN_FDS", "a number of descriptors")? as usize;
        if count == 0 {
            return nothing("LISTEN_FDS is 0".into());
        }
        if count > MOST {
            let (expected, value) = (format!("a number up to {MOST}"), fds.clone());
            return Err(AdoptFault::BadEnvironment { variable: "LISTEN_FDS", value, expected });
        }
        let Some(names) = &self.names else { return Ok(vec![UNKNOWN.to_owned(); count]) };
        let given: Vec<String> = names.split(':').map(str::to_owned).collect();
        if given.len() != count {
            let expected = format!("{count} names, as many as LISTEN_FDS says");
            let value = names.clone();
            return Err(AdoptFault::BadEnvironment { variable: "LISTEN_FDNAMES", value, expected });
        }
        Ok(given)
    }
}

fn number(value: &str, variable: &'static str, expected: &str) -> Result<u32, AdoptFault> {
    value.parse().map_err(|_| AdoptFault::BadEnvironment {
        variable,
        value: value.to_owned(),
        expected: expected.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(pid: &str, fds: &str, names: Option<&str>) -> Environment {
        Environment {
            pid: Some(pid.to_owned()),
            fds: Some(fds.to_owned()),
            names: names.map(str::to_owned),
        }
    }

    #[test]
    fn each_descriptor_has_a_name_in_the_order_of_passing() {
        assert_eq!(environment("7", "2", Some("web:web")).names(7).unwrap(), ["web", "web"]);
        assert_eq!(environment("7", "2", Some("a:")).names(7).unwrap(), ["a", ""]);
        assert_eq!(environment("7", "2", None).names(7).unwrap(), ["unknown", "unknown"]);
    }

    #[test]
    fn what_is_for_another_process_or_not_set_is_nothing_for_this_one() {
        let unset = [
            Environment::default(),
            Environment { fds: None, ..environment("7", "1", None) },
            environment("8", "1", None),
            environment("7", "0", None),
        ];
        for environment in unset {
            let fault = environment.names(7).unwrap_err();
            assert!(matches!(fault, AdoptFault::NothingPassed { .. }), "{fault}");
        }
    }

    #[test]
    fn a_variable_that_makes_no_sense_is_named() {
        let wrong = [
            ("LISTEN_PID", environment("seven", "1", None)),
            ("LISTEN_FDS", environment("7", "-1", None)),
            ("LISTEN_FDS", environment("7", "4294967295", None)),
            ("LISTEN_FDNAMES", environment("7", "2", Some("web"))),
            ("LISTEN_FDNAMES", environment("7", "1", Some("web:mail"))),
        ];
        for (name, environment) in wrong {
            let fault = environment.names(7).unwrap_err();
            let AdoptFault::BadEnvironment { variable, .. } = fault else { panic!("{fault}") };
            assert_eq!(variable, name);
        }
    }
}
