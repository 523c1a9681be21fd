//! The laws under the translator, which compiles every block before it executes it for the first time.

#[expect(clippy::duplicate_mod, reason = "the same laws for another engine")]
#[path = "laws/mod.rs"]
mod laws;

use crate::engine::Engine;
use crate::engine::translator::Translator;

fn engine() -> Box<dyn Engine + Send> {
    Box::new(Translator::with_threshold(1))
}
