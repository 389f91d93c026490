//! Programs that end with the test.

use super::{SOON, Segment, wait_for};
use std::{
    fs,
    net::{SocketAddr, TcpStream},
    process::{Child, Command, Stdio},
};

/// A program that ends with its owner.
pub struct Running(Child);

impl Running {
    /// Starts one that nobody listens to.
    pub fn start(command: &mut Command) -> Running {
        command.stdout(Stdio::null()).stderr(Stdio::null());
        Running::spawn(command)
    }

    /// Starts one whose words go where `command` has them go.
    pub fn spawn(command: &mut Command) -> Running {
        Running(command.stdin(Stdio::null()).spawn().unwrap())
    }

    /// Starts a server in the segment's namespace, and waits until it takes connections on this port of loopback. Its errors are in
    /// the segment's folder: `saidPORT`.
    pub fn listening(segment: &Segment, command: &mut Command, port: u16) -> Running {
        let said = fs::File::create(segment.folder.path().join(format!("said{port}"))).unwrap();
        let server = Running::spawn(command.stdout(Stdio::null()).stderr(said));
        let address: SocketAddr = ([127, 0, 0, 1], port).into();
        wait_for("a server that listens", SOON, || segment.inside(|| TcpStream::connect(address)).ok());
        server
    }

    /// Its process, for what else is done with it.
    pub fn child(&mut self) -> &mut Child {
        &mut self.0
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
