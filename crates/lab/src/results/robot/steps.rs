//! The body of a case in JSON: keywords, loops, branches, and the messages between them.

use std::{cell::RefCell, fmt};

use serde::{
    Deserializer,
    de::{DeserializeSeed, IgnoredAny, MapAccess, SeqAccess, Visitor},
};

use super::{json::Reading, log_line, name};
use crate::results::{
    intake::PARTS,
    json::Each,
    text::{block, html_to_text},
};

/// Deeper keywords are not looked into for messages: the parser has 128 levels, suites take 48 of
/// them, and a keyword two.
const DEEPEST: usize = 30;

/// One step of a body.
#[derive(Clone, Copy)]
pub(super) struct StepSeed<'a> {
    reading: &'a RefCell<Reading>,
    depth: usize,
}

/// How a step ended.
#[derive(Default)]
pub(super) struct Step {
    pub(super) status: String,
    pub(super) message: String,
}

impl<'a> StepSeed<'a> {
    /// A step that stands right in a case or a suite.
    pub(super) const fn outermost(reading: &'a RefCell<Reading>) -> Self {
        Self { reading, depth: 0 }
    }
}

impl<'de> DeserializeSeed<'de> for StepSeed<'_> {
    type Value = Step;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Step, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for StepSeed<'_> {
    type Value = Step;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a step")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Step, A::Error> {
        let mut step = Step::default();
        let (mut is_message, mut html) = (false, false);
        let (mut level, mut time) = (String::new(), String::new());
        while let Some(key) = map.next_key::<String>()? {
            match &*key {
                "type" => is_message = words(&mut map)? == "MESSAGE",
                // Bounded at once: what stands around it waits meanwhile.
                "message" => step.message = block(&words(&mut map)?),
                "status" => step.status = name(&words(&mut map)?),
                "level" => level = name(&words(&mut map)?),
                "timestamp" => time = name(&words(&mut map)?),
                "html" => html = map.next_value::<Option<bool>>()?.unwrap_or_default(),
                "body" if self.depth < DEEPEST => {
                    map.next_value_seed(Each(Self { depth: self.depth + 1, ..self }))?;
                }
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        if is_message {
            let text = if html { html_to_text(&step.message) } else { step.message };
            log_line(&time, &level, &text, &mut self.reading.borrow_mut().log);
            return Ok(Step::default());
        }
        Ok(step)
    }
}

fn words<'de, A: MapAccess<'de>>(map: &mut A) -> Result<String, A::Error> {
    Ok(map.next_value::<Option<String>>()?.unwrap_or_default())
}

/// The tags of a case, of which a bounded number is kept.
pub(super) struct TagsSeed;

impl<'de> DeserializeSeed<'de> for TagsSeed {
    type Value = Vec<String>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Vec<String>, D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for TagsSeed {
    type Value = Vec<String>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of tags")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Vec<String>, A::Error> {
        let mut tags = Vec::new();
        while let Some(tag) = items.next_element::<String>()? {
            if tags.len() < PARTS {
                tags.push(name(&tag));
            }
        }
        Ok(tags)
    }
}
