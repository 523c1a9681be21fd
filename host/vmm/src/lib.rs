//! The virtual machine monitor.
//!
//! Its policies are plugins: [`plugins`] finds and loads them, [`policy`] says which of them a virtual machine runs under.

pub mod plugins;
pub mod policy;
