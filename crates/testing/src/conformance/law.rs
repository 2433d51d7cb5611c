//! The eleven laws that every transport keeps.

use std::fmt;

/// One of the laws of a transport. The kit checks each of them.
///
/// ```
/// use anysock_testing::conformance::Law;
///
/// assert_eq!(Law::ALL.len(), 11);
/// assert_eq!(Law::End.to_string(), "law 4, end");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Law {
    /// One message sent is one message received, byte for byte.
    Boundaries,
    /// A message is accepted whole or refused whole.
    Whole,
    /// An empty message is a message, never the end.
    Empty,
    /// The end is told from a break, and comes after the last message.
    End,
    /// What is promised is kept.
    Guarantees,
    /// What was accepted leaves, without being asked twice.
    Flush,
    /// Memory is bounded, whatever the peer does.
    Bounded,
    /// Any future may be dropped at any point.
    CancelSafe,
    /// Errors are typed, and say truthfully whether the transport survives.
    Errors,
    /// No transport starves or wedges its neighbours.
    Fair,
    /// The halves never wait for each other.
    Halves,
}

impl Law {
    /// All of them, in order.
    pub const ALL: [Self; 11] = [
        Self::Boundaries,
        Self::Whole,
        Self::Empty,
        Self::End,
        Self::Guarantees,
        Self::Flush,
        Self::Bounded,
        Self::CancelSafe,
        Self::Errors,
        Self::Fair,
        Self::Halves,
    ];

    /// Its number, 1 to 11.
    pub const fn number(self) -> usize {
        self as usize + 1
    }

    /// Its name, in a word or two.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Boundaries => "boundaries",
            Self::Whole => "whole",
            Self::Empty => "empty",
            Self::End => "end",
            Self::Guarantees => "guarantees",
            Self::Flush => "flush",
            Self::Bounded => "bounded",
            Self::CancelSafe => "cancel safe",
            Self::Errors => "errors",
            Self::Fair => "fair",
            Self::Halves => "halves",
        }
    }
}

impl fmt::Display for Law {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "law {}, {}", self.number(), self.name())
    }
}
