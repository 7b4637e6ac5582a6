//! Where a target starts: the files of `fuzz/seeds/NAME`, and the words in them.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Where what was learned is kept, where the seeds are, and the words.
pub(super) struct Start {
    pub(super) corpus: PathBuf,
    pub(super) seeds: PathBuf,
    pub(super) words: PathBuf,
    /// For inputs that break a promise.
    pub(super) artifacts: PathBuf,
}

impl Start {
    /// Makes what is not there yet.
    pub(super) fn of(root: &Path, name: &str) -> Result<Self, String> {
        let start = Self {
            corpus: root.join("fuzz/corpus").join(name),
            seeds: root.join("fuzz/seeds").join(name),
            artifacts: root.join("fuzz/artifacts").join(name),
            words: root.join("fuzz/corpus").join(format!("{name}.dict")),
        };
        start.make().map_err(|e| format!("{}: {e}", start.seeds.display()))?;
        Ok(start)
    }

    /// Without a sanitizer a target does not see which text it is compared with, so it is told the
    /// words.
    fn make(&self) -> std::io::Result<()> {
        fs::create_dir_all(&self.corpus)?;
        fs::create_dir_all(&self.artifacts)?;
        let mut words = BTreeSet::new();
        for file in fs::read_dir(&self.seeds)? {
            words.extend(words_of(&fs::read(file?.path())?));
        }
        let lines: String = words.iter().map(|word| format!("\"{word}\"\n")).collect();
        fs::write(&self.words, lines)
    }
}

/// Words of a seed that is text, of a length that somebody compares with.
fn words_of(seed: &[u8]) -> BTreeSet<String> {
    const LEN: std::ops::RangeInclusive<usize> = 2..=40;
    let text = str::from_utf8(seed).unwrap_or_default();
    let is_word = |c: char| c.is_ascii_alphanumeric() || "_-+.#/".contains(c);
    let words = text.split(move |c| !is_word(c));
    words.filter(|word| LEN.contains(&word.len())).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_the_seeds_are_kept_and_the_rest_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let seeds = folder.path().join("fuzz/seeds/jws");
        fs::create_dir_all(&seeds).unwrap();
        fs::write(seeds.join("01"), "{\"alg\":\"ES256\",x}").unwrap();
        fs::write(seeds.join("02"), [0xff, b'a', b'b']).unwrap();
        let start = Start::of(folder.path(), "jws").unwrap();
        assert!(start.corpus.is_dir());
        assert_eq!(fs::read_to_string(start.words).unwrap(), "\"ES256\"\n\"alg\"\n");
        assert!(Start::of(folder.path(), "none").is_err());
    }
}
