//! Machines boot over real networks: DHCP, TFTP, HTTP, iPXE, our scripts, a kernel, a login prompt.
//!
//! Each boot has a network namespace with a bridge, a DHCP server and our server in it, and a machine of QEMU.
//! Nothing of it touches the host's own network.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on fails")]

mod boots;
mod installation;
mod machine;
mod namespace;
mod network;
mod process;

use std::{
    collections::VecDeque,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Mutex,
    thread,
    time::Instant,
};

use self::installation::Installation;

/// How many machines are on at once: each keeps a core busy.
const AT_ONCE: usize = 2;

#[test]
fn machines_boot_over_networks_of_their_own() {
    let begun = Instant::now();
    let installation = Installation::build();
    println!("the release was built and deployed in {:.1} s", begun.elapsed().as_secs_f64());
    let waiting = Mutex::new(VecDeque::from(boots::ALL.to_vec()));
    let failed = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                loop {
                    let next = waiting.lock().unwrap().pop_front();
                    let Some((name, boot)) = next else { return };
                    let begun = Instant::now();
                    let times = catch_unwind(AssertUnwindSafe(|| boot(&installation)));
                    let times = times.unwrap_or_else(|_| {
                        failed.lock().unwrap().push(name);
                        " FAILED".to_owned()
                    });
                    println!("{:>7.1} s  {name}:{times}", begun.elapsed().as_secs_f64());
                }
            });
        }
    });
    let failed = failed.into_inner().unwrap();
    assert!(failed.is_empty(), "{failed:?}");
    println!("all in {:.1} s", begun.elapsed().as_secs_f64());
}
