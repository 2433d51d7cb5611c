//! Descriptors and credentials beside messages: each with its own, none lost, none left open.

/// One test for each unix cell of a function that takes the cell, named `function::unix_stream` and
/// so on.
macro_rules! over_the_unix_cells {
    ($($function:ident),* $(,)?) => {$(
        mod $function {
            #[test]
            fn unix_stream() {
                super::$function(anysock_core::Cell::UNIX_STREAM);
            }
            #[test]
            fn unix_seqpacket() {
                super::$function(anysock_core::Cell::UNIX_SEQPACKET);
            }
            #[test]
            fn unix_datagram() {
                super::$function(anysock_core::Cell::UNIX_DATAGRAM);
            }
        }
    )*};
}

mod alone;
mod cells;
mod counts;
mod credentials;
mod dropped;
mod hoarding;
#[path = "../support/lacking.rs"]
mod lacking;
#[path = "../support/limits.rs"]
mod limits;
mod raw;
mod reads;
mod refused;
mod shortage;
mod sips;
mod splits;
mod tokens;
