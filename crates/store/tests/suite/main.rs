//! The store's behaviour, every case on SQLite and on PostgreSQL.
//!
//! A topic is a file; [`on_both_engines!`] makes each of its cases a test of its own on SQLite and
//! runs all of them, one after the other and each in a fresh database, in one test on a PostgreSQL
//! that lives as long as that test. The machine must have PostgreSQL's server programs: a suite
//! that leaves an engine out would be no suite.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on fails")]

mod assessments;
mod audit;
mod boots;
mod cluster;
mod deployments;
mod history;
mod imports;
mod jobs;
mod kernel_uses;
mod kernels;
mod locks;
mod machines;
mod notes;
mod opening;
mod people;
mod recipes;
mod releases;
mod results;
mod room;
mod runs;
mod schema;
mod sessions;
mod tokens;
mod transactions;
mod uploads;
mod variants;
mod world;

/// Runs each case, an `async fn(World)` of the file, on both engines.
macro_rules! on_both_engines {
    ($($case:ident)*) => {
        mod sqlite {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $case() {
                    super::$case(crate::world::World::sqlite().await).await;
                }
            )*
        }

        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn postgres() {
            let cluster = crate::cluster::Cluster::start();
            $(
                // Seen where the test fails: which of the cases it was.
                eprintln!("on PostgreSQL: {}", stringify!($case));
                $case(crate::world::World::postgres(&cluster, stringify!($case)).await).await;
            )*
        }
    };
}

pub(crate) use on_both_engines;
