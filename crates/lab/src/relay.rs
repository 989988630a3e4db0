//! How a guest reaches the boot listener: QEMU starts this program for each connection of the
//! guest and speaks on its standard streams; we pass the bytes to the run's own socket.

use std::{
    io::{self, Write},
    net::Shutdown,
    os::unix::net::UnixStream,
    path::Path,
    thread,
};

/// Copies between standard streams and a Unix socket until both sides have ended.
///
/// # Errors
/// Where the socket cannot be reached.
pub fn relay(socket: &Path) -> io::Result<()> {
    let mut stream = UnixStream::connect(socket)?;
    let mut answers = stream.try_clone()?;
    let replies = thread::spawn(move || copy(&mut answers, &mut io::stdout().lock()));
    copy(&mut io::stdin().lock(), &mut stream)?;
    // An error means that the listener has closed it already.
    let _ = stream.shutdown(Shutdown::Write);
    replies.join().unwrap_or(Ok(()))
}

/// Copies at once what has come: a request must not wait in a buffer for more.
pub(crate) fn copy(from: &mut impl io::Read, to: &mut impl Write) -> io::Result<()> {
    let mut buffer = vec![0; 64 * 1024];
    loop {
        match from.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(read) => {
                to.write_all(&buffer[..read])?;
                to.flush()?;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}
