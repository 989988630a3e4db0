//! What is known of a release because it was imported, and its packages.

use domain::{
    ids::{RecipeId, ReleaseId},
    import::{ConsoleLogin, Import},
    packages::HeldPackage,
};
use sqlx::any::AnyRow;

use crate::{
    Rows, StoreError, WriteTx,
    columns::{
        exactly_one, foreign, json, optional_number, optional_parsed, optional_text, text, time,
        to_json,
    },
    locks::{part, part_of},
};

fn package(row: &AnyRow) -> Result<HeldPackage, StoreError> {
    let size = optional_number(row, "size")?
        .map(|size| u64::try_from(size).map_err(|_| foreign("size", &size.to_string())))
        .transpose()?;
    Ok(HeldPackage {
        part: part_of(row)?,
        name: text(row, "name")?,
        version: text(row, "version")?,
        architecture: text(row, "architecture")?,
        size,
        sha256: optional_parsed(row, "sha256")?,
        origin: text(row, "origin")?,
        path: optional_text(row, "path")?,
    })
}

impl Rows {
    /// What is known of a release because it was imported; `None` where it was built here.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn import_of(&mut self, release: &ReleaseId) -> Result<Option<Import>, StoreError> {
        let row = sqlx::query(
            "select release_id, imported_at, login_user, login_password, hostname, unread
             from import where release_id = $1",
        )
        .bind(release.as_str())
        .fetch_optional(self.connection())
        .await
        .map_err(StoreError::database("looking an import up"))?;
        let Some(row) = row else { return Ok(None) };
        Ok(Some(Import {
            release: ReleaseId(text(&row, "release_id")?),
            imported_at: time(&row, "imported_at")?,
            login: ConsoleLogin {
                user: text(&row, "login_user")?,
                password: text(&row, "login_password")?,
            },
            hostname: optional_text(&row, "hostname")?,
            unread: json(&row, "unread")?,
        }))
    }

    /// The packages of an imported release, by part, name and architecture.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn imported_packages(
        &mut self,
        release: &ReleaseId,
    ) -> Result<Vec<HeldPackage>, StoreError> {
        sqlx::query(
            "select part, name, architecture, version, size, sha256, origin, path
             from import_package where release_id = $1
             order by case part when 'rootfs' then 0 when 'kernel' then 1 else 2 end,
                      name, architecture",
        )
        .bind(release.as_str())
        .fetch_all(self.connection())
        .await
        .map_err(StoreError::database("listing an import's packages"))?
        .iter()
        .map(package)
        .collect()
    }
}

impl WriteTx {
    /// Says that a release is imported.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn insert_import(&mut self, import: &Import) -> Result<(), StoreError> {
        sqlx::query(
            "insert into import
                 (release_id, imported_at, login_user, login_password, hostname, unread)
             values ($1, $2, $3, $4, $5, $6)",
        )
        .bind(import.release.as_str())
        .bind(import.imported_at.0)
        .bind(&import.login.user)
        .bind(&import.login.password)
        .bind(&import.hostname)
        .bind(to_json(&import.unread)?)
        .execute(self.connection())
        .await
        .map_err(StoreError::database("adding an import"))?;
        Ok(())
    }

    /// Takes a name for the recipe that an import proposes, before it has a revision; until then no
    /// list shows it.
    ///
    /// # Errors
    /// [`StoreError::is_conflict`] where the name is taken.
    pub async fn reserve_recipe(&mut self, id: &RecipeId, name: &str) -> Result<(), StoreError> {
        sqlx::query("insert into recipe (id, name) values ($1, $2)")
            .bind(id.as_str())
            .bind(name)
            .execute(self.connection())
            .await
            .map_err(StoreError::database("taking a recipe's name"))?;
        Ok(())
    }

    /// Keeps what an import has found in its rootfs.
    ///
    /// # Errors
    /// [`StoreError::Changed`] where the release is not imported.
    pub async fn complete_import(
        &mut self,
        release: &ReleaseId,
        hostname: Option<&str>,
        packages: &[HeldPackage],
    ) -> Result<(), StoreError> {
        let done = sqlx::query("update import set hostname = $1 where release_id = $2")
            .bind(hostname)
            .bind(release.as_str())
            .execute(self.connection())
            .await
            .map_err(StoreError::database("completing an import"))?;
        exactly_one(&done, "import")?;
        for package in packages {
            sqlx::query(
                "insert into import_package
                     (release_id, part, name, architecture, version, size, sha256, origin, path)
                 values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
                 on conflict (release_id, part, name, architecture) do nothing",
            )
            .bind(release.as_str())
            .bind(part(package.part))
            .bind(&package.name)
            .bind(&package.architecture)
            .bind(&package.version)
            .bind(package.size.map(|size| i64::try_from(size).unwrap_or(i64::MAX)))
            .bind(package.sha256.map(|it| it.to_string()))
            .bind(&package.origin)
            .bind(&package.path)
            .execute(self.connection())
            .await
            .map_err(StoreError::database("keeping an import's packages"))?;
        }
        Ok(())
    }
}
