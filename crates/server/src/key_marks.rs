//! Which keys a key file holds, in a form that tells none of them: what nodes compare, because a
//! token that one of them makes must mean something to the others (architecture.md 5.5).

use counterfoil_jose::provider::MacKey;
use counterfoil_protocol::ids::hex;
use serde::{Deserialize, Serialize};

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Marks {
    /// Of the pepper.
    pub pepper: String,
    /// Of the key that wraps signing keys.
    pub wrapping: String,
    /// Of every handle key.
    pub handle: Vec<HandleMark>,
}

/// A handle key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HandleMark {
    /// Its number in handles.
    pub id: u8,
    /// Whether new handles are made with it.
    pub active: bool,
    /// Two keys of one number are told apart by this.
    pub mark: String,
}

/// A check value: half a tag over a constant. Whoever has it can recognise the key and not guess it.
#[must_use]
pub fn mark(key: &[u8]) -> String {
    hex(&MacKey::new(key).tag(&[b"counterfoil key mark 1"])[..16])
}

impl Marks {
    /// Why a node with these keys and another node with `theirs` cannot serve from one store, if they
    /// cannot: handles of one would be unknown to the other, or digests and signing keys unreadable.
    #[must_use]
    pub fn conflict(&self, theirs: &Self) -> Option<String> {
        if self.pepper != theirs.pepper || self.wrapping != theirs.wrapping {
            return Some(
                "it has another key file: pepper and wrapping key must be the same".into(),
            );
        }
        let both = |ours: &HandleMark, id: u8| ours.id == id;
        for their in &theirs.handle {
            match self.handle.iter().find(|ours| both(ours, their.id)) {
                Some(ours) if ours.mark != their.mark => {
                    return Some(format!("its handle key {} is another one", their.id));
                }
                None if their.active => {
                    let id = their.id;
                    return Some(format!("its active handle key {id} is not in our key file"));
                }
                Some(_) | None => {}
            }
        }
        let active = self.handle.iter().find(|ours| ours.active);
        let lacks = |id: u8| !theirs.handle.iter().any(|their| their.id == id);
        active.filter(|ours| lacks(ours.id)).map(|ours| {
            format!(
                "it lacks handle key {}, which is active here: give it to every node first",
                ours.id
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marks(handle: &[(u8, bool, &str)]) -> Marks {
        let one = |(id, active, key): &(u8, bool, &str)| HandleMark {
            id: *id,
            active: *active,
            mark: mark(key.as_bytes()),
        };
        let handle = handle.iter().map(one).collect();
        Marks { pepper: mark(b"p"), wrapping: mark(b"w"), handle }
    }

    #[test]
    fn a_handle_key_is_given_to_every_node_before_one_makes_handles_with_it() {
        let before = marks(&[(1, true, "a")]);
        let announced = marks(&[(1, true, "a"), (2, false, "b")]);
        let turned = marks(&[(1, false, "a"), (2, true, "b")]);
        let after = marks(&[(2, true, "b")]);
        for (one, other) in [(&before, &announced), (&announced, &turned), (&turned, &after)] {
            assert_eq!(one.conflict(other), None);
            assert_eq!(other.conflict(one), None);
        }
        assert!(before.conflict(&turned).unwrap().contains("active handle key 2 is not in our"));
        assert!(turned.conflict(&before).unwrap().contains("it lacks handle key 2"));
        assert!(after.conflict(&announced).unwrap().contains("active handle key 1"), "too early");
    }

    #[test]
    fn other_keys_are_told_apart() {
        let ours = marks(&[(1, true, "a")]);
        assert!(ours.conflict(&marks(&[(1, true, "x")])).unwrap().contains("another one"));
        let theirs = Marks { wrapping: mark(b"x"), ..ours.clone() };
        assert!(ours.conflict(&theirs).unwrap().contains("another key file"));
    }
}
