//! What holds under every engine: [`laws`](interpreted::laws), compiled once for each.

mod interpreted;
#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
mod translated;
