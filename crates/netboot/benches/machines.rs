//! What a machine's request costs without the network, and what a change of one machine costs, at 1,000
//! and at 100,000 machines.

#![expect(clippy::unwrap_used, reason = "a measurement that cannot go on fails")]

use std::{hint::black_box, sync::Arc};

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use domain::{
    digest::Digest,
    ids::MachineId,
    machine::{BootTarget, Mac},
    manifest::{BootEntry, BoundKernel, Manifest},
    recipe::RootMethod,
    version::TargetVersion,
};
use netboot::{Base, BookedMachine, Known, MachineBook, Served, SharedMachines, menu_script};

fn mac(number: u32) -> Mac {
    let [a, b, c, d] = number.to_be_bytes();
    Mac([2, 0, a, b, c, d])
}

fn machine(number: u32, target: &Arc<BootTarget>) -> BookedMachine {
    BookedMachine {
        name: format!("machine-{number}"),
        macs: vec![mac(number)],
        uuid: format!("4c4c4544-0000-0000-0000-{number:012x}").parse().ok(),
        serial: Some(format!("SN-{number}")),
        ..BookedMachine::new(MachineId(format!("id-{number}")), target.clone(), None)
    }
}

fn book(count: u32) -> MachineBook {
    let target = Arc::new(BootTarget::Environment("production".to_owned()));
    let mut book = MachineBook::default();
    for number in 0..count {
        book.put(machine(number, &target));
    }
    book
}

fn machines(c: &mut Criterion) {
    let other = Arc::new(BootTarget::Variant("probe".to_owned()));
    for count in [1_000, 100_000] {
        let shared = SharedMachines::default();
        shared.swap(book(count));
        let mut next = (0..count).cycle();
        c.bench_with_input(BenchmarkId::new("look-up by MAC", count), &count, |b, _| {
            b.iter(|| {
                let known = Known { mac: next.next().map(mac), ..Known::default() };
                black_box(shared.book().find(&known).cloned())
            });
        });
        c.bench_with_input(BenchmarkId::new("change of one", count), &count, |b, _| {
            b.iter(|| shared.change(|book| book.put(machine(next.next().unwrap_or(0), &other))));
        });
        let mut group = c.benchmark_group("all anew");
        group.sample_size(10);
        group.bench_with_input(BenchmarkId::from_parameter(count), &count, |b, count| {
            b.iter(|| shared.swap(book(*count)));
        });
        group.finish();
    }
}

fn rendering(c: &mut Criterion) {
    let entry = |number: usize| BootEntry::Linux {
        label: format!("entry-{number}"),
        text: format!("Debian {number}"),
        kernel: "vmlinuz-6.1.y".to_owned(),
        root: RootMethod::Http,
        arguments: "console=ttyS0,115200".to_owned(),
    };
    let manifest = |entries: usize| Manifest {
        schema: 1,
        version: TargetVersion::new(1, 2, 0),
        architecture: "amd64".to_owned(),
        components: Vec::new(),
        images: Vec::new(),
        kernels: vec![BoundKernel {
            alias: "vmlinuz-6.1.y".to_owned(),
            flavor: domain::kernel::Flavor::Linux,
            release: "6.1.0".to_owned(),
            image: "vmlinuz-6.1.0".to_owned(),
            initrd: Some("initrd-6.1.0.img".to_owned()),
            config: None,
        }],
        entries: (0..entries).map(entry).collect(),
        default_entry: "entry-0".to_owned(),
        timeout_ms: 3000,
        lock: None,
    };
    let base = Base::from_host("10.0.0.1:8000").unwrap();
    for entries in [3, 16] {
        let digest = Digest::of("manifest");
        let served = Served { name: "v1.2.0".to_owned(), digest, manifest: manifest(entries) };
        c.bench_with_input(BenchmarkId::new("rendering entries", entries), &served, |b, served| {
            b.iter(|| black_box(menu_script(served, &base)));
        });
    }
}

criterion_group!(benches, machines, rendering);
criterion_main!(benches);
