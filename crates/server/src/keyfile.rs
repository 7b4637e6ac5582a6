//! The key file: handle keys, pepper, wrapping key. Mode 0600, never in the store or its backups.

use std::fmt::Write as _;
use std::io::Write as _;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

use base64ct::{Base64UrlUnpadded, Encoding as _};
use counterfoil_engine::ctx::Entropy;
use counterfoil_engine::handle::{HandleKey, KeyId, Keyring};
use counterfoil_engine::keys::KeyFile;
use counterfoil_jose::provider::WrappingKey;
use counterfoil_protocol::secret::Secret;
use serde::Deserialize;
use zeroize::{Zeroize as _, Zeroizing};

use crate::failure::Failure;
use crate::toml_file;

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

/// Reads the key file; makes one when there is none.
///
/// # Errors
/// [`Failure::config`] for a file that others can read, or that is damaged.
pub fn load_or_make(path: &Path, dice: &mut dyn Entropy) -> Result<KeyFile, Failure> {
    let shown = path.display();
    let bad = |what: String| Failure::config(format!("{shown}: {what}"));
    if !path.exists() {
        make(path, dice).map_err(|e| bad(e.to_string()))?;
    }
    let mode = std::fs::metadata(path).map_err(|e| bad(e.to_string()))?.permissions().mode();
    if mode & 0o077 != 0 {
        let fix = format!("others can read the keys; fix: chmod 600 {shown}");
        return Err(bad(fix));
    }
    let stored: Stored = toml_file::read(path)?;
    let key = |text: &str, name: &str| {
        let mut out = Zeroizing::new([0; 32]);
        match Base64UrlUnpadded::decode(text, out.as_mut_slice()) {
            Ok(decoded) if decoded.len() == 32 => Ok(out),
            Ok(_) | Err(_) => Err(bad(format!("{name} is not 32 bytes of base64url"))),
        }
    };
    let secret = |text: &str, name: &str| Ok::<_, Failure>(Secret::new(key(text, name)?.to_vec()));
    let (mut active, mut others) = (None, vec![]);
    for handle in &stored.handle {
        let made =
            HandleKey { id: KeyId(handle.id), secret: secret(&handle.secret, "handle.secret")? };
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
    Ok(KeyFile {
        keyring: Keyring::new(active, others),
        pepper: secret(&stored.pepper, "pepper")?,
        wrapping: WrappingKey::new(&*key(&stored.wrapping, "wrapping")?),
    })
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
    fn a_key_file_that_others_can_read_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("handle.toml");
        load_or_make(&path, &mut SystemDice).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        let told = load_or_make(&path, &mut SystemDice).map_err(|e| e.text);
        assert!(told.unwrap_err().contains("chmod 600"));
    }
}
