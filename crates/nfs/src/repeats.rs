//! Calls that come twice.
//!
//! A client that hears no answer sends its call again under the same number, over a new connection where the
//! old one broke. What was done already must not be done again: the second REMOVE would say that there is no
//! such file. So the answers of such calls are kept for a while, for each client, and given again.

use std::{
    collections::{HashMap, VecDeque, hash_map::RandomState},
    hash::BuildHasher as _,
    net::IpAddr,
    sync::{Arc, Mutex, OnceLock, PoisonError},
    time::{Duration, Instant},
};

use crate::record::Reply;

/// How many answers are kept for one client: more than it has calls under way over one connection.
const ANSWERS: usize = 128;
/// For how many clients: the one that was quiet longest is forgotten.
const CLIENTS: usize = 1024;
/// For how long an answer is kept. A client repeats a call after a minute at the latest; one that has started
/// anew since may use the same numbers for other calls.
const KEPT: Duration = Duration::from_secs(120);

/// The answers that are kept.
#[derive(Default)]
pub(crate) struct Repeats {
    clients: Mutex<HashMap<IpAddr, VecDeque<Kept>>>,
    sums: RandomState,
}

struct Kept {
    /// Of the whole call, its number among it.
    sum: u64,
    begun: Instant,
    answer: Arc<OnceLock<Reply>>,
}

impl Repeats {
    /// The answer to a call: `answer` makes it where it is not known yet. Where the first is still under way,
    /// its answer is waited for.
    pub(crate) fn once(
        &self,
        client: IpAddr,
        call: &[u8],
        now: Instant,
        answer: impl FnOnce() -> Reply,
    ) -> Reply {
        self.place(client, self.sums.hash_one(call), now).get_or_init(answer).clone()
    }

    fn place(&self, client: IpAddr, sum: u64, now: Instant) -> Arc<OnceLock<Reply>> {
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        if clients.len() >= CLIENTS && !clients.contains_key(&client) {
            let quiet = clients.iter().min_by_key(|it| it.1.back().map(|last| last.begun));
            if let Some(quiet) = quiet.map(|it| *it.0) {
                clients.remove(&quiet);
            }
        }
        let answers = clients.entry(client).or_default();
        while answers.front().is_some_and(|it| now.saturating_duration_since(it.begun) > KEPT) {
            answers.pop_front();
        }
        if let Some(known) = answers.iter().find(|it| it.sum == sum) {
            return known.answer.clone();
        }
        if answers.len() >= ANSWERS {
            answers.pop_front();
        }
        let answer = Arc::new(OnceLock::new());
        answers.push_back(Kept { sum, begun: now, answer: answer.clone() });
        answer
    }
}

#[cfg(test)]
mod tests {
    use bytes::{Buf as _, Bytes};

    use super::*;

    const CLIENT: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

    fn reply(number: u32) -> Reply {
        Reply::new(|out| {
            out.u32(number);
            Bytes::new()
        })
    }

    /// What is answered where the call, if it is carried out, gives this number.
    fn asked(repeats: &Repeats, client: IpAddr, call: &[u8], now: Instant, number: u32) -> u32 {
        let mut answer = repeats.once(client, call, now, || reply(number)).into_buf();
        answer.advance(4);
        answer.get_u32()
    }

    #[test]
    fn a_call_that_comes_again_is_not_carried_out_again() {
        let (repeats, now) = (Repeats::default(), Instant::now());
        assert_eq!(asked(&repeats, CLIENT, b"remove", now, 1), 1);
        assert_eq!(asked(&repeats, CLIENT, b"remove", now, 2), 1);
        assert_eq!(asked(&repeats, CLIENT, b"rename", now, 3), 3);
        assert_eq!(asked(&repeats, [10, 0, 0, 1].into(), b"remove", now, 4), 4);
        assert_eq!(asked(&repeats, CLIENT, b"remove", now + KEPT, 5), 1);
        let late = now + KEPT + Duration::from_millis(1);
        assert_eq!(asked(&repeats, CLIENT, b"remove", late, 6), 6);
    }

    #[test]
    fn a_call_that_comes_again_waits_for_the_first() {
        let (repeats, now) = (Repeats::default(), Instant::now());
        std::thread::scope(|scope| {
            let (begun, begins) = std::sync::mpsc::channel();
            let (go, goes) = std::sync::mpsc::channel::<()>();
            let first = scope.spawn({
                let repeats = &repeats;
                move || {
                    let answer = || {
                        begun.send(()).unwrap();
                        goes.recv().unwrap();
                        reply(1)
                    };
                    repeats.once(CLIENT, b"remove", now, answer);
                }
            });
            begins.recv().unwrap();
            let second = scope.spawn(|| asked(&repeats, CLIENT, b"remove", now, 2));
            go.send(()).unwrap();
            assert_eq!(second.join().unwrap(), 1);
            first.join().unwrap();
        });
    }

    #[test]
    fn no_more_is_kept_than_there_is_room_for() {
        let (repeats, now) = (Repeats::default(), Instant::now());
        for call in 0..3 * ANSWERS {
            asked(&repeats, CLIENT, &call.to_be_bytes(), now, 0);
        }
        assert_eq!(repeats.clients.lock().unwrap()[&CLIENT].len(), ANSWERS);
        for client in 0..2 * CLIENTS {
            let address = IpAddr::from(u128::try_from(client).unwrap().to_be_bytes());
            let later = now + Duration::from_millis(client.try_into().unwrap());
            asked(&repeats, address, b"remove", later, 0);
        }
        let clients = repeats.clients.lock().unwrap();
        assert_eq!(clients.len(), CLIENTS);
        assert!(!clients.contains_key(&CLIENT), "it was quiet longest");
    }
}
