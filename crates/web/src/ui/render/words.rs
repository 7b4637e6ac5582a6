//! `t` of the templates: `t("id", name=x)` gives HTML, in which everything inserted is escaped and
//! isolated; `t.plain("id", name=x)` gives the same for a title or an attribute.

use std::sync::Arc;

use fluent_bundle::{FluentArgs, FluentValue};
use minijinja::value::{Kwargs, Object, Value, from_args};
use minijinja::{Error, ErrorKind, State};

use super::markup;
use crate::ui::texts::Texts;

/// The scopes that have plain words.
pub(super) const SCOPES: [&str; 11] = [
    "ais",
    "openid",
    "customers",
    "accounts",
    "transactions",
    "statements",
    "profile",
    "email",
    "address",
    "phone",
    "payments",
];
/// The roles that have plain words (ETSI TS 119 495 §5.1).
pub(super) const ROLES: [&str; 4] = ["psp_as", "psp_pi", "psp_ai", "psp_ic"];

/// A place for an insertion, between two characters that no text contains.
const OPEN: char = '\u{e000}';
const CLOSE: char = '\u{e001}';
const NAME_MAX: usize = 300;

#[derive(Debug)]
pub(super) struct Words(pub(super) &'static Texts);

impl Object for Words {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        match key.as_str()? {
            "tag" => Some(Value::from(self.0.language().tag)),
            "dir" => Some(Value::from(self.0.language().dir)),
            _ => None,
        }
    }

    fn call(self: &Arc<Self>, _: &mut State<'_, '_>, args: &[Value]) -> Result<Value, Error> {
        let (id, named): (&str, Kwargs) = from_args(args)?;
        self.filled(id, &named, |inserted| markup::isolated(&markup::name(inserted, NAME_MAX)))
    }

    fn call_method(
        self: &Arc<Self>,
        _: &mut State<'_, '_>,
        method: &str,
        args: &[Value],
    ) -> Result<Value, Error> {
        match method {
            "plain" => {
                let (id, named): (&str, Kwargs) = from_args(args)?;
                self.filled(id, &named, |inserted| self.marked(inserted))
            }
            "date" => {
                let (moment,): (u64,) = from_args(args)?;
                let date = markup::escaped(&self.0.date(moment));
                Ok(Value::from_safe_string(format!("<bdi class=\"nb\">{date}</bdi>")))
            }
            "wait" => {
                let (seconds,): (u64,) = from_args(args)?;
                Ok(Value::from_safe_string(markup::escaped(&self.0.wait(seconds))))
            }
            "money" => {
                let (amount,): (Value,) = from_args(args)?;
                let minor = i64::try_from(amount.get_attr("minor")?)?;
                let currency = amount.get_attr("currency")?.to_string();
                let shown = self.0.money(minor, &markup::name(&currency, 8));
                Ok(Value::from_safe_string(markup::isolated(&shown)))
            }
            "amount" => {
                let (amount,): (Value,) = from_args(args)?;
                let of = |name: &str, length| -> Result<String, Error> {
                    Ok(markup::name(&amount.get_attr(name)?.to_string(), length))
                };
                let shown = self.0.amount(&of("amount", 20)?, &of("currency", 8)?);
                Ok(Value::from_safe_string(markup::isolated(&shown)))
            }
            "scope" => {
                let (scope,): (&str,) = from_args(args)?;
                Ok(Value::from_safe_string(self.scope(scope)))
            }
            "scope_about" => {
                let (scope,): (&str,) = from_args(args)?;
                let known = known(&SCOPES, scope).unwrap_or("other");
                Ok(Value::from(self.0.text(&format!("scope-{known}.about"), None)))
            }
            "role" => {
                let (role,): (&str,) = from_args(args)?;
                let words =
                    known(&ROLES, role).map(|role| self.0.text(&format!("role-{role}"), None));
                Ok(Value::from(words.unwrap_or_else(|| markup::name(role, NAME_MAX))))
            }
            _ => Err(Error::from(ErrorKind::UnknownMethod)),
        }
    }
}

impl Words {
    fn scope(&self, scope: &str) -> String {
        if let Some(known) = known(&SCOPES, scope) {
            return markup::escaped(&self.0.text(&format!("scope-{known}"), None));
        }
        let mut args = FluentArgs::new();
        args.set("scope", place(0));
        let shown = markup::isolated(&markup::name(scope, 60));
        insert(&self.0.text("scope-other", Some(&args)), &[shown])
    }

    /// A name in a title: Unicode's isolates where it could turn its surroundings.
    fn marked(&self, inserted: &str) -> String {
        let name = markup::escaped(&markup::name(inserted, NAME_MAX));
        if self.0.language().dir == "rtl" || markup::runs_right_to_left(&name) {
            format!("\u{2068}{name}\u{2069}")
        } else {
            name
        }
    }

    /// The text with its insertions. Numbers go through Fluent, which chooses the plural by them;
    /// markup made by a template stays as it is.
    fn filled(
        &self,
        id: &str,
        named: &Kwargs,
        insertion: impl Fn(&str) -> String,
    ) -> Result<Value, Error> {
        let mut args = FluentArgs::new();
        let mut insertions = Vec::new();
        for name in named.args() {
            let value: Value = named.get(name)?;
            if let Some(number) = value.as_i64() {
                args.set(name.to_owned(), FluentValue::from(number));
                continue;
            }
            let Some(text) = value.as_str() else {
                return Err(Error::new(
                    ErrorKind::InvalidOperation,
                    format!("{name} of the text {id} is neither text nor number"),
                ));
            };
            args.set(name.to_owned(), place(insertions.len()));
            insertions.push(if value.is_safe() { text.to_owned() } else { insertion(text) });
        }
        let text = self.0.text(id, Some(&args));
        Ok(Value::from_safe_string(insert(&text, &insertions)))
    }
}

fn known(words: &[&'static str], asked: &str) -> Option<&'static str> {
    words.iter().copied().find(|word| word.eq_ignore_ascii_case(asked))
}

fn place(number: usize) -> String {
    format!("{OPEN}{number}{CLOSE}")
}

/// Escapes the text and fills its places, in one pass: what is inserted is not looked at again.
fn insert(text: &str, insertions: &[String]) -> String {
    let mut out = String::with_capacity(text.len() + 64);
    let mut pieces = text.split(OPEN);
    markup::escape(&mut out, pieces.next().unwrap_or_default());
    for piece in pieces {
        let (number, rest) = piece.split_once(CLOSE).unwrap_or(("", piece));
        let insertion = number.parse().ok().and_then(|number: usize| insertions.get(number));
        out.push_str(insertion.map_or("", String::as_str));
        markup::escape(&mut out, rest);
    }
    out
}
