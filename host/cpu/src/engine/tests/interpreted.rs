//! The laws under the interpreter.

#[path = "laws/mod.rs"]
mod laws;

use crate::engine::{Engine, EngineKind};

fn engine() -> Box<dyn Engine + Send> {
    EngineKind::Interpreter.engine()
}
