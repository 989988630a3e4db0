//! Plans and suites of people.

use domain::{
    person::Role,
    plan::{PlanDefinition, PlannedSuite, SMOKE},
    suite::{SuiteCommand, SuiteDefinition, SuiteSource},
};

use super::World;

/// A suite of Robot Framework from a repository that nobody asks.
pub(crate) fn suite_definition(description: &str) -> SuiteDefinition {
    SuiteDefinition {
        description: description.to_owned(),
        source: SuiteSource::Git {
            url: "https://git.example/suites.git".to_owned(),
            reference: "v1".to_owned(),
            commit: None,
            key: None,
        },
        folder: String::new(),
        command: SuiteCommand::Robot { suites: vec![".".to_owned()], options: Vec::new() },
        each_entry: false,
        minutes: 10,
        results: String::new(),
    }
}

/// A plan of suites on machines.
pub(crate) fn plan_definition(machines: &[&str], suites: &[(&str, &[&str])]) -> PlanDefinition {
    let planned = |(suite, approved): &(&str, &[&str])| PlannedSuite {
        suite: (*suite).to_owned(),
        revision: 0,
        each_entry: false,
        approved: approved.iter().map(|it| (*it).to_owned()).collect(),
    };
    PlanDefinition {
        description: String::new(),
        entries: Vec::new(),
        machines: machines.iter().map(|it| (*it).to_owned()).collect(),
        suites: suites.iter().map(planned).collect(),
        retries: 0,
    }
}

impl World {
    /// The name of a plan of people that runs the built-in suite.
    pub(crate) async fn plan(&self) -> String {
        let name = format!("plan-{}", self.number());
        let definition = plan_definition(&[SMOKE.machine], &[(SMOKE.name, &["smoke.boot"])]);
        let dave = self.actor(Role::Developer).await;
        self.services.save_plan(&dave, &name, None, definition).await.unwrap();
        name
    }

    /// The name of a suite of people.
    pub(crate) async fn suite(&self) -> String {
        let name = format!("suite-{}", self.number());
        let dave = self.actor(Role::Developer).await;
        let definition = suite_definition("as it was");
        self.services.save_suite(&dave, &name, None, definition).await.unwrap();
        name
    }
}
