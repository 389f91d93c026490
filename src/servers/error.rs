//! Why a server could not start or go on, and what the operator can do about it.

use std::io::{self, ErrorKind};

/// A failure that ends a server until it is tried again.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// A socket could not be had.
    #[error("cannot listen on {socket}: {source}")]
    Bind {
        /// `UDP port 67 of br0`.
        socket: String,
        /// The system's answer.
        source: io::Error,
    },
    /// A socket that worked broke.
    #[error("{doing}: {source}")]
    Io {
        /// `receiving on UDP port 67 of br0`.
        doing: String,
        /// The system's answer.
        source: io::Error,
    },
}

impl ServerError {
    /// A failure to listen on `socket`, for `map_err`.
    pub fn bind(socket: impl Into<String>) -> impl FnOnce(io::Error) -> ServerError {
        let socket = socket.into();
        move |source| ServerError::Bind { socket, source }
    }

    /// A failure while `doing`, for `map_err`.
    pub fn io(doing: impl Into<String>) -> impl FnOnce(io::Error) -> ServerError {
        let doing = doing.into();
        move |source| ServerError::Io { doing, source }
    }

    /// What the operator can do.
    pub fn next_step(&self) -> String {
        let (ServerError::Bind { source, .. } | ServerError::Io { source, .. }) = self;
        match source.kind() {
            ErrorKind::AddrInUse => "another program has that port: find it with `ss -tulpn` and stop it".to_owned(),
            ErrorKind::PermissionDenied => {
                "run as root, or once: setcap cap_net_bind_service,cap_net_raw,cap_net_admin+ep pxelator".to_owned()
            }
            ErrorKind::AddrNotAvailable => {
                "give the interface the address that names the segment's folder, or rename the folder".to_owned()
            }
            _ if source.raw_os_error() == Some(nix::errno::Errno::ENODEV as i32) => {
                "the interface is not there: see `ip link`, or correct the segment's `interface` file".to_owned()
            }
            _ => "it is tried again by itself".to_owned(),
        }
    }
}
