//! A TOML file as a type; what is wrong with it is told with file, line, column and what was meant.

use std::path::Path;

use serde::de::DeserializeOwned;

use crate::failure::Failure;
use crate::nearest::nearest;

/// Largest file that is read.
const FILE_LEN_MAX: u64 = 4 * 1024 * 1024;

/// The text of a file.
///
/// # Errors
/// [`Failure::config`] naming the file and what the system said.
pub fn text(path: &Path) -> Result<String, Failure> {
    let shown = path.display();
    let size = std::fs::metadata(path).map(|meta| meta.len());
    match size {
        Ok(size) if size > FILE_LEN_MAX => {
            return Err(Failure::config(format!("{shown}: larger than {FILE_LEN_MAX} bytes")));
        }
        Ok(_) | Err(_) => {}
    }
    std::fs::read_to_string(path).map_err(|e| Failure::config(format!("{shown}: {e}")))
}

/// The file as a `T`.
///
/// # Errors
/// [`Failure::config`] as `file:line:column: what, and the nearest known key`.
pub fn read<T: DeserializeOwned>(path: &Path) -> Result<T, Failure> {
    parse(&path.display().to_string(), &text(path)?)
}

/// The text as a `T`; `name` is what messages call it.
///
/// # Errors
/// As [`read`].
pub fn parse<T: DeserializeOwned>(name: &str, text: &str) -> Result<T, Failure> {
    toml::from_str(text).map_err(|error| {
        let (line, column) = position(text, error.span().map_or(0, |span| span.start));
        let what = explain(error.message());
        Failure::config(format!("{name}:{line}:{column}: {what}"))
    })
}

/// Line and column of a byte, both from 1.
#[must_use]
pub fn position(text: &str, at: usize) -> (usize, usize) {
    let before = text.get(..at).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    (line, column)
}

/// The library's message, shorter, and with the key that was probably meant.
fn explain(message: &str) -> String {
    let first = message.lines().next().unwrap_or(message);
    let Some(rest) = first.strip_prefix("unknown field `") else { return first.to_owned() };
    let Some((unknown, expected)) = rest.split_once('`') else { return first.to_owned() };
    let known: Vec<&str> = expected.split('`').skip(1).step_by(2).collect();
    match nearest(unknown, known.iter().copied()) {
        Some(meant) => format!("unknown key \"{unknown}\", did you mean \"{meant}\"?"),
        None => format!("unknown key \"{unknown}\"; known here: {}", known.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Small {
        #[expect(dead_code, reason = "only its name matters")]
        issuer: Option<String>,
        #[expect(dead_code, reason = "only its name matters")]
        listen: Option<String>,
    }

    #[test]
    fn an_unknown_key_is_told_with_its_place_and_what_was_meant() {
        let told = parse::<Small>("counterfoil.toml", "issuer = \"x\"\n  lisen = \"y\"\n");
        let text = told.map_err(|e| e.text).unwrap_err();
        assert_eq!(text, "counterfoil.toml:2:3: unknown key \"lisen\", did you mean \"listen\"?");
    }

    #[test]
    fn a_wrong_type_and_broken_toml_are_told_with_their_place() {
        for (broken, at) in [("issuer = 1", ":1:10:"), ("issuer = \"x", ":1:")] {
            let told = parse::<Small>("f.toml", broken).map_err(|e| e.text).unwrap_err();
            assert!(told.starts_with("f.toml") && told.contains(at), "{told}");
        }
    }
}
