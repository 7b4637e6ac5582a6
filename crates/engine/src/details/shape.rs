//! The form of a type of authorization details, as a value: what is checked and what is published as a
//! JSON schema (draft 2020-12) are the same thing.

use serde_json::{Map, Value, json};

/// What a JSON value has to be.
#[derive(Debug)]
pub enum Shape {
    /// An object with these members and no others.
    Object(&'static [Member]),
    /// An object with exactly one of these members.
    Either(&'static [Member]),
    /// An object that must have the second member where the first has this value.
    Given(&'static [Member], (&'static str, &'static str), &'static str),
    /// One to `n` different values of a form.
    List(&'static Shape, usize),
    /// One of these words.
    Word(&'static [&'static str]),
    /// One to `n` characters, none of which is a control character.
    Text(usize),
    /// Text that a pattern describes.
    Formatted(&'static Format),
    /// A whole number from the first to the last.
    Whole(u64, u64),
}

/// A member of an object.
#[derive(Debug)]
pub struct Member {
    name: &'static str,
    needed: bool,
    shape: Shape,
}

/// A member that must be there.
pub(super) const fn needed(name: &'static str, shape: Shape) -> Member {
    Member { name, needed: true, shape }
}

/// A member that may be there.
pub(super) const fn optional(name: &'static str, shape: Shape) -> Member {
    Member { name, needed: false, shape }
}

/// Text of a certain form: how others are told (ECMA-262), and how it is checked here.
#[derive(Debug)]
pub struct Format {
    /// An anchored regular expression.
    pub pattern: &'static str,
    /// `format` of JSON schema, where there is one.
    pub format: Option<&'static str>,
    /// Most characters.
    pub len_max: usize,
    /// The same as code.
    pub holds: fn(&str) -> bool,
}

/// What no text contains: it would steer whatever shows it.
const CONTROLS: &str = "^[^\\u0000-\\u001f\\u007f-\\u009f]+$";

impl Shape {
    /// Whether a value has this form.
    #[must_use]
    pub fn fits(&self, value: &Value) -> bool {
        match (self, value) {
            (Self::Object(members), Value::Object(object)) => complete(members, object),
            (Self::Either(members), Value::Object(object)) => {
                object.len() == 1 && known(members, object)
            }
            (Self::Given(members, (name, is), needs), Value::Object(object)) => {
                let given = object.get(*name).is_some_and(|value| value == is);
                complete(members, object) && (!given || object.contains_key(*needs))
            }
            (Self::List(of, max), Value::Array(values)) => {
                let once = |(n, value): (usize, &Value)| !values[..n].contains(value);
                (1..=*max).contains(&values.len())
                    && values.iter().all(|value| of.fits(value))
                    && values.iter().enumerate().all(once)
            }
            (Self::Word(words), Value::String(text)) => words.contains(&text.as_str()),
            (Self::Text(max), Value::String(text)) => {
                (1..=*max).contains(&text.chars().count()) && !text.contains(char::is_control)
            }
            (Self::Formatted(format), Value::String(text)) => {
                text.len() <= format.len_max && (format.holds)(text)
            }
            (Self::Whole(min, max), Value::Number(number)) => {
                number.as_u64().is_some_and(|number| (*min..=*max).contains(&number))
            }
            _ => false,
        }
    }

    /// The JSON schema that says the same.
    #[must_use]
    pub fn schema(&self) -> Value {
        match self {
            Self::Object(members) => object(members),
            Self::Either(members) => {
                let mut schema = object(members);
                schema["minProperties"] = 1.into();
                schema["maxProperties"] = 1.into();
                schema
            }
            Self::Given(members, (name, is), needs) => {
                let mut schema = object(members);
                schema["if"] = json!({"properties": {*name: {"const": is}}, "required": [name]});
                schema["then"] = json!({"required": [needs]});
                schema
            }
            Self::List(of, max) => json!({
                "type": "array", "items": of.schema(),
                "minItems": 1, "maxItems": max, "uniqueItems": true,
            }),
            Self::Word(words) => json!({"type": "string", "enum": words}),
            Self::Text(max) => json!({
                "type": "string", "minLength": 1, "maxLength": max, "pattern": CONTROLS,
            }),
            Self::Formatted(Format { pattern, format, len_max, .. }) => {
                let mut schema =
                    json!({"type": "string", "maxLength": len_max, "pattern": pattern});
                if let Some(format) = format {
                    schema["format"] = (*format).into();
                }
                schema
            }
            Self::Whole(min, max) => json!({"type": "integer", "minimum": min, "maximum": max}),
        }
    }
}

fn known(members: &[Member], object: &Map<String, Value>) -> bool {
    object.iter().all(|(name, value)| {
        members.iter().any(|member| member.name == name && member.shape.fits(value))
    })
}

fn complete(members: &[Member], object: &Map<String, Value>) -> bool {
    let there = |member: &Member| !member.needed || object.contains_key(member.name);
    members.iter().all(there) && known(members, object)
}

fn object(members: &[Member]) -> Value {
    let properties: Map<String, Value> =
        members.iter().map(|member| (member.name.to_owned(), member.shape.schema())).collect();
    let needed: Vec<&str> =
        members.iter().filter(|member| member.needed).map(|member| member.name).collect();
    let mut schema = json!({
        "type": "object", "properties": properties, "additionalProperties": false,
    });
    if !needed.is_empty() {
        schema["required"] = needed.into();
    }
    schema
}
