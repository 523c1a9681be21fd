//! Sites: instructions that have faulted, and the triggers that take their place.

pub mod bundle;
pub(crate) mod origins;
mod overlay;
mod shown;
pub mod site;
pub mod site_cache;
pub mod sites;
#[cfg(test)]
mod tests;
pub mod trigger;
