//! What a suite can reach of us: Unix sockets, each bound into its sandbox.
//!
//! Their names can be read by everybody on the host, so it is the caller's user id that admits: only
//! what runs in the sandbox has one of its ids.

use std::{
    fs, io,
    os::unix::{
        fs::PermissionsExt as _,
        net::{UnixListener, UnixStream},
    },
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread::{self, JoinHandle},
};

use nix::sys::socket::{getsockopt, sockopt::PeerCredentials};

/// How many callers are served at once: a robot has one or two, and each costs a thread of the server.
const MOST: usize = 16;

/// A socket that is served. Dropped, nobody comes in any more.
pub(crate) struct Door {
    path: PathBuf,
    closed: Arc<AtomicBool>,
    accepting: Option<JoinHandle<()>>,
}

impl Door {
    /// Serves each caller whom `admits` lets in by user id, on a thread of its own.
    pub(crate) fn open(
        path: &Path,
        admits: impl Fn(u32) -> bool + Send + 'static,
        serve: impl Fn(UnixStream) + Send + Sync + 'static,
    ) -> io::Result<Self> {
        let listener = UnixListener::bind(path)?;
        // Writing is what connecting takes (unix(7)).
        fs::set_permissions(path, fs::Permissions::from_mode(0o666))?;
        let closed = Arc::new(AtomicBool::new(false));
        let (shut, serve) = (closed.clone(), Arc::new(serve));
        let inside = Arc::new(AtomicUsize::new(0));
        let accepting = thread::spawn(move || {
            for caller in listener.incoming() {
                if shut.load(Ordering::Acquire) {
                    return;
                }
                let Ok(caller) = caller else { continue };
                let known = getsockopt(&caller, PeerCredentials).is_ok_and(|it| admits(it.uid()));
                if known && inside.load(Ordering::Acquire) < MOST {
                    inside.fetch_add(1, Ordering::AcqRel);
                    let (serve, inside) = (serve.clone(), inside.clone());
                    thread::spawn(move || {
                        serve(caller);
                        inside.fetch_sub(1, Ordering::AcqRel);
                    });
                }
            }
        });
        Ok(Self { path: path.to_owned(), closed, accepting: Some(accepting) })
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        self.closed.store(true, Ordering::Release);
        // Who waits for the next caller is woken by one.
        let woken = UnixStream::connect(&self.path).is_ok();
        if let Some(accepting) = self.accepting.take().filter(|_| woken) {
            // An error means that it panicked: it accepts nobody either.
            let _ = accepting.join();
        }
    }
}
