//! Emulation routines: which class has which number, and which routine that number leads to.

pub mod class_ids;
pub mod database;
pub mod map;
pub mod services;
