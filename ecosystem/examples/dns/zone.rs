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

/// Of who brings none.
const START: &str = "@ 300 IN SOA ns hostmaster 1 3600 600 86400 60";

/// By name and type, in the order of names.
type Records = BTreeMap<RrKey, RecordSet>;

/// One zone, as its master file has it.
#[derive(Debug)]
pub(crate) struct Zone {
    origin: LowerName,
    records: Records,
}

/// What a zone has of what was asked for.
#[derive(Debug)]
pub(crate) struct Found {
    /// The records, the aliases that led to them first.
    pub(crate) records: Vec<Record>,
    pub(crate) end: End,
}

/// Where looking it up has ended.
#[derive(Debug)]
pub(crate) enum End {
    /// At records of that type, or where an alias leads out of the zone.
    Records,
    /// At a name without a record of that type; the start of authority.
    NoRecords(Vec<Record>),
    /// Where there is no such name; the start of authority.
    NoName(Vec<Record>),
    /// Nowhere: the name is of another zone, or it is the whole zone that was asked for.
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
            let wrong = |error| format!("{line:?} is no record: {error}");
            let (_, records) = Self::parse(&name, line).map_err(wrong)?;
            match records.is_empty() {
                true => return Err(wrong("say NAME TTL IN TYPE DATA".into())),
                false => text.extend([line, "\n"]),
            }
        }
        let (origin, mut records) = Self::parse(&name, &text)?;
        let origin = LowerName::from(origin);
        // Whoever brings none of his own has one that says: remember for a minute what is not there.
        if !records.contains_key(&RrKey::new(origin.clone(), RecordType::SOA)) {
            records.extend(Self::parse(&name, START)?.1);
        }
        records.keys().try_for_each(|key| can_serve(&origin, &records, key))?;
        Ok(Self { origin, records })
    }

    fn parse(origin: &Name, text: &str) -> Result<(Name, Records), String> {
        // It takes a record only once its line has ended.
        let parser = Parser::new(format!("{text}\n"), None, Some(origin.clone()));
        parser.parse().map_err(|error| error.to_string())
    }

    /// What there is of `kind` at `name`, by its aliases within the zone if it has any.
    pub(crate) fn find(&self, name: &Name, kind: RecordType) -> Found {
        let mut records = Vec::new();
        let end = self.follow(name.clone(), kind, &mut records);
        Found { records, end }
    }

    fn follow(&self, mut name: Name, kind: RecordType, found: &mut Vec<Record>) -> End {
        let is_ours = self.origin.zone_of(&LowerName::new(&name));
        if !is_ours || matches!(kind, RecordType::AXFR | RecordType::IXFR) {
            return End::NotOurs;
        }
        for _ in 0..=MOST_ALIASES {
            // An owner is written as it was asked for, also where a wildcard stands for it.
            let owned = |mut record: Record| {
                record.name = name.clone();
                record
            };
            let Some(at) = self.stands_for(LowerName::new(&name)) else {
                return End::NoName(self.start());
            };
            let records = self.at(&at, kind);
            if !records.is_empty() {
                found.extend(records.into_iter().map(owned));
                return End::Records;
            }
            let Some(alias) = self.at(&at, RecordType::CNAME).pop() else {
                return End::NoRecords(self.start());
            };
            let RData::CNAME(target) = &alias.data else { break };
            let target = target.0.clone();
            found.push(owned(alias));
            // What is out of the zone is another's to tell, and a circle ends where it began.
            let is_known = found.iter().any(|alias| alias.name == target);
            if is_known || !self.origin.zone_of(&LowerName::new(&target)) {
                break;
            }
            name = target;
        }
        End::Records
    }

    /// The name whose records are those of `name`: itself, or the wildcard beside it (RFC 4592).
    fn stands_for(&self, name: LowerName) -> Option<LowerName> {
        if self.exists(&name) {
            return Some(name);
        }
        let mut below = name;
        // The origin exists.
        while !self.exists(&below.base_name()) {
            below = below.base_name();
        }
        Some(below.into_wildcard()).filter(|wildcard| self.exists(wildcard))
    }

    /// A name is also there if only names below it have records (RFC 8020): they follow it in the order
    /// of names (RFC 4034, 6.1).
    fn exists(&self, name: &LowerName) -> bool {
        let first = RrKey::new(name.clone(), RecordType::ZERO);
        self.records.range(first..).next().is_some_and(|(key, _)| name.zone_of(key.name()))
    }

    /// The start of authority, for as long as it may be remembered that something is not there: RFC
    /// 2308, 3.
    fn start(&self) -> Vec<Record> {
        let mut start = self.at(&self.origin, RecordType::SOA);
        for record in &mut start {
            if let RData::SOA(soa) = &record.data {
                record.ttl = record.ttl.min(soa.minimum);
            }
        }
        start
    }

    /// The records of one name, of one type; of any type is the first that there is, lest a short
    /// question have a long answer (RFC 8482, 4.1).
    fn at(&self, name: &LowerName, kind: RecordType) -> Vec<Record> {
        let key = RrKey::new(name.clone(), kind);
        let found = match kind {
            RecordType::ANY => {
                let first = RrKey::new(name.clone(), RecordType::ZERO);
                self.records.range(first..).next().filter(|(key, _)| key.name() == name)
            }
            _ => self.records.get_key_value(&key),
        };
        found.map(|(_, set)| set.records_without_rrsigs().cloned().collect()).unwrap_or_default()
    }
}

/// Refuses what would be served wrongly.
fn can_serve(origin: &LowerName, records: &Records, key: &RrKey) -> Result<(), String> {
    let (name, kind) = (key.name(), key.record_type);
    let of_name = || records.keys().filter(|other| other.name() == name).count();
    let why = match kind {
        _ if !origin.zone_of(name) => format!("is not within {origin}"),
        RecordType::NS if name != origin => "delegates, and no referrals are given".into(),
        RecordType::CNAME if of_name() > 1 => "is an alias, and has other records too".into(),
        _ => return Ok(()),
    };
    Err(format!("{name} {kind} {why}"))
}
