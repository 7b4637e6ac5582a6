# One cargo or xtask call each; `just --list` shows them.

# Everything that guards the project.
check *options:
    cargo xtask check {{options}}

# Unit tests, tables, decisions, stores, simulation: no network, no service.
test *options:
    cargo test --workspace {{options}}

# The simulator with many seeds.
sim seeds="5000":
    cargo xtask sim --seeds {{seeds}}

# A sandbox from the sources as they are.
dev *options:
    cargo run -- sandbox {{options}}
