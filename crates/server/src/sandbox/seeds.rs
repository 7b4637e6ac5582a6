//! The seeded resources: one file, written once, the developer's to change.

use std::io;
use std::path::Path;

/// The password of every seeded customer.
pub(super) const PASSWORD: &str = "demo";

/// The seeded customers and what each is for.
pub(super) const CUSTOMERS: [(&str, &str); 7] = [
    ("alice", "one account, and every claim there is"),
    ("ada", "two accounts"),
    ("bob", "one account of his own, one joint"),
    ("chloe", "no accounts"),
    ("demo-denied", "the bank declines"),
    ("demo-sca-fail", "strong authentication fails"),
    ("demo-expired", "the consent has ended when the code is used"),
];

/// Writes the file if there is none.
pub(super) fn write(folder: &Path) -> io::Result<()> {
    std::fs::create_dir_all(folder)?;
    let path = folder.join("sandbox.toml");
    if path.exists() { Ok(()) } else { std::fs::write(path, include_str!("seeds.toml")) }
}
