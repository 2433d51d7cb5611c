//! The state of connections: what is counted, what the kernel tells, and when a peer is gone.

/// One test for each endpoint, within a deadline: `name_of_the_test => "endpoint"`.
macro_rules! per_endpoint {
    ($behaviour:path { $($name:ident => $endpoint:literal,)* }) => {
        $(
            #[tokio::test]
            async fn $name() {
                crate::links::within($behaviour($endpoint)).await;
            }
        )*
    };
}

mod aborted;
mod gone;
mod halves;
mod kernel;
#[path = "../support/lacking.rs"]
mod lacking;
mod links;
mod stats;
mod traced;
