//! What a form would do, before anything is saved: its faults, what apt says, what a search finds.

use domain::{actor::Actor, variant::DefinitionFault};
use services::{ServiceError, Services};

use crate::api::variants::{Look, Seen, VariantForm};

/// Finds what is wrong with the form, which it then holds, asks apt where the form wants that, and
/// searches where words to search for stand in it.
pub async fn look(services: &Services, actor: &Actor, form: &mut VariantForm) -> Look {
    Look { seen: seen(services, actor, form).await, found: found(services, actor, form).await }
}

async fn seen(services: &Services, actor: &Actor, form: &mut VariantForm) -> Seen {
    if !form.look {
        return Seen::NotAsked;
    }
    let definition = form.definition();
    let faults = match services.variant_faults(actor, &definition).await {
        Ok(faults) => faults,
        Err(error) => return unavailable(actor, &error),
    };
    // What a save said besides, such as that a name is taken, keeps nobody from a look.
    let faulty = !faults.is_empty();
    for DefinitionFault { place, message } in faults {
        add_fault(form, &form.place(&place), message);
    }
    if faulty {
        return Seen::Faulty;
    }
    // Only the form of one that is there has a revision.
    let name = form.revision.map(|_| form.single.text("name")).filter(|it| !it.is_empty());
    match services.preview_variant(actor, definition, name).await {
        Ok(preview) => Seen::Would(Box::new(preview)),
        Err(ServiceError::Invalid { field, message }) => {
            add_fault(form, field, message);
            Seen::Faulty
        }
        Err(error) => unavailable(actor, &error),
    }
}

/// What a save said already is not said twice.
fn add_fault(form: &mut VariantForm, place: &str, message: String) {
    let fault = (place.to_owned(), message);
    if !form.faults.contains(&fault) {
        form.faults.push(fault);
    }
}

fn unavailable(actor: &Actor, error: &ServiceError) -> Seen {
    Seen::Unavailable(words(actor, error))
}

async fn found(
    services: &Services,
    actor: &Actor,
    form: &VariantForm,
) -> Option<Result<Vec<services::variants::FoundPackage>, String>> {
    let words = form.single.text("search.words");
    if words.is_empty() {
        return None;
    }
    let more = form.suites();
    let base = form.single.text("base");
    let found = services.search_packages(actor, base, more, words).await;
    Some(found.map_err(|error| self::words(actor, &error)))
}

/// Why something cannot be said; a fault of ours is logged.
fn words(actor: &Actor, error: &ServiceError) -> String {
    match error {
        ServiceError::Internal(cause) => {
            tracing::error!(error = %domain::error_chain::chain(&**cause), request = actor.request, "a look at a variant failed");
            format!(
                "this failed on our side; the log of the server says more under {}",
                actor.request
            )
        }
        other => other.to_string(),
    }
}
