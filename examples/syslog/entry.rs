//! One message of the log, as it is printed.

use std::collections::BTreeMap;
use std::fmt::{self, Write};

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
            let line = serde_json::to_string(self).expect("all keys are strings");
            // It escapes but the controls of ASCII. These stand in its strings alone.
            return escaped(&line, |line, forged| write!(line, "\\u{:04x}", u32::from(forged)));
        }
        let or = |text: Option<&'a str>| text.unwrap_or("-");
        let of = format!("{}.{}", self.facility.unwrap_or("-"), self.severity.unwrap_or("-"));
        let program = match &self.process {
            Some(process) => format!("{}[{process}]", or(self.program)),
            None => or(self.program).to_owned(),
        };
        let time = self.time.as_deref().unwrap_or("-");
        let line =
            format!("{time:<32} {of:<15} {:<15} {program:<20} {}", or(self.host), self.message);
        escaped(&line, |line, forged| write!(line, "{}", forged.escape_default()))
    }
}

/// A line of which no part gives orders to a terminal, or looks like another line or elsewhere in its own:
/// whoever sends chooses every part of it.
fn escaped(line: &str, escape: fn(&mut String, char) -> fmt::Result) -> String {
    let mut out = String::with_capacity(line.len());
    for part in line.split_inclusive(is_forged) {
        let mut text = part.chars();
        let forged = text.next_back().filter(|last| is_forged(*last));
        out.push_str(if forged.is_some() { text.as_str() } else { part });
        if let Some(forged) = forged {
            escape(&mut out, forged).expect("a string takes all");
        }
    }
    out
}

/// Control characters, the separators of lines and paragraphs, and what turns the direction of writing.
fn is_forged(char: char) -> bool {
    char.is_control()
        || matches!(char, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}
