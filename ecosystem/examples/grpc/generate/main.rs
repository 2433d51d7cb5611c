//! Writes `words.rs` from `words.proto`, without protoc: `generate DIRECTORY`.
//!
//! ```text
//! cd ecosystem/examples/grpc && cargo run --locked --manifest-path generate/Cargo.toml -- .
//! ```

use std::path::Path;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let directory = std::env::args_os().nth(1).ok_or("usage: generate DIRECTORY")?;
    let scratch = std::env::temp_dir().join(format!("anysock-generate-{}", std::process::id()));
    std::fs::create_dir(&scratch)?;
    let written = write(Path::new(&directory), &scratch);
    std::fs::remove_dir_all(&scratch)?;
    written
}

/// The generator names its file after the package; we, after the `.proto`.
fn write(directory: &Path, scratch: &Path) -> Result<(), Box<dyn std::error::Error>> {
    let descriptors = protox::compile(["words.proto"], [directory])?;
    tonic_prost_build::configure().out_dir(scratch).compile_fds(descriptors)?;
    std::fs::copy(scratch.join("anysock.words.rs"), directory.join("words.rs"))?;
    Ok(())
}
