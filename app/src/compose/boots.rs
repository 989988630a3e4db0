//! Boots of machines: the list, and one with its stages.

use domain::{
    boot::BootState,
    page::{Cursor, Slice},
};
use services::{ServiceError, boots::BootQuery};

use super::{Asked, invalid};
use crate::{
    api::{
        Around,
        boots::{BootPage, BootsAsked, BootsPage},
    },
    error::AppError,
};

pub(crate) async fn list(
    asked: &Asked,
    narrowing: BootsAsked,
    after: Option<Cursor>,
) -> Result<BootsPage, AppError> {
    let given = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
    let state = given(&narrowing.state).map(|word| word.parse::<BootState>()).transpose();
    let state = state.map_err(|it| invalid("state", &it.to_string()))?;
    let query =
        BootQuery { machine: given(&narrowing.machine), state, release: given(&narrowing.release) };
    let Asked { services, actor } = asked;
    let slice = Slice { after, ..Slice::first() };
    let found = services.boots_page(actor, &query, &slice).await.map_err(|it| asked.refuse(it))?;
    let times = services.boot_times(actor, query.machine.as_deref()).await;
    Ok(BootsPage {
        boots: found.items,
        times: times.map_err(|it| asked.refuse(it))?,
        around: Around::of(&slice, found.next),
        asked: narrowing,
        state,
    })
}

pub(crate) async fn boot(asked: &Asked, number: &str) -> Result<BootPage, AppError> {
    let none = || asked.refuse(ServiceError::NotFound(format!("boot {number}")));
    let number = number.parse().map_err(|_| none())?;
    let found = asked.services.boot(&asked.actor, number).await.map_err(|it| asked.refuse(it))?;
    Ok(BootPage { boot: found.boot, trace: found.trace, events: found.events })
}
