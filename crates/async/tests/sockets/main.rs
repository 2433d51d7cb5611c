//! The registered sockets of every cell, from outside.

/// One test for each cell, within a deadline: `name_of_the_test => CELL`.
macro_rules! per_cell {
    ($behaviour:path { $($name:ident => $cell:ident,)* }) => {
        $(
            #[tokio::test]
            async fn $name() {
                crate::fixture::within($behaviour(anysock_core::Cell::$cell)).await;
            }
        )*
    };
}

mod busy;
mod closed;
mod connect;
mod connector;
mod datagram;
mod fixture;
mod interop;
mod listener;
mod peers;
mod registering;
mod seqpacket;
mod stream;
