//! Sites, patches and the code view: what a guest executes in place of the instructions that must be emulated.
//!
//! ```text
//!            meets                 place                    place again: another kind or class
//!  (fault) ────────► PatchSite ──────────► patched ◄──────────────────────────────────────┐
//!                       ▲  ▲                 │  └──────────────────────────────────────────┘
//!                       │  └── remove ───────┤
//!                       └── the bundle in memory is another one at the next decode: dropped, counted
//! ```

pub mod bundle;
pub mod code_view;
pub mod listing;
pub mod patch;
pub mod retrigger;
pub mod site;
pub mod site_cache;
pub mod site_list;
pub mod sites;
pub mod survey;
pub mod trigger;
pub mod window;

#[cfg(test)]
mod tests;
