//! When a suite's machine came to which stage of its boot, as its console says: found out while the
//! suite runs, whoever else looks at the console.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use domain::time::Clock;

use crate::{
    boot::{LOGIN, STAGE_INIT, STAGE_ROOTFS},
    console::{Escapes, Marks},
    scrollback::Scrollback,
    stages::ConsoleTimes,
};

/// How often a silent console asks whether the run is over.
const TICK: Duration = Duration::from_millis(250);
/// How much is looked at once, in bytes.
const PIECE: usize = 64 * 1024;

/// Who watches a console for its stages.
pub(super) struct Watch {
    over: Arc<AtomicBool>,
    watching: JoinHandle<ConsoleTimes>,
}

impl Watch {
    /// Watches from now on.
    pub(super) fn over(console: Arc<Scrollback>, clock: Arc<dyn Clock>) -> Self {
        let over = Arc::new(AtomicBool::new(false));
        let ends = over.clone();
        let watching = thread::spawn(move || watch(&console, &*clock, &ends));
        Self { over, watching }
    }

    /// What was seen first of each stage, once the machine is off.
    pub(super) fn end(self) -> ConsoleTimes {
        self.over.store(true, Ordering::Release);
        // An error means that it panicked: then nobody has seen anything.
        self.watching.join().unwrap_or_default()
    }
}

fn watch(console: &Scrollback, clock: &dyn Clock, over: &AtomicBool) -> ConsoleTimes {
    let mut marks = Marks::of(&[STAGE_ROOTFS, STAGE_INIT, LOGIN]);
    let mut escapes = Escapes::default();
    let (mut from, mut text) = (0, String::new());
    loop {
        // Asked before: what is written until then is looked at.
        let last = over.load(Ordering::Acquire);
        let part = console.read(from, PIECE);
        from = part.end();
        if part.bytes.is_empty() {
            if last {
                break;
            }
            console.wait_for(from + 1, TICK);
            continue;
        }
        text.push_str(&String::from_utf8_lossy(&escapes.strip(&part.bytes)));
        marks.look_at(&text, clock.now());
        text.drain(..Marks::look_from(&text, text.len()));
    }
    ConsoleTimes {
        rootfs: marks.at(STAGE_ROOTFS),
        init: marks.at(STAGE_INIT),
        login: marks.at(LOGIN),
        shell: None,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicI64;

    use domain::time::Timestamp;

    use super::*;

    /// Each look at it is one later.
    #[derive(Default)]
    struct Counting(AtomicI64);

    impl Clock for Counting {
        fn now(&self) -> Timestamp {
            Timestamp(self.0.fetch_add(1, Ordering::Relaxed))
        }
    }

    #[test]
    fn the_first_time_of_each_stage_is_kept_however_its_line_comes() {
        let console = Arc::new(Scrollback::default());
        console.append(b"\x1b[2Jbootwright: sta");
        let watch = Watch::over(console.clone(), Arc::new(Counting::default()));
        console.append(b"ge rootfs\r\nrootfs-v1 \x1b[1mlogin: root\r\nrootfs-v1 login:");
        let times = watch.end();
        assert!(times.rootfs.is_some() && times.login.is_some(), "{times:?}");
        assert_eq!((times.init, times.shell), (None, None));
        assert!(times.login <= Some(Timestamp(1)), "the first is kept: {times:?}");
    }
}
