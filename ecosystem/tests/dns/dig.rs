//! dig, by UDP and TCP, with and without EDNS.

use crate::program::{report, start};
use crate::support::{Server, run};
use crate::tool;

/// A server on a port of UDP and one of TCP, which are the same number if that is free.
fn server(options: &[&str]) -> Option<(Server, String)> {
    if !tool::is_there("dig", "-v") {
        return None;
    }
    // What comes back by TCP comes to the same port.
    for _ in 0..20 {
        let probe = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = probe.local_addr().unwrap().port().to_string();
        drop(probe);
        let ends = ["udp", "tcp"].map(|scheme| format!("{scheme}://127.0.0.1:{port}"));
        if std::net::UdpSocket::bind(format!("127.0.0.1:{port}")).is_ok() {
            let arguments = [&[&*ends[0], &*ends[1], "--json"], options].concat();
            return Some((start("dns", &arguments, 2), port));
        }
    }
    panic!("no port is free for both UDP and TCP");
}

fn dig(port: &str, asked: &[&str]) -> String {
    let always = ["@127.0.0.1", "-p", port, "+norecurse", "+tries=1", "+timeout=20"];
    let output = run("dig", &[&always[..], asked].concat(), b"");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{said}");
    said
}

#[test]
fn dig_gets_right_answers_by_udp_and_by_tcp() {
    let records = [
        "www 300 IN A 192.0.2.7",
        "www 300 IN A 192.0.2.8",
        "www 300 IN AAAA 2001:db8::7",
        "web 60 IN CNAME www",
        "@ 300 IN MX 10 mail",
        "@ 300 IN TXT \"two words\"",
    ];
    let options = records.map(|record| ["--record", record]).concat();
    let Some((server, port)) = server(&[&options[..], &["--zone", "example.net."]].concat()) else {
        return;
    };
    for by in ["+notcp", "+tcp"] {
        let short = |name, kind| dig(&port, &[by, "+short", name, kind]);
        let mut addresses: Vec<_> =
            short("www.example.net", "A").lines().map(str::to_owned).collect();
        addresses.sort();
        assert_eq!(addresses, ["192.0.2.7", "192.0.2.8"]);
        assert_eq!(short("WWW.Example.Net", "AAAA"), "2001:db8::7\n");
        assert_eq!(short("web.example.net", "AAAA"), "www.example.net.\n2001:db8::7\n");
        assert_eq!(short("example.net", "MX"), "10 mail.example.net.\n");
        assert_eq!(short("example.net", "TXT"), "\"two words\"\n");
        let whole = dig(&port, &[by, "web.example.net", "CNAME"]);
        assert!(whole.contains("status: NOERROR") && whole.contains("flags: qr aa;"), "{whole}");
        assert!(whole.contains("EDNS: version: 0, flags:; udp: 1232"), "{whole}");
    }
    let report = report(server);
    assert_eq!(report["messages"]["answered"], 12, "{report}");
    assert_eq!((&report["failed"], &report["aborted"]), (&0.into(), &0.into()), "{report}");
}

#[test]
fn what_is_not_there_is_told_apart_from_what_is_not_ours() {
    let records = ["--record", "a.deep 300 IN A 192.0.2.1"];
    let Some((server, port)) = server(&records) else { return };
    for by in ["+notcp", "+tcp"] {
        for (asked, status, has_start) in [
            (&["nobody.example.org"][..], "NXDOMAIN", true),
            // A name with another type, and a name that only names below it make.
            (&["a.deep.example.org", "AAAA"], "NOERROR", true),
            (&["deep.example.org"], "NOERROR", true),
            (&["example.com"], "REFUSED", false),
            (&["a.deep.example.org", "-c", "CH"], "REFUSED", false),
            (&["+opcode=STATUS", "example.org"], "NOTIMP", false),
            (&["+edns=1", "+noednsnegotiation", "example.org"], "BADVERS", false),
        ] {
            let said = dig(&port, &[asked, &[by]].concat());
            assert!(said.contains(&format!("status: {status}")), "{asked:?} {status}: {said}");
            assert_eq!(said.contains("IN\tSOA\tns."), has_start, "{asked:?}: {said}");
            assert!(!said.contains("ANSWER SECTION"), "{asked:?}: {said}");
        }
    }
    let transfer = dig(&port, &["example.org", "AXFR"]);
    assert!(transfer.contains("Transfer failed"), "{transfer}");
    let report = report(server);
    assert_eq!(report["messages"]["answered"], 6, "{report}");
    assert_eq!(report["messages"]["refused"], 9, "{report}");
}

#[test]
fn an_answer_that_no_datagram_holds_sends_dig_to_tcp() {
    let Some((server, port)) = server(&[]) else { return };
    let many = ["many.example.org", "TXT"];
    let cut = dig(&port, &[&many[..], &["+ignore"]].concat());
    assert!(cut.contains("flags: qr aa tc;") && cut.contains("ANSWER: 0"), "{cut}");
    let whole = dig(&port, &many);
    assert!(whole.contains("Truncated, retrying in TCP mode"), "{whole}");
    assert_eq!(whole.matches("IN\tTXT\t").count(), 40, "{whole}");
    assert!(whole.contains("(TCP)"), "{whole}");
    let report = report(server);
    assert_eq!(report["messages"]["truncated"], 2, "{report}");
    assert_eq!(report["messages"]["answered"], 1, "{report}");
}

#[test]
fn a_datagram_is_as_long_as_its_client_takes() {
    // About 700 bytes: too long without EDNS, not too long with.
    let lines: Vec<_> =
        (0..10).map(|number| format!("some 1 IN TXT \"{number}{number:.>50}\"")).collect();
    let options: Vec<_> = lines.iter().flat_map(|line| ["--record", line]).collect();
    let Some((server, port)) = server(&options) else { return };
    for (asked, is_cut) in [
        ("+noedns", true),
        ("+bufsize=100", true),
        ("+bufsize=600", true),
        ("+bufsize=1232", false),
        ("+bufsize=65535", false),
    ] {
        let said = dig(&port, &["some.example.org", "TXT", "+ignore", asked]);
        assert_eq!(said.contains("qr aa tc;"), is_cut, "{asked}: {said}");
        assert_eq!(said.matches("IN\tTXT\t").count(), if is_cut { 0 } else { 10 }, "{said}");
    }
    assert!(server.stop("TERM").success());
}

#[test]
fn aliases_wildcards_and_what_is_below_a_name_are_told_as_the_standards_say() {
    let records = [
        "@ 300 IN SOA ns hostmaster 1 3600 600 86400 77",
        "www 300 IN A 192.0.2.1",
        "www 300 IN AAAA 2001:db8::1",
        "web 300 IN CNAME www",
        "dangling 300 IN CNAME nowhere",
        "out 300 IN CNAME www.example.net.",
        "one 300 IN CNAME other",
        "other 300 IN CNAME one",
        "*.wild 300 IN A 192.0.2.2",
        "here.wild 300 IN AAAA 2001:db8::2",
    ];
    let records = records.map(|record| ["--record", record]).concat();
    let Some((server, port)) = server(&records) else { return };
    for (asked, status, answers, has_start) in [
        (["dangling.example.org", "A"], "NXDOMAIN", 1, true),
        (["web.example.org", "MX"], "NOERROR", 1, true),
        (["out.example.org", "A"], "NOERROR", 1, false),
        (["one.example.org", "A"], "NOERROR", 2, false),
        (["any.at.all.wild.example.org", "A"], "NOERROR", 1, false),
        (["any.wild.example.org", "AAAA"], "NOERROR", 0, true),
        // What is there needs no wildcard, and what is below it has none.
        (["here.wild.example.org", "A"], "NOERROR", 0, true),
        (["below.here.wild.example.org", "A"], "NXDOMAIN", 0, true),
        // Of any type is one.
        (["www.example.org", "ANY"], "NOERROR", 1, false),
    ] {
        let said = dig(&port, &asked);
        assert!(said.contains(&format!("status: {status}")), "{asked:?} {status}: {said}");
        assert!(said.contains(&format!("ANSWER: {answers},")), "{asked:?} {answers}: {said}");
        // For as long as it may be remembered: RFC 2308.
        assert_eq!(said.contains("\t77\tIN\tSOA\t"), has_start, "{asked:?}: {said}");
    }
    let said = dig(&port, &["wWw.eXample.oRg", "A", "+noall", "+answer"]);
    assert!(said.starts_with("wWw.eXample.oRg."), "as it was asked: {said}");
    assert!(server.stop("TERM").success());
}

#[test]
fn a_record_that_would_be_served_wrongly_is_refused() {
    for (records, why) in [
        (&["foo"][..], "\"foo\" is no record: say NAME TTL IN TYPE DATA"),
        (&["www 300 IN A 192.0.2.999"], "is no record"),
        (&["www.example.com. 300 IN A 192.0.2.1"], "is not within example.org."),
        (&["sub 300 IN NS ns.sub"], "no referrals are given"),
        (&["www 300 IN A 192.0.2.1", "www 300 IN CNAME web"], "is an alias, and has other records"),
    ] {
        let options = records.iter().flat_map(|record| ["--record", record]);
        let arguments: Vec<_> = ["unix:"].into_iter().chain(options).collect();
        let program = crate::support::process::example("dns");
        let output = run(program.to_str().unwrap(), &arguments, b"");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{records:?}: {said}");
        assert!(said.contains(why), "{records:?}: {said}");
    }
}
