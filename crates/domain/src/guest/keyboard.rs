//! Who types to a guest: one person at a time, on however many sockets.
//!
//! The person who started the guest has the keyboard at first, before any page is open. It becomes
//! free when its holder gives it up, or when the last socket of its holder is gone; who comes back
//! after a cut gets it back unless somebody has taken it meanwhile.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{ids::PersonId, policy::Refusal};

/// A person at a guest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Typist {
    /// Which person.
    pub id: PersonId,
    /// The sign-in name.
    pub name: String,
}

/// The one keyboard of a guest, and whose sockets watch.
#[derive(Debug, Clone)]
pub struct Keyboard {
    holder: Option<Typist>,
    /// Whose last socket went while holding it.
    left_by: Option<PersonId>,
    sockets: BTreeMap<PersonId, u32>,
}

impl Keyboard {
    /// The keyboard of a guest that `starter` has just started.
    #[must_use]
    pub const fn of(starter: Typist) -> Self {
        Self { holder: Some(starter), left_by: None, sockets: BTreeMap::new() }
    }

    /// Who has it.
    #[must_use]
    pub const fn holder(&self) -> Option<&Typist> {
        self.holder.as_ref()
    }

    /// How many sockets watch.
    #[must_use]
    pub fn watchers(&self) -> u32 {
        self.sockets.values().sum()
    }

    /// A socket of `who` was opened.
    pub fn joined(&mut self, who: &Typist) {
        *self.sockets.entry(who.id.clone()).or_default() += 1;
        if self.holder.is_none() && self.left_by.as_ref() == Some(&who.id) {
            self.hold(who.clone());
        }
    }

    /// A socket of `who` is gone.
    pub fn left(&mut self, who: &PersonId) {
        if let Some(open) = self.sockets.get_mut(who) {
            *open = open.saturating_sub(1);
            if *open > 0 {
                return;
            }
            self.sockets.remove(who);
        }
        if self.holder.as_ref().is_some_and(|holder| holder.id == *who) {
            self.holder = None;
            self.left_by = Some(who.clone());
        }
    }

    /// Gives the keyboard to `who`; says whether it changed hands.
    ///
    /// # Errors
    /// Where somebody else has it.
    pub fn take(&mut self, who: &Typist) -> Result<bool, Refusal> {
        match &self.holder {
            Some(holder) if holder.id == who.id => Ok(false),
            Some(holder) => Err(Refusal::KeyboardHeld { by: holder.name.clone() }),
            None => {
                self.hold(who.clone());
                Ok(true)
            }
        }
    }

    /// Makes it free.
    ///
    /// # Errors
    /// Where `who` does not have it.
    pub fn give_up(&mut self, who: &PersonId) -> Result<(), Refusal> {
        self.may_type(who)?;
        self.holder = None;
        self.left_by = None;
        Ok(())
    }

    /// Whether what `who` types goes to the guest.
    ///
    /// # Errors
    /// Why not.
    pub fn may_type(&self, who: &PersonId) -> Result<(), Refusal> {
        match &self.holder {
            Some(holder) if holder.id == *who => Ok(()),
            Some(holder) => Err(Refusal::KeyboardHeld { by: holder.name.clone() }),
            None => Err(Refusal::KeyboardFree),
        }
    }

    fn hold(&mut self, who: Typist) {
        self.holder = Some(who);
        self.left_by = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn person(name: &str) -> Typist {
        Typist { id: name.into(), name: name.to_owned() }
    }

    fn holder(keyboard: &Keyboard) -> &str {
        keyboard.holder().map_or("", |holder| &holder.name)
    }

    #[test]
    fn the_starter_types_before_any_page_is_open_and_nobody_else() {
        let (ada, ben) = (person("ada"), person("ben"));
        let mut keyboard = Keyboard::of(ada.clone());
        assert_eq!(keyboard.may_type(&ada.id), Ok(()));
        keyboard.joined(&ben);
        let held = Refusal::KeyboardHeld { by: "ada".to_owned() };
        assert_eq!(keyboard.may_type(&ben.id), Err(held.clone()));
        assert_eq!(keyboard.take(&ben), Err(held.clone()));
        assert_eq!(keyboard.give_up(&ben.id), Err(held));
        keyboard.left(&ben.id);
        assert_eq!(holder(&keyboard), "ada");
    }

    #[test]
    fn it_is_free_once_it_is_given_up() {
        let (ada, ben) = (person("ada"), person("ben"));
        let mut keyboard = Keyboard::of(ada.clone());
        keyboard.joined(&ada);
        assert_eq!(keyboard.give_up(&ada.id), Ok(()));
        assert_eq!(keyboard.may_type(&ada.id), Err(Refusal::KeyboardFree));
        assert_eq!(keyboard.take(&ben), Ok(true));
        assert_eq!(keyboard.take(&ben), Ok(false), "it is theirs already");
        assert_eq!(holder(&keyboard), "ben");
        // Who gave it up gets it back from nobody by coming again.
        keyboard.give_up(&ben.id).unwrap();
        keyboard.joined(&ben);
        assert_eq!(holder(&keyboard), "");
    }

    #[test]
    fn it_is_free_once_the_last_socket_is_gone_and_comes_back_with_its_holder() {
        let (ada, ben) = (person("ada"), person("ben"));
        let mut keyboard = Keyboard::of(ada.clone());
        keyboard.joined(&ada);
        keyboard.joined(&ada);
        keyboard.joined(&ben);
        assert_eq!(keyboard.watchers(), 3);
        keyboard.left(&ada.id);
        assert_eq!(holder(&keyboard), "ada", "another window is open");
        keyboard.left(&ada.id);
        assert_eq!(holder(&keyboard), "");
        keyboard.joined(&ada);
        assert_eq!(holder(&keyboard), "ada", "nobody has taken it meanwhile");
        keyboard.left(&ada.id);
        assert_eq!(keyboard.take(&ben), Ok(true));
        keyboard.joined(&ada);
        assert_eq!(holder(&keyboard), "ben");
    }
}
