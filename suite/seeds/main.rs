//! The promises of the fuzz targets, asked of their seeds and of what small changes make of them, so
//! that the targets still build and hold when nobody fuzzes. `cargo xtask fuzz` looks further.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::wildcard_enum_match_arm,
    reason = "a property may fail loudly, and looks at one of many"
)]
#![expect(unreachable_pub, reason = "public for the fuzz targets, which are crates of their own")]

#[path = "../../fuzz/src/lib.rs"]
mod properties;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use properties::Property;

/// Places of a seed that are changed; every place of a short one.
const PLACES_MAX: usize = 48;

fn fuzz() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("fuzz")
}

fn seeds(name: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let folder = fuzz().join("seeds").join(name);
    let files = std::fs::read_dir(&folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    let mut files: Vec<PathBuf> = files.map(|file| file.unwrap().path()).collect();
    files.sort();
    files.into_iter().map(|path| (path.clone(), std::fs::read(path).unwrap())).collect()
}

/// The seed, cut, and with single bits and whole bytes changed.
fn changed(seed: &[u8]) -> Vec<Vec<u8>> {
    let mut all = vec![seed.to_vec(), [seed, b"\0"].concat(), [seed, seed].concat()];
    for at in (0..seed.len()).step_by(seed.len().div_ceil(PLACES_MAX).max(1)) {
        all.push(seed[..at].to_vec());
        for byte in [seed[at] ^ 1, seed[at] ^ 0x20, 0x80, b'"'] {
            let mut other = seed.to_vec();
            other[at] = byte;
            all.push(other);
        }
    }
    all
}

fn holds(name: &str, property: Property) {
    let seeds = seeds(name);
    assert!(seeds.len() >= 3, "{name} has {} seeds", seeds.len());
    for (path, seed) in seeds {
        for input in changed(&seed) {
            let held = catch_unwind(AssertUnwindSafe(|| property(&input)));
            assert!(held.is_ok(), "{}: {:?}", path.display(), String::from_utf8_lossy(&input));
        }
    }
}

#[test]
fn every_property_holds_for_its_seeds() {
    std::thread::scope(|scope| {
        for (name, property) in properties::ALL {
            scope.spawn(move || holds(name, *property));
        }
    });
}

#[test]
fn every_property_has_a_target() {
    let manifest = std::fs::read_to_string(fuzz().join("Cargo.toml")).unwrap();
    let targets: Vec<&str> = manifest
        .split("[[bin]]\nname = \"")
        .skip(1)
        .map(|rest| rest.split('"').next().unwrap())
        .collect();
    let known: Vec<&str> = properties::ALL.iter().map(|(name, _)| *name).collect();
    assert_eq!(targets, known);
}
