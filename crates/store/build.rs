//! Compiles the store again when a migration is added: the compiler only knows those it embedded.

fn main() {
    println!("cargo::rerun-if-changed=../../migrations");
}
