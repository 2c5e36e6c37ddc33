//! [`Shared`]: data that many components show and one place changes.

use core::ops::Deref;
use std::rc::Rc;

/// A counted pointer whose equality is identity: comparing two is one comparison of addresses, never a walk through the
/// data. A component whose slices compare equal is not rendered again.
#[derive(Debug, Default)]
pub struct Shared<T>(Rc<T>);

impl<T> Shared<T> {
    /// Shares `value`.
    pub fn new(value: T) -> Self {
        Self(Rc::new(value))
    }
}

impl<T: Clone> Shared<T> {
    /// To change it. What was handed out before stays as it was, so the data is copied when somebody still holds it:
    /// keep big tables in pieces.
    pub fn edit(&mut self) -> &mut T {
        Rc::make_mut(&mut self.0)
    }
}

impl<T> Clone for Shared<T> {
    fn clone(&self) -> Self {
        Self(Rc::clone(&self.0))
    }
}

impl<T> PartialEq for Shared<T> {
    fn eq(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }
}

impl<T> Deref for Shared<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_edit_is_seen_as_a_change_and_leaves_older_copies_alone() {
        let mut new = Shared::new(1);
        let old = new.clone();
        assert_eq!(old, new);
        *new.edit() = 2;
        assert!(old != new);
        assert_eq!((*old, *new), (1, 2));
    }
}
