//! Files that are written anew.

use std::fs;
use std::io::Write;
use std::path::Path;

use anyhow::{Context, Result, anyhow, bail};
use tempfile::Builder;

/// Gives a file another text, at once and as a whole, if it still has the text `before`. A link stays one.
///
/// # Errors
///
/// What the operating system says, and another text in the file.
pub fn replace(path: &Path, before: &str, after: &str) -> Result<()> {
    let write = || -> Result<()> {
        let real = path.canonicalize()?;
        if fs::read(&real)? != before.as_bytes() {
            bail!("it was changed in the meantime; help: try again");
        }
        let directory = real
            .parent()
            .ok_or_else(|| anyhow!("it is in no directory"))?;
        let mut file = Builder::new()
            .prefix(".azwi-policy-")
            .tempfile_in(directory)?;
        file.write_all(after.as_bytes())?;
        fs::set_permissions(file.path(), fs::metadata(&real)?.permissions())?;
        file.as_file().sync_all()?;
        file.persist(&real)?;
        Ok(())
    };
    write().with_context(|| format!("cannot write {}", path.display()))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    #[test]
    fn links_and_permissions_stay() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("a.yaml");
        let link = directory.path().join("link.yaml");
        fs::write(&file, "a").unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
        symlink("a.yaml", &link).unwrap();
        replace(&link, "a", "b").unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap(), "b");
        assert!(link.is_symlink());
        let mode = fs::metadata(&file).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o640);
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 2);
    }

    #[test]
    fn what_others_have_written_stays() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("a.yaml");
        fs::write(&file, "c").unwrap();
        let error = replace(&file, "a", "b").unwrap_err();
        assert_eq!(
            format!("{error:#}"),
            format!(
                "cannot write {}: it was changed in the meantime; help: try again",
                file.display()
            )
        );
        assert_eq!(fs::read_to_string(&file).unwrap(), "c");
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
    }
}
