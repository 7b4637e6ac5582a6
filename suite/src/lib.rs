//! Tests that see several crates. See the folders beside this one.
