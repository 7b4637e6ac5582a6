//! The runner of the tables: one row, one request, one answer.
//!
//! Columns, separated by tabs: id; where the path starts (a tenant or realm, `/` for the root); method;
//! path; headers; body; status; stable code of the refusal; headers of the answer; its body. Cells of
//! headers hold several, separated by ` | `. A body of an answer that starts with `=` is exact, with
//! holes (see `pattern`); another is contained. What stands in braces is made for the row.

use crate::assertions::assertion;
use crate::browser::{FIN, FIN_OTHER, MX, MX_ONCE, MX_OTHER, VERIFIER, challenge};
use crate::pattern::fits;
use crate::signatures::sign;
use crate::wire::{Answer, Ask, FORM};
use crate::world::{BASE, World, file};

/// A row as it stands in the file.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) id: String,
    line: usize,
    base: String,
    method: String,
    path: String,
    headers: String,
    body: String,
    status: u16,
    pub(crate) code: Option<String>,
    answer_headers: String,
    answer_body: String,
}

/// The rows of a table.
pub(crate) fn rows(name: &str) -> Vec<Row> {
    let text = file(&format!("{name}.tsv"));
    let lines = text.lines().enumerate().skip(1);
    lines
        .filter(|(_, line)| !line.is_empty() && !line.starts_with('#'))
        .map(|(n, line)| row(name, n + 1, line))
        .collect()
}

fn row(table: &str, line: usize, text: &str) -> Row {
    let mut cells = text.split('\t');
    let mut next = || cells.next().unwrap_or_default().trim().to_owned();
    let (id, tenant, method, path) = (next(), next(), next(), next());
    let (headers, body, status, code) = (next(), next(), next(), next());
    let base = match &*tenant {
        "/" => String::new(),
        "sandbox" | "compat" | "bare" => format!("/auth/realms/{tenant}"),
        tenant => format!("/o/{tenant}"),
    };
    let status = status.parse().unwrap_or_else(|_| panic!("{table}.tsv:{line}: status {status}"));
    let code = (!code.is_empty() && code != "-").then_some(code);
    let (answer_headers, answer_body) = (next(), next());
    Row { id, line, base, method, path, headers, body, status, code, answer_headers, answer_body }
}

/// Runs every row of a table in one world; all that fail are told.
pub(crate) fn run(name: &str, world: &World) {
    let mut failures = vec![];
    for row in rows(name) {
        if let Err(why) = row.run(world) {
            failures.push(format!("{name}.tsv:{} {}: {why}\n    {row:?}", row.line, row.id));
        }
    }
    assert!(failures.is_empty(), "{} rows:\n{}", failures.len(), failures.join("\n"));
}

impl Row {
    fn run(&self, world: &World) -> Result<(), String> {
        let ask = self.ask(world);
        world.drain();
        let answer = world.send(ask);
        let codes = world.drain();
        let said =
            format!("answered {} {:?}", answer.status, String::from_utf8_lossy(&answer.body));
        if answer.status != self.status {
            return Err(format!("{said} {codes:?}"));
        }
        if codes.first() != self.code.as_ref() || codes.len() > 1 {
            return Err(format!("the journal says {codes:?}; {said}"));
        }
        for wanted in self.answer_headers.split(" | ").filter(|wanted| !wanted.is_empty()) {
            self.check_header(world, &answer, wanted)?;
        }
        let request_id = answer.header("x-request-id").unwrap_or_default();
        let text = String::from_utf8_lossy(&answer.body);
        let good = match self.answer_body.strip_prefix('=') {
            Some(exact) => fits(&self.expand(exact, world), &text, request_id),
            None => text.contains(&self.expand(&self.answer_body, world)),
        };
        if good { Ok(()) } else { Err(said) }
    }

    fn check_header(&self, world: &World, answer: &Answer, wanted: &str) -> Result<(), String> {
        if let Some(absent) = wanted.strip_prefix('!') {
            let found = answer.header(absent);
            return found.map_or(Ok(()), |value| Err(format!("{absent}: {value} is there")));
        }
        let (name, value) = wanted.split_once(": ").ok_or("no header in the table")?;
        let found = answer.header(name).unwrap_or("(none)");
        let value = self.expand(value, world);
        let good = match value.strip_prefix('~') {
            Some(part) => found.contains(part),
            None => fits(&value, found, ""),
        };
        if good { Ok(()) } else { Err(format!("{name}: {found}")) }
    }

    fn ask(&self, world: &World) -> Ask {
        let path = self.expand(&self.path, world);
        // A path that names its realm itself, or is meant to look like another.
        let target =
            path.strip_prefix('!').map_or_else(|| format!("{}{path}", self.base), str::to_owned);
        let mut ask = Ask::new(&self.method, &target);
        ask.body = bytes(&self.expand(&self.body, world));
        let mut typed = ask.body.is_empty();
        let mut signed = None;
        for item in self.headers.split(" | ").filter(|item| !item.is_empty()) {
            let item = self.expand(item, world);
            let (word, rest) = item.split_once(' ').unwrap_or((&item, ""));
            ask = match word {
                "form" => ask.with("content-type", FORM),
                "no-type" => ask,
                "basic" => match rest.split_once(':') {
                    Some((id, secret)) => ask.basic(id, secret),
                    None => ask.with("authorization", &format!("Basic {rest}")),
                },
                "bearer" => ask.bearer(rest),
                "tls" => Ask { secure: true, ..ask },
                "sign" => {
                    signed = Some(rest.to_owned());
                    ask
                }
                name => ask.with(name.trim_end_matches(':'), rest),
            };
            let name = word.trim_end_matches(':').to_lowercase();
            typed |= matches!(&*name, "form" | "no-type" | "content-type");
        }
        if !typed {
            ask = ask.with("content-type", FORM);
        }
        let now = world.app.engine.clock.now().0;
        match signed {
            Some(words) => sign(ask, &words, now),
            None => ask,
        }
    }

    /// Replaces what stands in braces.
    fn expand(&self, text: &str, world: &World) -> String {
        let mut out = String::new();
        let mut rest = text;
        while let Some(at) = rest.find('{') {
            out.push_str(&rest[..at]);
            let inner = rest[at..].find('}').map(|end| &rest[at + 1..at + end]);
            match inner.and_then(|name| Some((name.len() + 2, made(name, world)?))) {
                Some((len, value)) => {
                    out.push_str(&value);
                    rest = &rest[at + len..];
                }
                None => {
                    out.push('{');
                    rest = &rest[at + 1..];
                }
            }
        }
        out.push_str(rest);
        out
    }
}

/// A value that a row needs; `None` for what is no name of one.
fn made(name: &str, world: &World) -> Option<String> {
    if let Some((unit, count)) = name.split_once('*') {
        return Some(unit.repeat(count.parse().ok()?));
    }
    if let Some(changes) = name.strip_prefix("jwt ").or((name == "jwt.").then_some("")) {
        return Some(assertion(changes, world.app.engine.clock.now().0));
    }
    Some(match name {
        "base" => BASE.into(),
        "verifier" => VERIFIER.into(),
        "challenge" => challenge(),
        "mx.code" => MX.mx_code(world),
        "mx.used" => {
            let code = MX.mx_code(world);
            world.send(MX.mx_redeem(&code)).expect(200);
            code
        }
        "mx.late" => {
            let code = MX.mx_code(world);
            world.clock.advance(60);
            code
        }
        "mx.rt" => MX.mx_tokens(world).refresh,
        "mx.at" => MX.mx_tokens(world).access,
        "mx.dead" => {
            let token = MX.mx_tokens(world).refresh;
            world.send(MX.ask("/oauth2/v4/revoke", &[("token", &token)])).expect(200);
            token
        }
        "mx.other" => MX_OTHER.mx_tokens(world).refresh,
        "mx.once" => MX_ONCE.mx_code(world),
        "mx.expired" => MX.mx_code_for(world, "openid accounts", "demo-expired"),
        "fin.code" => FIN.fin_code(world),
        "fin.used" => {
            let code = FIN.fin_code(world);
            world.send(FIN.fin_redeem(&code)).expect(200);
            code
        }
        "fin.late" => {
            let code = FIN.fin_code(world);
            world.clock.advance(60);
            code
        }
        "fin.rt" => FIN.fin_tokens(world).refresh,
        "fin.at" => FIN.fin_tokens(world).access,
        "fin.other" => FIN_OTHER.fin_tokens(world).refresh,
        "fin.dead" => {
            let token = FIN.fin_tokens(world).refresh;
            world.send(FIN.ask("/revoke", &[("token", &token)])).expect(200);
            token
        }
        "oac.rt" => world.send(FIN.fin_own("OAC")).expect(200).member("refresh_token"),
        "pis.at" => world.send(FIN.fin_own("PIS")).expect(200).member("access_token"),
        "plain.code" => crate::browser::FIN_PLAIN.fin_code(world),
        "strict.code" => crate::browser::MX_STRICT.mx_code(world),
        _ => return None,
    })
}

/// `\xNN` in a body is a byte, `\t` a tab.
fn bytes(text: &str) -> Vec<u8> {
    let mut out = vec![];
    let mut rest = text;
    while let Some(at) = rest.find("\\x") {
        out.extend_from_slice(&rest.as_bytes()[..at]);
        out.push(u8::from_str_radix(&rest[at + 2..at + 4], 16).unwrap());
        rest = &rest[at + 4..];
    }
    out.extend_from_slice(rest.as_bytes());
    out
}
