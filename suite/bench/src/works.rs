//! Kinds of work: requests that repeat, requests that are used once, tokens that are asked about,
//! chains of refresh tokens.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

use crate::drive::{Answer, Work, Works};
use crate::ground::Who;
use crate::seed::{Chain, Held, Pool};

/// Whether an answer is right.
pub(crate) type Judge = fn(&Answer<'_>) -> bool;

/// A complete request.
pub(crate) fn request(method: &str, target: &str, headers: &str, body: &str) -> Vec<u8> {
    let mut text = format!("{method} {target} HTTP/1.1\r\nhost: localhost\r\n{headers}");
    if method == "POST" {
        let kind = "application/x-www-form-urlencoded";
        text.push_str(&format!("content-type: {kind}\r\ncontent-length: {}\r\n", body.len()));
    }
    text.push_str("\r\n");
    text.push_str(body);
    text.into_bytes()
}

/// A form with Basic credentials.
pub(crate) fn form(target: &str, who: Who, client: usize, body: &str) -> Vec<u8> {
    request("POST", target, &format!("authorization: {}\r\n", who.basic(client)), body)
}

/// The same requests again and again, each connection beginning elsewhere.
struct Again {
    requests: Rc<Vec<Vec<u8>>>,
    at: usize,
    judge: Judge,
}

impl Work for Again {
    fn next(&mut self, out: &mut Vec<u8>) -> bool {
        // A step that shares no factor with most lengths: neighbours do not walk together.
        self.at = (self.at + 61) % self.requests.len().max(1);
        let Some(request) = self.requests.get(self.at) else { return false };
        out.extend_from_slice(request);
        true
    }

    fn judge(&mut self, answer: &Answer<'_>) -> bool {
        (self.judge)(answer)
    }
}

/// Every connection repeats these.
pub(crate) fn again(requests: Vec<Vec<u8>>, connections: usize, judge: Judge) -> Works {
    let requests = Rc::new(requests);
    let one = |n: usize| -> Box<dyn Work> {
        let at = n * requests.len() / connections.max(1);
        Box::new(Again { requests: requests.clone(), at, judge })
    };
    (0..connections).map(one).collect()
}

/// Requests that are sent once.
struct Once {
    requests: Rc<RefCell<VecDeque<Vec<u8>>>>,
    judge: Judge,
}

impl Work for Once {
    fn next(&mut self, out: &mut Vec<u8>) -> bool {
        let Some(request) = self.requests.borrow_mut().pop_front() else { return false };
        out.extend_from_slice(&request);
        true
    }

    fn judge(&mut self, answer: &Answer<'_>) -> bool {
        (self.judge)(answer)
    }
}

/// The connections share these, and each is sent once.
pub(crate) fn once(
    requests: Rc<RefCell<VecDeque<Vec<u8>>>>,
    connections: usize,
    judge: Judge,
) -> Works {
    let one = |_| -> Box<dyn Work> { Box::new(Once { requests: requests.clone(), judge }) };
    (0..connections).map(one).collect()
}

/// A credential of a pool, put into a form when it is its turn.
struct Spent {
    pool: Pool,
    target: &'static str,
    body: fn(&str) -> String,
    judge: Judge,
}

impl Work for Spent {
    fn next(&mut self, out: &mut Vec<u8>) -> bool {
        let Some(held) = self.pool.borrow_mut().pop_front() else { return false };
        out.extend_from_slice(&form(self.target, Who::Mx, held.client, &(self.body)(&held.text)));
        true
    }

    fn judge(&mut self, answer: &Answer<'_>) -> bool {
        (self.judge)(answer)
    }
}

/// The connections share a pool of credentials of MX clients.
pub(crate) fn spent(
    pool: &Pool,
    connections: usize,
    target: &'static str,
    (body, judge): (fn(&str) -> String, Judge),
) -> Works {
    let one = |_| -> Box<dyn Work> { Box::new(Spent { pool: pool.clone(), target, body, judge }) };
    (0..connections).map(one).collect()
}

/// Asks about tokens in random order.
struct Asks {
    target: &'static str,
    tokens: Rc<Vec<Held>>,
    dice: u64,
    expected: Option<String>,
}

impl Asks {
    fn dice(&mut self) -> usize {
        // Xorshift (Marsaglia 2003): repeats from run to run.
        self.dice ^= self.dice << 13;
        self.dice ^= self.dice >> 7;
        self.dice ^= self.dice << 17;
        usize::try_from(self.dice >> 11).unwrap_or_default()
    }
}

impl Work for Asks {
    fn next(&mut self, out: &mut Vec<u8>) -> bool {
        let (at, server) = (self.dice(), self.dice());
        let Some(held) = self.tokens.get(at % self.tokens.len().max(1)) else { return false };
        let body = format!("token={}", held.text);
        self.expected = Some(Who::Mx.id(held.client));
        out.extend_from_slice(&form(self.target, Who::Resource, server, &body));
        true
    }

    fn judge(&mut self, answer: &Answer<'_>) -> bool {
        let client = self.expected.take();
        answer.status == 200
            && answer.has("\"active\":true")
            && answer.member("client_id") == client.as_deref()
    }
}

/// Every connection asks about living tokens.
pub(crate) fn asks(target: &'static str, tokens: &Rc<Vec<Held>>, connections: usize) -> Works {
    let one = |n: usize| -> Box<dyn Work> {
        let dice = (n as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        Box::new(Asks { target, tokens: tokens.clone(), dice, expected: None })
    };
    (0..connections).map(one).collect()
}

/// Refresh chains of one connection, each continued in turn.
struct Chains {
    target: &'static str,
    who: Who,
    chains: Vec<Chain>,
    at: usize,
    id_token: bool,
}

impl Work for Chains {
    fn next(&mut self, out: &mut Vec<u8>) -> bool {
        self.at = (self.at + 1) % self.chains.len().max(1);
        let Some(held) = self.chains.get(self.at) else { return false };
        let held = held.borrow();
        let body = format!("grant_type=refresh_token&refresh_token={}", held.text);
        out.extend_from_slice(&form(self.target, self.who, held.client, &body));
        true
    }

    fn judge(&mut self, answer: &Answer<'_>) -> bool {
        let next = answer.member("refresh_token");
        let right = answer.status == 200
            && answer.member("access_token").is_some()
            && answer.has("\"id_token\":\"") == self.id_token;
        match (next, self.chains.get(self.at)) {
            (Some(next), Some(held)) if right => {
                next.clone_into(&mut held.borrow_mut().text);
                true
            }
            _ => false,
        }
    }
}

/// Every connection has its own part of the chains.
pub(crate) fn chains(
    target: &'static str,
    (who, chains): (Who, &[Chain]),
    connections: usize,
    id_token: bool,
) -> Works {
    let part = chains.len() / connections.max(1);
    let one = |n: usize| -> Box<dyn Work> {
        let chains = chains[n * part..(n + 1) * part].to_vec();
        Box::new(Chains { target, who, chains, at: 0, id_token })
    };
    (0..connections).map(one).collect()
}
