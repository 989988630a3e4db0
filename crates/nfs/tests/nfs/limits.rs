//! What a client may not do to others, and how the server ends.

use std::{
    io::{Read as _, Write as _},
    sync::Arc,
    time::{Duration, Instant},
};

use nfs::Limits;
use nfs3_types::{nfs3::READ3args, xdr_codec::Void};

use crate::{
    World,
    change::{filled, write},
    client::{Client, NFS, call, record, reply},
    look::attributes,
    memory::Paths,
};

fn world(limits: Limits) -> World {
    World::with(Arc::new(Paths::new()), limits)
}

#[test]
fn one_address_has_so_many_connections() {
    let world = world(Limits { of_one: 3, ..Limits::default() });
    let mut clients: Vec<Client> = (0..3).map(|_| world.client()).collect();
    for client in &mut clients {
        let Void = client.results(NFS, 0, &Void);
    }
    assert!(world.client().ended(), "there is no place for a fourth");
    drop(clients.pop());
    // The place is free once the server has seen that the third has gone.
    until_there_is_a_place(&world);
    let Void = clients[0].results(NFS, 0, &Void);
}

#[test]
fn all_together_have_so_many_connections() {
    let world = world(Limits { connections: 1, ..Limits::default() });
    let mut client = world.client();
    let Void = client.results(NFS, 0, &Void);
    assert!(world.client().ended());
    let Void = client.results(NFS, 0, &Void);
}

/// Waits until a client that connects is answered.
fn until_there_is_a_place(world: &World) {
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(20) {
        let mut client = world.client();
        let bytes = record(&call(1, NFS, 0, &client.credential, &Void));
        let sent = client.stream.write_all(&bytes);
        if sent.and_then(|()| client.stream.read_exact(&mut [0; 4])).is_ok() {
            return;
        }
    }
    panic!("there is no place");
}

#[test]
fn a_call_that_does_not_go_on_ends_the_connection() {
    let world = world(Limits { call: Duration::from_millis(100), ..Limits::default() });
    let mut patient = world.client();
    let whole = record(&call(1, NFS, 0, &patient.credential, &Void));
    for length in [1, 4, 5, whole.len() - 1] {
        let mut slow = world.client();
        slow.stream.write_all(&whole[..length]).unwrap();
        assert!(slow.ended(), "after {length} bytes");
    }
    // Who has not begun one may wait.
    let Void = patient.results(NFS, 0, &Void);
}

#[test]
fn who_asks_for_nothing_for_long_is_left() {
    let world = world(Limits { idle: Duration::from_millis(100), ..Limits::default() });
    let mut idle = world.client();
    assert!(idle.ended());
    let mut client = world.client();
    let top = client.mounted("/first");
    let file = filled(&mut client, &top, b"f", b"x");
    world.paths.first.fault(|it| it.hold = true);
    client.send(NFS, 6, &READ3args { file, offset: 0, count: 1 });
    world.paths.first.until_held(1);
    assert!(world.client().ended());
    // Longer than it may ask for nothing it waited for this one.
    world.paths.first.fault(|it| it.hold = false);
    client.received();
    assert!(client.ended());
}

#[test]
fn a_call_that_is_too_long_ends_the_connection() {
    let world = World::new();
    let mut client = world.client();
    client.stream.write_all(&(1_u32 << 31 | 64 << 20).to_be_bytes()).unwrap();
    assert!(client.ended());
}

/// Asks for more than all buffers on the way hold, and reads nothing of it.
fn greedy(world: &World) -> Client {
    let mut client = world.client();
    let top = client.mounted("/first");
    let file = filled(&mut client, &top, b"large", &[7; 1 << 20]);
    for _ in 0..60 {
        client.send(NFS, 6, &READ3args { file: file.clone(), offset: 0, count: 1 << 20 });
    }
    client
}

#[test]
fn who_does_not_read_keeps_up_nobody_else() {
    let world = World::new();
    let mut greedy = greedy(&world);
    let mut other = world.client();
    let top = other.mounted("/first");
    for _ in 0..100 {
        attributes(&mut other, &top).unwrap();
    }
    // It gets all of it when it reads after all.
    for _ in 0..60 {
        let bytes = greedy.received();
        assert!(bytes.len() > 1 << 20);
    }
}

#[test]
fn who_does_not_read_for_long_is_left() {
    let answer = Duration::from_millis(100);
    let world = world(Limits { answer, of_one: 1, ..Limits::default() });
    let mut greedy = greedy(&world);
    // Its place is free once it is left.
    until_there_is_a_place(&world);
    let mut answers = 0;
    let mut bytes = vec![0; 1 << 20];
    // What lies in the buffers still comes, and then the end.
    while let Ok(read @ 1..) = greedy.stream.read(&mut bytes) {
        answers += read;
    }
    assert!(answers < 60 << 20, "{answers}");
}

#[test]
fn one_connection_has_so_many_calls_under_way() {
    let world = World::new();
    let mut client = world.client();
    let top = client.mounted("/first");
    let file = filled(&mut client, &top, b"f", b"x");
    world.paths.first.fault(|it| it.hold = true);
    for _ in 0..40 {
        client.send(NFS, 6, &READ3args { file: file.clone(), offset: 0, count: 1 });
    }
    world.paths.first.until_held(16);
    let mut other = world.client();
    attributes(&mut other, &top).unwrap();
    assert_eq!(world.paths.first.held(), 16);
    world.paths.first.fault(|it| it.hold = false);
    for _ in 0..40 {
        client.received();
    }
}

#[test]
fn one_connection_has_so_many_bytes_under_way() {
    let world = World::new();
    let mut client = world.client();
    let top = client.mounted("/first");
    let file = filled(&mut client, &top, b"f", b"x");
    world.paths.first.fault(|it| it.hold = true);
    for _ in 0..10 {
        client.send(NFS, 6, &READ3args { file: file.clone(), offset: 0, count: 1 << 20 });
    }
    world.paths.first.until_held(3);
    attributes(&mut world.client(), &top).unwrap();
    assert_eq!(world.paths.first.held(), 3, "4 MiB hold three of them, with their heads");
    world.paths.first.fault(|it| it.hold = false);
    for _ in 0..10 {
        client.received();
    }
}

#[test]
fn one_call_of_each_connection_is_carried_out_however_little_memory_there_is() {
    let world = world(Limits { memory: 1 << 20, ..Limits::default() });
    let mut client = world.client();
    let top = client.mounted("/first");
    let file = filled(&mut client, &top, b"f", b"x");
    world.paths.first.fault(|it| it.hold = true);
    let mut clients: Vec<Client> = (0..5).map(|_| world.client()).collect();
    for client in &mut clients {
        for _ in 0..3 {
            client.send(NFS, 6, &READ3args { file: file.clone(), offset: 0, count: 1 << 20 });
        }
    }
    world.paths.first.until_held(5);
    attributes(&mut client, &top).unwrap();
    assert_eq!(world.paths.first.held(), 5, "there is no memory for a second one of any");
    world.paths.first.fault(|it| it.hold = false);
    for client in &mut clients {
        for _ in 0..3 {
            client.received();
        }
    }
}

#[test]
fn a_server_that_ends_answers_what_is_under_way() {
    let world = World::new();
    let mut client = world.client();
    let mut idle = world.client();
    let top = client.mounted("/first");
    let file = filled(&mut client, &top, b"f", b"x");
    let memory = world.paths.first.clone();
    memory.fault(|it| it.hold = true);
    let waiting = client.send(NFS, 6, &READ3args { file, offset: 0, count: 1 });
    memory.until_held(1);
    let ending = std::thread::spawn(move || world.end());
    assert!(idle.ended(), "a client that asks for nothing is left at once");
    memory.fault(|it| it.hold = false);
    assert_eq!(reply(&client.received()).0, waiting);
    assert!(client.ended());
    ending.join().unwrap();
}

#[test]
fn a_write_of_a_megabyte_is_the_largest() {
    let world = World::new();
    let mut client = world.client();
    let top = client.mounted("/first");
    let file = filled(&mut client, &top, b"f", b"");
    let written = write(&mut client, &file, 0, &vec![1; 1 << 20]).unwrap();
    assert_eq!(written.count, 1 << 20);
}
