//! Everything that is wrong with a definition, each fault at its place: for forms that mark fields.

use domain::{
    actor::Actor,
    policy::Action,
    variant::{self, Definition, DefinitionFault},
};

use crate::{Services, error::ServiceError};

impl Services {
    /// What is wrong with a definition by itself, and by the kernels that there are.
    ///
    /// # Errors
    /// Where the actor may not read.
    pub async fn variant_faults(
        &self,
        actor: &Actor,
        definition: &Definition,
    ) -> Result<Vec<DefinitionFault>, ServiceError> {
        Action::Read.allowed_to(&actor.who)?;
        let mut faults = variant::faults(definition);
        let known = self.read().await?.kernel_flavors().await?;
        faults.extend(variant::unknown_kernels(definition, &known));
        Ok(faults)
    }
}
