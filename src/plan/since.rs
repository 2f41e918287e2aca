//! Which files of a directory came since a commit, as git tells it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::input::Problem;

/// The files of `dir` that are not in the commit from which `commit` and what is checked out have parted, relative to `dir`:
/// committed since then, or not committed at all. Ignored ones are not among them.
pub fn files(dir: &Path, commit: &str) -> Result<BTreeSet<PathBuf>, Problem> {
    let problem = |message: String| Problem::argument("--since", commit, message);
    let verified = ["rev-parse", "--verify", "--quiet", "--end-of-options"];
    let named = format!("{commit}^{{commit}}");
    git(dir, &[&verified[..], &[&named]].concat()).map_err(|said| {
        let is_outside = said.contains("not a git repository");
        let message = match is_outside || said.starts_with("cannot run") {
            true => said,
            false => "git knows no such commit".to_owned(),
        };
        problem(message).hint("in CI fetch it first, with the whole history: fetch-depth: 0")
    })?;
    let parted = git(dir, &["merge-base", commit, "HEAD"]).map_err(|_| {
        let message = "it has no ancestor in common with what is checked out";
        problem(message.to_owned())
            .hint("a shallow clone lacks it: fetch the whole history, fetch-depth: 0")
    })?;
    let added = [
        "diff",
        "--name-only",
        "--relative",
        "--no-renames",
        "--diff-filter=A",
        "-z",
        parted.trim(),
        "--",
        ".",
    ];
    let new = ["ls-files", "--others", "--exclude-standard", "-z"];
    let mut files = BTreeSet::new();
    for arguments in [&added[..], &new] {
        let listed = git(dir, arguments).map_err(problem)?;
        files.extend(listed.split_terminator('\0').map(PathBuf::from));
    }
    Ok(files)
}

/// What git prints; an error is what it says against it.
fn git(dir: &Path, arguments: &[&str]) -> Result<String, String> {
    let dir = match dir.as_os_str().is_empty() {
        true => Path::new("."),
        false => dir,
    };
    let done = Command::new("git")
        .arg("-C")
        .arg(dir)
        .args(arguments)
        .output()
        .map_err(|error| format!("cannot run git: {error}"))?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim_end().to_owned();
    match done.status.success() {
        true => Ok(text(&done.stdout)),
        false => Err(text(&done.stderr)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(dir: &Path, arguments: &[&str]) {
        let as_somebody = ["-c", "user.name=x", "-c", "user.email=x@x.example"];
        git(dir, &[&as_somebody[..], arguments].concat()).unwrap();
    }

    #[test]
    fn what_a_branch_adds_counts_committed_or_not() {
        let repository = tempfile::tempdir().unwrap();
        let dir = repository.path().join("db/migrations");
        std::fs::create_dir_all(&dir).unwrap();
        let write = |name: &str| std::fs::write(dir.join(name), name).unwrap();
        run(repository.path(), &["init", "-q", "-b", "main"]);
        write("1.sql");
        run(repository.path(), &["add", "."]);
        run(repository.path(), &["commit", "-q", "-m", "one"]);
        run(repository.path(), &["checkout", "-q", "-b", "feature"]);
        write("2.sql");
        run(repository.path(), &["add", "."]);
        run(repository.path(), &["commit", "-q", "-m", "two"]);
        write("3.sql");
        std::fs::write(repository.path().join("elsewhere.sql"), "").unwrap();
        let found: Vec<_> = files(&dir, "main").unwrap().into_iter().collect();
        assert_eq!(found, [PathBuf::from("2.sql"), PathBuf::from("3.sql")]);
        // What main has got since then is not the branch's.
        run(repository.path(), &["checkout", "-q", "main"]);
        write("9.sql");
        run(repository.path(), &["add", "db/migrations/9.sql"]);
        run(repository.path(), &["commit", "-q", "-m", "nine"]);
        run(repository.path(), &["checkout", "-q", "feature"]);
        assert_eq!(files(&dir, "main").unwrap().len(), 2);
    }

    #[test]
    fn a_commit_or_a_repository_that_is_not_there_is_named() {
        let outside = tempfile::tempdir().unwrap();
        let problem = files(outside.path(), "main").unwrap_err().to_string();
        assert!(problem.starts_with("--since = main: "), "{problem}");
        assert!(problem.contains("not a git repository"), "{problem}");
        run(outside.path(), &["init", "-q", "-b", "main"]);
        let problem = files(outside.path(), "--all").unwrap_err().to_string();
        assert!(problem.contains("git knows no such commit"), "{problem}");
    }
}
