//! A small set, as bits, whose items have names: its algebra, and how it is shown.

/// Makes a set of `$set`, a tuple of one integer that has a table `NAMES` of its single items.
macro_rules! set {
    ($set:ident) => {
        impl $set {
            /// The empty set.
            pub const NONE: Self = Self(0);

            /// Both sets together; the `const` form of `|`.
            pub const fn with(self, other: Self) -> Self {
                Self(self.0 | other.0)
            }

            /// This set less the other; the `const` form of `-`.
            pub const fn without(self, other: Self) -> Self {
                Self(self.0 & !other.0)
            }

            /// Whether all of `other` is in this set.
            pub const fn contains(self, other: Self) -> bool {
                self.0 & other.0 == other.0
            }

            /// Whether nothing is in this set.
            pub const fn is_empty(self) -> bool {
                self.0 == 0
            }

            /// The single items of this set, with their names.
            pub fn iter(self) -> impl Iterator<Item = (Self, &'static str)> {
                Self::NAMES.into_iter().filter(move |(one, _)| self.contains(*one))
            }
        }

        impl std::ops::BitOr for $set {
            type Output = Self;
            fn bitor(self, other: Self) -> Self {
                self.with(other)
            }
        }

        impl std::ops::Sub for $set {
            type Output = Self;
            fn sub(self, other: Self) -> Self {
                self.without(other)
            }
        }

        impl std::fmt::Display for $set {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                if self.is_empty() {
                    return f.pad("none");
                }
                let names: Vec<_> = self.iter().map(|(_, name)| name).collect();
                f.pad(&names.join(", "))
            }
        }

        impl std::fmt::Debug for $set {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, "{}({self})", stringify!($set))
            }
        }
    };
}

pub(crate) use set;
