//! Bundles as memory has them and as the guest executes them, side by side.
