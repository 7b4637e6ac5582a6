//! Node packages, exactly as a lock file says.

use std::path::Path;

use crate::shell::{self, say};
use crate::tools::{self, NODE, NPM};

/// Installs the packages of a folder, unless they are the ones its lock file names.
pub(crate) fn packages(root: &Path, folder: &Path) -> Result<(), String> {
    tools::ensure(root, &NODE)?;
    if !folder.join("package.json").exists() {
        return Ok(());
    }
    tools::ensure(root, &NPM)?;
    let lock = folder.join("package-lock.json");
    let wanted = std::fs::read(&lock).map_err(|e| format!("{}: {e}", lock.display()))?;
    // npm writes no such file; `npm ci` removes it with everything else.
    let stamp = folder.join("node_modules/.installed-from");
    if std::fs::read(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(());
    }
    let mut command = shell::command(folder, "npm ci --no-audit --no-fund");
    say(&format!("   in {}: {}", folder.display(), shell::shown(&command)));
    shell::run(&mut command)?;
    if folder.join("node_modules").is_dir() {
        std::fs::write(&stamp, wanted).map_err(|e| format!("{}: {e}", stamp.display()))?;
    }
    Ok(())
}
