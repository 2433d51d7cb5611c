//! How an operation may end.

use std::io;

/// With a message.
pub(crate) fn receives(received: io::Result<Option<usize>>) -> Result<(), String> {
    match received {
        Ok(Some(_)) => Ok(()),
        Ok(None) => Err("the end came before the message".into()),
        Err(error) => Err(error.to_string()),
    }
}

/// With the end.
pub(crate) fn ends_receiving(received: io::Result<Option<usize>>) -> Result<(), String> {
    match received {
        Ok(None) => Ok(()),
        Ok(Some(length)) => Err(format!("{length} bytes came before the end")),
        Err(error) => Err(error.to_string()),
    }
}

/// Because it is done.
pub(crate) fn is_done<T>(result: io::Result<T>) -> Result<(), String> {
    result.map(drop).map_err(|error| error.to_string())
}

/// With an error, whichever.
pub(crate) fn fails<T>(result: io::Result<T>) -> Result<(), String> {
    match result {
        Err(_) => Ok(()),
        Ok(_) => Err("it went well, and was to fail".into()),
    }
}
