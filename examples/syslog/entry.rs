//! One message of the log, as it is printed.

use std::collections::BTreeMap;
use std::fmt::Write;

use anysock::Addr;
use serde::Serialize;
use syslog_loose::{Variant, parse_message};

/// What a message says of itself, and where it came from.
#[derive(Serialize)]
pub(crate) struct Entry<'a> {
    from: Option<String>,
    time: Option<String>,
    facility: Option<&'static str>,
    severity: Option<&'static str>,
    host: Option<&'a str>,
    program: Option<&'a str>,
    process: Option<String>,
    id: Option<&'a str>,
    data: BTreeMap<&'a str, BTreeMap<&'a str, String>>,
    message: &'a str,
}

impl<'a> Entry<'a> {
    /// Reads a message of RFC 5424 or RFC 3164; what is neither is a message without a head.
    pub(crate) fn read(text: &'a str, from: Option<&Addr>) -> Self {
        let read = parse_message(text.trim_end_matches(['\r', '\n', '\0']), Variant::Either);
        let (mut host, mut program) = (read.hostname, read.appname);
        // This host does not tell its own programs' messages where they come from.
        if matches!(from, Some(Addr::Unix(_))) && program.is_none() {
            program = host.take();
        }
        let data = read.structured_data.iter().map(|element| {
            (element.id, element.params().map(|(name, value)| (*name, value)).collect())
        });
        Self {
            from: from.map(ToString::to_string),
            time: read.timestamp.map(|time| time.to_rfc3339()),
            facility: read.facility.map(|facility| facility.as_str()),
            severity: read.severity.map(|severity| severity.as_str()),
            host,
            program,
            process: read.procid.map(|process| process.to_string()),
            id: read.msgid,
            data: data.collect(),
            message: read.msg.trim_start_matches('\u{feff}').trim(),
        }
    }

    /// One line, without its end: for people, or in JSON.
    pub(crate) fn line(&self, as_json: bool) -> String {
        if as_json {
            return serde_json::to_string(self).expect("all keys are strings");
        }
        let or = |text: Option<&'a str>| text.unwrap_or("-");
        let of = format!("{}.{}", self.facility.unwrap_or("-"), self.severity.unwrap_or("-"));
        let program = match &self.process {
            Some(process) => format!("{}[{process}]", or(self.program)),
            None => or(self.program).to_owned(),
        };
        let time = self.time.as_deref().unwrap_or("-");
        let mut line = format!("{time:<32} {of:<15} {:<15} {program:<20} ", or(self.host));
        for part in self.message.split_inclusive(char::is_control) {
            // No message is to look like two.
            let (text, control) = part.split_at(part.trim_end_matches(char::is_control).len());
            let _ = write!(line, "{text}{}", control.escape_default());
        }
        line
    }
}
