//! What a node says of itself in the store, for the others to read. Others may be of another version:
//! what is not known is passed over.

use std::collections::BTreeSet;

use counterfoil_protocol::ids::Kid;
use serde::{Deserialize, Serialize};

use crate::key_marks::Marks;

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Said {
    /// The keys of its key file.
    pub(super) keys: Marks,
    /// The signing keys it has loaded that do not sign yet.
    #[serde(default)]
    pub(super) waiting: BTreeSet<Kid>,
}

impl Said {
    pub(super) fn write(&self) -> Vec<u8> {
        // Cannot fail: texts and lists of texts.
        serde_json::to_vec(self).unwrap_or_default()
    }

    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        serde_json::from_slice(bytes).ok()
    }
}
