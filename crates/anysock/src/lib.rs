//! Any socket, one way to send and receive messages.
