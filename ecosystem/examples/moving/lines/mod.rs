//! The program in both forms.

pub(crate) mod after;
pub(crate) mod before;
