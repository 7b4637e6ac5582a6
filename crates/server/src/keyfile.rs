//! The key file: handle keys, pepper, wrapping key. Mode 0600, never in the store or its backups.
//! Several nodes have the same one, as a file or in a variable.

use std::fmt::{self, Write as _};
use std::io::Write as _;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use base64ct::{Base64UrlUnpadded, Encoding as _};
use counterfoil_engine::ctx::Entropy;
use counterfoil_engine::handle::{HandleKey, KeyId, Keyring};
use counterfoil_engine::keys::KeyFile;
use counterfoil_jose::provider::WrappingKey;
use counterfoil_protocol::secret::Secret;
use serde::Deserialize;
use zeroize::{Zeroize as _, Zeroizing};

use crate::failure::Failure;
use crate::key_marks::{HandleMark, Marks, mark};
use crate::toml_file;

/// Where the keys come from.
#[derive(Clone)]
pub enum Source {
    /// The state folder: made there when there is none.
    State(PathBuf),
    /// Another file, which somebody else has put there.
    File(PathBuf),
    /// A variable.
    Text(Zeroizing<String>),
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::State(path) | Self::File(path) => path.display().fmt(f),
            Self::Text(_) => f.write_str("COUNTERFOIL_KEYS"),
        }
    }
}

/// The keys, and what other nodes are told of them.
pub type Keys = (KeyFile, Marks);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    pepper: String,
    wrapping: String,
    handle: Vec<StoredHandle>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredHandle {
    id: u8,
    state: String,
    secret: String,
}

impl Drop for Stored {
    fn drop(&mut self) {
        self.pepper.zeroize();
        self.wrapping.zeroize();
        self.handle.iter_mut().for_each(|key| key.secret.zeroize());
    }
}

/// Reads the keys.
///
/// # Errors
/// [`Failure::config`] for a file that is not there, that others can read, or that is damaged.
pub fn load(source: &Source, dice: &mut dyn Entropy) -> Result<Keys, Failure> {
    let text = match source {
        Source::State(path) => {
            if !path.exists() {
                let told = |e| Failure::config(format!("{}: {e}", path.display()));
                make(path, dice).map_err(told)?;
            }
            text(path, 0o077)?
        }
        // Its group may be that of the server and of nobody else: so secrets are mounted.
        Source::File(path) => text(path, 0o007)?,
        Source::Text(text) => text.clone(),
    };
    keys(&source.to_string(), &text)
}

/// Reads the key file; makes one when there is none.
///
/// # Errors
/// As [`load`].
pub fn load_or_make(path: &Path, dice: &mut dyn Entropy) -> Result<KeyFile, Failure> {
    load(&Source::State(path.into()), dice).map(|(keys, _)| keys)
}

/// The text of a file that none of these may read or write.
fn text(path: &Path, others: u32) -> Result<Zeroizing<String>, Failure> {
    let shown = path.display();
    let bad = |what: String| Failure::config(format!("{shown}: {what}"));
    let mode = std::fs::metadata(path).map_err(|e| bad(e.to_string()))?.permissions().mode();
    if mode & others != 0 {
        let fix = format!("others can read the keys; fix: chmod 600 {shown}");
        return Err(bad(fix));
    }
    toml_file::text(path).map(Zeroizing::new)
}

fn keys(shown: &str, text: &str) -> Result<Keys, Failure> {
    let bad = |what: String| Failure::config(format!("{shown}: {what}"));
    let stored: Stored = toml_file::parse(shown, text)?;
    let key = |text: &str, name: &str| {
        let mut out = Zeroizing::new([0; 32]);
        match Base64UrlUnpadded::decode(text, out.as_mut_slice()) {
            Ok(decoded) if decoded.len() == 32 => Ok(out),
            Ok(_) | Err(_) => Err(bad(format!("{name} is not 32 bytes of base64url"))),
        }
    };
    let (pepper, wrapping) = (key(&stored.pepper, "pepper")?, key(&stored.wrapping, "wrapping")?);
    let (mut active, mut others, mut marks) = (None, vec![], vec![]);
    for handle in &stored.handle {
        let secret = key(&handle.secret, "handle.secret")?;
        let made = HandleKey { id: KeyId(handle.id), secret: Secret::new(secret.to_vec()) };
        let signs = handle.state == "active";
        marks.push(HandleMark { id: handle.id, active: signs, mark: mark(&*secret) });
        match handle.state.as_str() {
            "active" if active.is_none() => active = Some(made),
            "next" | "retiring" => others.push(made),
            other => {
                let what = "is no state; one handle key is active, others are next or retiring";
                return Err(bad(format!("handle.state = \"{other}\" {what}")));
            }
        }
    }
    let active = active.ok_or_else(|| bad("no handle key is active".into()))?;
    let marks = Marks { pepper: mark(&*pepper), wrapping: mark(&*wrapping), handle: marks };
    let file = KeyFile {
        keyring: Keyring::new(active, others),
        pepper: Secret::new(pepper.to_vec()),
        wrapping: WrappingKey::new(&wrapping),
    };
    Ok((file, marks))
}

fn make(path: &Path, dice: &mut dyn Entropy) -> std::io::Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let mut text = Zeroizing::new(String::from(
        "# Counterfoil key file. Whoever has this and the store can mint every token: keep it out of\n\
         # backups of the store, and readable by the server alone.\n",
    ));
    let mut draw = || {
        let bytes = Zeroizing::new(dice.bytes32());
        Zeroizing::new(Base64UrlUnpadded::encode_string(bytes.as_slice()))
    };
    let (pepper, wrapping, handle) = (draw(), draw(), draw());
    let _ = write!(text, "pepper = \"{}\"\nwrapping = \"{}\"\n\n", *pepper, *wrapping);
    let _ = write!(text, "[[handle]]\nid = 1\nstate = \"active\"\nsecret = \"{}\"\n", *handle);
    private(path, text.as_bytes())
}

/// Writes a file that only its owner can read; never over an existing one.
///
/// # Errors
/// The system's.
pub fn private(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    let mut file = options.write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::system::SystemDice;

    #[test]
    fn a_key_file_is_made_once_and_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys/handle.toml");
        load_or_make(&path, &mut SystemDice).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        load_or_make(&path, &mut SystemDice).unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
    }

    #[test]
    fn the_same_keys_come_from_a_file_or_a_variable() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("handle.toml");
        let marks = |source: Source| load(&source, &mut SystemDice).map(|(_, marks)| marks);
        let missing = marks(Source::File(path.clone())).map_err(|e| e.text).unwrap_err();
        assert!(missing.contains("handle.toml") && !path.exists(), "{missing}");
        let made = marks(Source::State(path.clone())).unwrap();
        let text = Zeroizing::new(std::fs::read_to_string(&path).unwrap());
        assert_eq!(marks(Source::Text(text)).unwrap(), made);
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o440)).unwrap();
        assert_eq!(marks(Source::File(path.clone())).unwrap(), made);
        assert!(marks(Source::State(path)).is_err());
        let damaged = marks(Source::Text(Zeroizing::new("pepper = 1".into())));
        assert!(damaged.map_err(|e| e.text).unwrap_err().starts_with("COUNTERFOIL_KEYS:1:"));
    }

    #[test]
    fn a_key_file_that_others_can_read_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("handle.toml");
        load_or_make(&path, &mut SystemDice).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        let told = load_or_make(&path, &mut SystemDice).map_err(|e| e.text);
        assert!(told.unwrap_err().contains("chmod 600"));
    }
}
