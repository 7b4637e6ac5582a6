//! The requests that unchanged client packages sent, replayed at the moment they were made.

use crate::pattern::fits;
use crate::wire::{Answer, Ask};
use crate::world::{World, file};

const BASE: &str = "http://127.0.0.1:18999";

/// The requests of the file: head and body, separated by an empty line.
fn requests() -> Vec<Ask> {
    let text = file("captured.http");
    let without: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
    let text = without.join("\n");
    let all = text.split("\n----").map(|one| one.trim_start_matches('\n'));
    all.filter(|one| !one.is_empty()).map(request).collect()
}

fn request(text: &str) -> Ask {
    let (head, body) = text.split_once("\n\n").unwrap_or((text, ""));
    let mut lines = head.lines();
    let mut start = lines.next().unwrap().split(' ');
    let (method, target) = (start.next().unwrap(), start.next().unwrap());
    let mut ask = Ask::new(method, target);
    for line in lines {
        let (name, value) = line.split_once(": ").unwrap();
        ask = ask.with(name, value);
    }
    let body = body.trim_end_matches('\n');
    let length = ask.headers.iter().find(|(n, _)| n.eq_ignore_ascii_case("content-length"));
    assert_eq!(length.map_or(0, |(_, n)| n.parse().unwrap()), body.len(), "{text}");
    ask.body = body.as_bytes().to_vec();
    ask
}

fn shown(n: usize, answer: &Answer) -> String {
    format!("{n}\t{}\t{}", answer.status, String::from_utf8_lossy(&answer.body))
}

#[test]
fn every_captured_request_gets_the_answer_of_its_surface() {
    let world = World::of("resources/captured", BASE, |store| store);
    let requests = requests();
    let expected = file("captured.tsv");
    let expected: Vec<Vec<&str>> =
        expected.lines().skip(1).map(|line| line.split('\t').collect()).collect();
    assert_eq!(requests.len(), 48);
    assert_eq!(expected.len(), requests.len());
    let mut failures = vec![];
    for (n, (ask, row)) in requests.into_iter().zip(&expected).enumerate() {
        let [number, path, status, code, body] = row[..] else { panic!("{row:?}") };
        assert_eq!((number, ask.target.split('?').next().unwrap()), (&*(n + 1).to_string(), path));
        world.drain();
        let answer = world.send(ask);
        let codes = world.drain();
        let request_id = answer.header("x-request-id").unwrap();
        let good = answer.status.to_string() == status
            && codes.first().map_or("-", |code| code) == code
            && fits(body, answer.text(), request_id);
        if !good {
            failures.push(format!("{} {codes:?}", shown(n + 1, &answer)));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}
