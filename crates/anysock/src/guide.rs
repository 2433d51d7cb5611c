//! The programs of the READMEs and of the guide in `docs/`, compiled and run.

macro_rules! pages {
    ($($(#[$when:meta])? $name:ident = $path:literal,)*) => {
        $($(#[$when])? #[doc = include_str!($path)] struct $name;)*
    };
}

pages! {
    Readme = "../../../README.md",
    OfCrate = "../README.md",
    Cells = "../../../docs/CELLS.md",
    Descriptors = "../../../docs/DESCRIPTORS.md",
    Endpoints = "../../../docs/ENDPOINTS.md",
    Errors = "../../../docs/ERRORS.md",
    #[cfg(feature = "tokio-util")]
    Framing = "../../../docs/FRAMING.md",
    Inherited = "../../../docs/INHERITED.md",
    Lifecycle = "../../../docs/LIFECYCLE.md",
    Limits = "../../../docs/LIMITS.md",
    Messages = "../../../docs/MESSAGES.md",
    Options = "../../../docs/OPTIONS.md",
    Peers = "../../../docs/PEERS.md",
    Reconnecting = "../../../docs/RECONNECTING.md",
    Service = "../../../docs/SERVICE.md",
    Shutdown = "../../../docs/SHUTDOWN.md",
    Testing = "../../../docs/TESTING.md",
}
