//! `patchbay bench`: measures strategies of virtualization against each other.
//!
//! A [`plan::Plan`] names guests and [`strategy::Strategy`]s. [`schedule`] runs them in interleaved rounds, each run a
//! process of its own ([`run`]), and writes a [`record::Record`] a run. [`summary`] turns records into medians,
//! intervals and sentences ([`statistics`]), [`report`] and [`pictures`] into files that people read.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    reason = "pixels, rounds and counts of strategies are small"
)]

pub mod compare;
pub mod counters;
pub mod merge;
pub mod pictures;
pub mod plan;
pub mod profile;
pub mod provenance;
pub mod record;
pub mod report;
pub mod run;
pub mod schedule;
pub mod search;
pub mod statistics;
pub mod strategy;
pub mod summary;
pub mod table;

use std::path::{Path, PathBuf};

use patchbay_machine::guest::Guest;

/// What a benchmark needs to know of the command that it is part of.
pub struct Command<'a> {
    /// The command's file, which is started for each run.
    pub file: PathBuf,
    /// Its version.
    pub version: &'a str,
    /// Finds a guest by name, or by a file relative to a directory.
    pub find: &'a dyn Fn(&str, &Path) -> Result<Guest, String>,
}
