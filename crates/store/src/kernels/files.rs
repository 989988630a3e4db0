//! Which blobs builds of kernels name.

use domain::{
    digest::Digest,
    ids::KernelId,
    job::JobState,
    kernel::{BuildMode, Definition, KernelFileRole, Record},
};

use crate::{
    Rows, StoreError, WriteTx,
    columns::{count, foreign, json, optional_parsed, parsed, text},
};

/// A build of a kernel that was not removed, whose files are there or are still to come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptKernelBuild {
    /// Of which kernel.
    pub kernel: KernelId,
    /// Name of that kernel.
    pub name: String,
    /// Its number within the kernel.
    pub number: u32,
    /// What it was to come to.
    pub mode: BuildMode,
    /// How its job stands.
    pub state: JobState,
    /// What it is made of: its uploads and the configuration that it starts from.
    pub definition: Definition,
    /// Blob of its configuration, once that is known.
    pub config: Option<Digest>,
    /// The files of its record.
    pub files: Vec<(KernelFileRole, Digest)>,
}

const ROLES: [(KernelFileRole, &str); 4] = [
    (KernelFileRole::Package, "package"),
    (KernelFileRole::Image, "image"),
    (KernelFileRole::Config, "config"),
    (KernelFileRole::SystemMap, "system-map"),
];

fn role_word(role: KernelFileRole) -> &'static str {
    ROLES.iter().find(|(known, _)| *known == role).map_or("", |(_, word)| word)
}

impl Rows {
    /// Every build of a kernel that was not removed, whose files are there or are still to come; by
    /// kernel, newest first.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn kept_kernel_builds(&mut self) -> Result<Vec<KeptKernelBuild>, StoreError> {
        let mut builds = sqlx::query(
            "select kernel_id, kernel_name, number, mode, state, definition, config_digest
             from kernel_build_with_job
             where files_removed_at is null
               and (config_digest is not null or record_digest is not null
                    or state in ('queued', 'running'))
             order by kernel_id, number desc",
        )
        .fetch_all(self.connection())
        .await
        .map_err(StoreError::database("listing what builds of kernels name"))?
        .iter()
        .map(|row| {
            Ok(KeptKernelBuild {
                kernel: KernelId(text(row, "kernel_id")?),
                name: text(row, "kernel_name")?,
                number: count(row, "number")?,
                mode: parsed(row, "mode")?,
                state: parsed(row, "state")?,
                definition: json(row, "definition")?,
                config: optional_parsed(row, "config_digest")?,
                files: Vec::new(),
            })
        })
        .collect::<Result<Vec<_>, StoreError>>()?;
        // In the same order, so that one walk brings both together.
        let files = sqlx::query(
            "select f.kernel_id, f.number, f.role, f.sha256
             from kernel_file f
             join kernel_build b on b.kernel_id = f.kernel_id and b.number = f.number
             join kernel k on k.id = f.kernel_id
             where b.files_removed_at is null and k.deleted_at is null
             order by f.kernel_id, f.number desc, f.name",
        )
        .fetch_all(self.connection())
        .await
        .map_err(StoreError::database("listing files of kernels"))?;
        let mut of_builds = builds.iter_mut();
        let mut build = of_builds.next();
        for row in &files {
            let (kernel, number) = (text(row, "kernel_id")?, count(row, "number")?);
            while build.as_ref().is_some_and(|it| it.kernel.0 != kernel || it.number != number) {
                build = of_builds.next();
            }
            let word = text(row, "role")?;
            let known = ROLES.iter().find(|(_, known)| *known == word);
            let (role, _) = known.ok_or_else(|| foreign("role", &word))?;
            if let Some(build) = &mut build {
                build.files.push((*role, parsed(row, "sha256")?));
            }
        }
        Ok(builds)
    }
}

impl WriteTx {
    /// Keeps the files of a record, each under its name, to find who else has the same bytes.
    pub(super) async fn insert_kernel_files(
        &mut self,
        kernel: &KernelId,
        number: u32,
        record: &Record,
    ) -> Result<(), StoreError> {
        for file in &record.files {
            sqlx::query(
                "insert into kernel_file (kernel_id, number, name, role, sha256)
                 values ($1, $2, $3, $4, $5)",
            )
            .bind(kernel.as_str())
            .bind(i64::from(number))
            .bind(&file.name)
            .bind(role_word(file.role))
            .bind(file.sha256.to_string())
            .execute(self.connection())
            .await
            .map_err(StoreError::database("keeping the files of a kernel"))?;
        }
        Ok(())
    }
}
