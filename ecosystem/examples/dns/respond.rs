//! The response to one query: what to say of it, and in how many bytes.

use hickory_proto::op::{Edns, Header, Message, MessageType, OpCode, ResponseCode};
use hickory_proto::rr::DNSClass;
use hickory_proto::serialize::binary::{BinDecodable, BinDecoder};

use crate::zone::{End, Zone};

/// The longest response over UDP, in bytes: what passes any path unfragmented.
const LONGEST_DATAGRAM: u16 = 1232;

/// The same to who says nothing of EDNS (RFC 1035, 4.2.1), or less (RFC 6891, 6.2.3).
const LEAST_DATAGRAM: u16 = 512;

/// Records beside the question, at most: what says EDNS, a signature, and what some transfers bring.
const MOST_RECORDS: usize = 8;

/// What became of a query.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Outcome {
    /// It was answered, if only that there is no such name.
    Answered,
    /// It asks for what this server does not tell, or asks it wrongly.
    Refused,
    /// The client is to ask again over TCP.
    Truncated,
    /// It was no query, and answering it might make two servers answer each other for ever.
    Ignored,
}

/// The response to `query`, if it is one.
pub(crate) fn respond(query: &[u8], zone: &Zone, by_stream: bool) -> (Outcome, Option<Vec<u8>>) {
    let Ok(header) = Header::read(&mut BinDecoder::new(query)) else {
        return (Outcome::Ignored, None);
    };
    if header.metadata.message_type == MessageType::Response {
        return (Outcome::Ignored, None);
    }
    let query = read(&header, query);
    let mut response = head(&header, query.as_ref().ok());
    let code = match &query {
        Ok(query) => fill(&mut response, query, zone),
        Err(code) => *code,
    };
    response.metadata.response_code = code;
    let asked = query.as_ref().map_or(LEAST_DATAGRAM, Message::max_payload);
    let longest = match by_stream {
        true => u16::MAX,
        false => asked.clamp(LEAST_DATAGRAM, LONGEST_DATAGRAM),
    };
    let written = response.to_vec().and_then(|bytes| match bytes.len() <= usize::from(longest) {
        true => Ok((outcome(code), bytes)),
        false => Ok((Outcome::Truncated, cut(response).to_vec()?)),
    });
    match written {
        Ok((outcome, bytes)) => (outcome, Some(bytes)),
        Err(error) => {
            tracing::warn!(%error, "a response cannot be written");
            (Outcome::Ignored, None)
        }
    }
}

/// The query, if its head promises one that is worth reading: thousands of questions, whose names refer
/// to each other, would take a while.
fn read(header: &Header, query: &[u8]) -> Result<Message, ResponseCode> {
    let counts = &header.counts;
    let records = [counts.answers, counts.authorities, counts.additionals];
    if header.metadata.op_code != OpCode::Query {
        return Err(ResponseCode::NotImp);
    }
    // More than one question is an error: RFC 9619.
    if counts.queries != 1 || records.map(usize::from).iter().sum::<usize>() > MOST_RECORDS {
        return Err(ResponseCode::FormErr);
    }
    Message::from_vec(query).map_err(|_| ResponseCode::FormErr)
}

fn outcome(code: ResponseCode) -> Outcome {
    match code {
        ResponseCode::NoError | ResponseCode::NXDomain => Outcome::Answered,
        _ => Outcome::Refused,
    }
}

/// What every response repeats of its query.
fn head(header: &Header, query: Option<&Message>) -> Message {
    let mut response = Message::response(header.metadata.id, header.metadata.op_code);
    response.metadata.recursion_desired = header.metadata.recursion_desired;
    if let Some(query) = query {
        response.add_queries(query.queries.first().cloned());
        if query.edns.is_some() {
            let mut edns = Edns::new();
            edns.set_max_payload(LONGEST_DATAGRAM).set_version(0);
            response.set_edns(edns);
        }
    }
    response
}

/// Looks up what is asked for, and says how that went.
fn fill(response: &mut Message, query: &Message, zone: &Zone) -> ResponseCode {
    if query.version() > 0 {
        return ResponseCode::BADVERS;
    }
    let [question] = &*query.queries else { return ResponseCode::FormErr };
    if question.query_class() != DNSClass::IN {
        return ResponseCode::Refused;
    }
    let found = zone.find(question.name(), question.query_type());
    response.metadata.authoritative = !matches!(found.end, End::NotOurs);
    response.add_answers(found.records);
    match found.end {
        End::Records => ResponseCode::NoError,
        End::NoRecords(start) => {
            response.add_authorities(start);
            ResponseCode::NoError
        }
        // Also at the end of an alias: RFC 6604.
        End::NoName(start) => {
            response.add_authorities(start);
            ResponseCode::NXDomain
        }
        End::NotOurs => ResponseCode::Refused,
    }
}

/// The response without what it tells: the client is to ask again over TCP (RFC 2181, 9).
fn cut(mut response: Message) -> Message {
    response.answers.clear();
    response.authorities.clear();
    response.metadata.truncation = true;
    response
}
