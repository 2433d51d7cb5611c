//! What Linux and tokio do, one test for each fact that the library is built on;
//! `docs/KERNEL-TESTS.md` is the map.

/// One test for each cell: `name_of_the_test => CELL`.
macro_rules! per_cell {
    ($fact:path { $($name:ident => $cell:ident,)* }) => {
        $(
            #[test]
            fn $name() {
                $fact(anysock_core::Cell::$cell);
            }
        )*
    };
}

mod accepting;
mod budget;
mod credentials;
mod datagrams;
mod descriptors;
mod document;
mod ends;
mod events;
mod gone;
mod killed;
#[path = "../support/lacking.rs"]
mod lacking;
#[path = "../support/limits.rs"]
mod limits;
mod multipath;
mod near;
mod opening;
mod paths;
mod process;
mod raw;
mod reset;
mod shared;
mod shortage;
mod shortfall;
mod sigpipe;
mod tokio_events;
mod traps;
mod watchdog;
