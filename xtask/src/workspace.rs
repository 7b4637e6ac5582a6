//! Where the workspace is and what it consists of.

use std::path::{Path, PathBuf};

use cargo_metadata::{Metadata, MetadataCommand};

/// The workspace this program belongs to.
pub(crate) struct Workspace {
    root: PathBuf,
    metadata: Metadata,
}

impl Workspace {
    /// Found by cargo, from the manifest of this program or from the current folder.
    pub(crate) fn here() -> Result<Self, String> {
        let mut asked = MetadataCommand::new();
        asked.no_deps();
        if let Some(folder) = std::env::var_os("CARGO_MANIFEST_DIR") {
            asked.current_dir(folder);
        }
        let metadata = asked.exec().map_err(|e| format!("cargo metadata: {e}"))?;
        Ok(Self { root: metadata.workspace_root.clone().into(), metadata })
    }

    /// The folder of the workspace.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// A file or folder, named from the root.
    pub(crate) fn path(&self, relative: &str) -> PathBuf {
        self.root.join(relative)
    }

    /// What cargo says of its members.
    pub(crate) fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    /// Whether a member has a test program of that name.
    pub(crate) fn has_program(&self, name: &str) -> bool {
        let targets = self.metadata.packages.iter().flat_map(|package| &package.targets);
        targets.into_iter().any(|target| target.is_test() && target.name == name)
    }

    /// Where builds and what runs leave behind go.
    pub(crate) fn target(&self) -> &Path {
        self.metadata.target_directory.as_std_path()
    }

    /// The server as it is shipped, where `cargo build --release` puts it.
    pub(crate) fn binary(&self) -> PathBuf {
        self.metadata.target_directory.join("release/counterfoil").into()
    }
}
