//! Tokens: what programs sign in with.

use domain::{ids::TokenId, person::Role, token::Token};
use leptos::server;
use serde::{Deserialize, Serialize};

use crate::error::AppError;

/// `/account`
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AccountPage {
    /// The viewer's tokens that are good for something, newest first.
    pub tokens: Vec<Token>,
    /// Those that expired or were revoked, newest first.
    pub dead: Vec<Token>,
    /// Names of the plans.
    pub plans: Vec<String>,
    /// The secret of a token that was made right before; shown once.
    pub secret: Option<String>,
}

/// One's own account.
pub(crate) async fn load_account() -> Result<AccountPage, AppError> {
    crate::compose::tokens::account(&super::asked()?).await
}

/// Makes a token; the page then shows its secret once.
#[server(prefix = "/api/ui")]
pub async fn create_token(
    #[server(default)] name: String,
    role: Role,
    #[server(default)] days: String,
    #[server(default)] plan: String,
    #[server(default)] machine: String,
) -> Result<(), AppError> {
    crate::compose::tokens::create(&super::asked()?, name, role, &days, plan, &machine).await
}

/// Takes a token back.
#[server(prefix = "/api/ui")]
pub async fn revoke_token(id: TokenId) -> Result<(), AppError> {
    crate::compose::tokens::revoke(&super::asked()?, &id).await
}
