//! The records of one zone.

use std::collections::BTreeMap;
use std::fmt::Write;

use hickory_proto::rr::{LowerName, Name, RData, Record, RecordSet, RecordType, RrKey};
use hickory_proto::serialize::txt::Parser;

/// How many aliases of one name are followed.
const MOST_ALIASES: usize = 8;

/// What a zone has unless said otherwise, beside its start of authority. Its addresses are those for
/// documentation: RFC 5737 and RFC 3849.
const SMALL: [&str; 6] = [
    "@ 300 IN NS ns",
    "ns 300 IN A 192.0.2.53",
    "www 300 IN A 192.0.2.1",
    "www 300 IN AAAA 2001:db8::1",
    "web 300 IN CNAME www",
    "@ 300 IN MX 10 mail.example.net.",
];

/// Records by name and type.
#[derive(Debug)]
pub(crate) struct Zone {
    origin: LowerName,
    records: BTreeMap<RrKey, RecordSet>,
}

/// What a zone has of what was asked for.
#[derive(Debug)]
pub(crate) enum Found {
    /// These records, the aliases that led to them first.
    Records(Vec<Record>),
    /// There is such a name, but no record of that type; the start of authority.
    NoRecords(Vec<Record>),
    /// There is no such name; the start of authority.
    NoName(Vec<Record>),
    /// The name is of another zone, or it is the whole zone that was asked for.
    NotOurs,
}

impl Zone {
    /// A zone with records as they stand in a master file (RFC 1035, 5); with none a small one.
    pub(crate) fn read(origin: &str, lines: &[String]) -> Result<Self, String> {
        let name = Name::from_utf8(origin)
            .map_err(|error| format!("{origin:?} is no name of a zone: {error}"))?;
        let mut text = String::new();
        if lines.is_empty() {
            SMALL.iter().for_each(|line| text.extend([line, "\n"]));
            for number in 0..40 {
                let _ =
                    writeln!(text, "many 300 IN TXT \"{number}: what one datagram cannot hold\"");
            }
        }
        for line in lines {
            Self::parse(&name, line).map_err(|error| format!("{line:?} is no record: {error}"))?;
            text.extend([line, "\n"]);
        }
        // Whoever brings none of his own has one that says: remember for a minute what is not there.
        if !lines.iter().any(|line| line.split_whitespace().any(|word| word == "SOA")) {
            text.push_str("@ 300 IN SOA ns hostmaster 1 3600 600 86400 60\n");
        }
        let (origin, records) = Self::parse(&name, &text)?;
        Ok(Self { origin: LowerName::from(origin), records })
    }

    fn parse(origin: &Name, text: &str) -> Result<(Name, BTreeMap<RrKey, RecordSet>), String> {
        // It takes a record only once its line has ended.
        let parser = Parser::new(format!("{text}\n"), None, Some(origin.clone()));
        parser.parse().map_err(|error| error.to_string())
    }

    /// What there is of `kind` at `name`, by its aliases within the zone if it has any.
    pub(crate) fn find(&self, name: &Name, kind: RecordType) -> Found {
        let mut at = LowerName::new(name);
        if !self.origin.zone_of(&at) || matches!(kind, RecordType::AXFR | RecordType::IXFR) {
            return Found::NotOurs;
        }
        let mut found = Vec::new();
        for _ in 0..=MOST_ALIASES {
            let records = self.at(&at, kind);
            if !records.is_empty() {
                found.extend(records);
                break;
            }
            let aliases = self.at(&at, RecordType::CNAME);
            let Some(RData::CNAME(target)) = aliases.first().map(|alias| &alias.data) else {
                break;
            };
            at = LowerName::new(&target.0);
            found.extend(aliases);
        }
        if !found.is_empty() {
            return Found::Records(found);
        }
        let start = self.at(&self.origin, RecordType::SOA);
        // A name is also there if only names below it have records: RFC 8020.
        match self.records.keys().any(|key| at.zone_of(key.name())) {
            true => Found::NoRecords(start),
            false => Found::NoName(start),
        }
    }

    /// The records of one name, of one type or of any.
    fn at(&self, name: &LowerName, kind: RecordType) -> Vec<Record> {
        let of = |set: &RecordSet| set.records_without_rrsigs().cloned().collect::<Vec<_>>();
        match kind {
            RecordType::ANY => {
                let sets = self.records.iter().filter(|(key, _)| key.name() == name);
                sets.flat_map(|(_, set)| of(set)).collect()
            }
            kind => self.records.get(&RrKey::new(name.clone(), kind)).map(of).unwrap_or_default(),
        }
    }
}
