//! One call and its answer: which program it is for, and whether it has been answered before.

use std::{
    fmt, io,
    net::IpAddr,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    time::Instant,
};

use bytes::Bytes;

use crate::{
    Exports, HandleKey, Observer,
    connections::Limits,
    mount::{self, Mounts},
    nfs3::{self, Request, Service, access_lists},
    observer::Nobody,
    portmap,
    record::Reply,
    repeats::Repeats,
    rpc::{self, Call, NoCall, Refusal},
    xdr::Writer,
};

/// What a server needs.
pub struct ServerOptions {
    /// By which handles are known.
    pub key: HandleKey,
    /// What can be mounted.
    pub exports: Arc<dyn Exports>,
    /// Who is told of mounts and reads.
    pub observer: Option<Arc<dyn Observer>>,
    /// What is put up with.
    pub limits: Limits,
}

/// A server of portmap, MOUNT, NFS and NFSACL, all on one port.
pub struct Server {
    service: Service,
    mounts: Mounts,
    repeats: Repeats,
    pub(crate) limits: Limits,
}

impl fmt::Debug for Server {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Server").field("limits", &self.limits).finish_non_exhaustive()
    }
}

impl Server {
    /// Makes a server; what clients wrote to another one before and did not commit, they write again.
    ///
    /// # Errors
    /// Where the system has no random bytes.
    pub fn new(options: ServerOptions) -> io::Result<Self> {
        let mut verifier = [0; 8];
        getrandom::fill(&mut verifier)?;
        let ServerOptions { key, exports, observer, limits } = options;
        let observer = observer.unwrap_or_else(|| Arc::new(Nobody));
        let service = Service { key, exports, observer, verifier };
        Ok(Self { service, mounts: Mounts::default(), repeats: Repeats::default(), limits })
    }

    /// Answers a call, which is a record without its heads; `None` where it is none, so that a client that sends
    /// it is best left. `port` is the one that the call came to.
    ///
    /// Blocks for as long as the export does.
    #[must_use]
    pub fn answer(&self, client: IpAddr, port: u16, call: &[u8]) -> Option<Reply> {
        let parsed = match Call::parse(call) {
            Ok(parsed) => parsed,
            Err(NoCall::Nonsense) => return None,
            Err(NoCall::Refused { xid, why }) => return Some(refused(xid, why)),
        };
        let xid = parsed.xid;
        let answered = catch_unwind(AssertUnwindSafe(|| self.run(client, port, call, &parsed)));
        let answered = answered.unwrap_or_else(|_| {
            let (program, procedure) = (parsed.program, parsed.procedure);
            tracing::error!(%client, program, procedure, "the answer to a call over NFS failed");
            Err(Refusal::Broken)
        });
        Some(answered.unwrap_or_else(|why| refused(xid, why)))
    }

    fn run(
        &self,
        client: IpAddr,
        port: u16,
        record: &[u8],
        call: &Call<'_>,
    ) -> Result<Reply, Refusal> {
        let version = |ours| {
            if call.version == ours { Ok(()) } else { Err(Refusal::OtherVersion(ours)) }
        };
        match call.program {
            nfs3::PROGRAM => {
                version(nfs3::VERSION)?;
                let request = Request::parse(call.procedure, call.arguments)?;
                let answer = || {
                    let caller = call.caller(client);
                    Reply::new(|out| {
                        rpc::accept(call.xid, out);
                        self.service.answer(&caller, &request, out)
                    })
                };
                if !request.once_only() {
                    return Ok(answer());
                }
                Ok(self.repeats.once(client, record, Instant::now(), answer))
            }
            access_lists::PROGRAM => {
                version(access_lists::VERSION)?;
                let caller = call.caller(client);
                whole(call, |out| {
                    self.service.access_lists(&caller, call.procedure, call.arguments, out)
                })
            }
            mount::PROGRAM => {
                version(mount::VERSION)?;
                whole(call, |out| {
                    let (service, procedure) = (&self.service, call.procedure);
                    self.mounts.answer(service, client, procedure, call.arguments, out)
                })
            }
            portmap::PROGRAM => {
                version(portmap::VERSION)?;
                whole(call, |out| portmap::answer(call.procedure, call.arguments, port, out))
            }
            _ => Err(Refusal::NoProgram),
        }
    }
}

/// A reply unless it is refused in the middle.
fn whole(
    call: &Call<'_>,
    write: impl FnOnce(&mut Writer) -> Result<(), Refusal>,
) -> Result<Reply, Refusal> {
    let mut written = Ok(());
    let reply = Reply::new(|out| {
        rpc::accept(call.xid, out);
        written = write(out);
        Bytes::new()
    });
    written.map(|()| reply)
}

fn refused(xid: u32, why: Refusal) -> Reply {
    tracing::debug!(?why, "a call over NFS was refused");
    Reply::new(|out| {
        rpc::refuse(xid, why, out);
        Bytes::new()
    })
}

/// About how many bytes the answer to a call may get, from its arguments alone.
pub(crate) fn longest_answer(call: &[u8]) -> usize {
    /// What else there is in an answer: attributes, or where a link leads.
    const OTHER: usize = 4096;
    let wanted = match Call::parse(call) {
        Ok(call) if call.program == nfs3::PROGRAM => {
            Request::parse(call.procedure, call.arguments).map_or(0, |it| it.wanted())
        }
        _ => 0,
    };
    wanted + OTHER
}
