//! The laws under the interpreter.

#[path = "laws/mod.rs"]
mod laws;

use crate::engine::{Engine, EngineChoice, EngineKind};

fn engine() -> Box<dyn Engine + Send> {
    EngineChoice::from(EngineKind::Interpreter).engine()
}
