//! Sockets that keep message boundaries, one way.
