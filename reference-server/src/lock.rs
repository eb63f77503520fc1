//! Locking without the poison of a panic elsewhere: no critical section here leaves a value half changed.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Locks, whatever happened to earlier holders.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
