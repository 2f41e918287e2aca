//! What was typed about the server and the number of runs, decided.

use std::path::Path;

use rustix::fs::{Access, access};

use crate::cli;
use crate::input::Problem;
use crate::postgres::version::OLDEST_SUPPORTED;
use crate::provision::{self, Choice, OsCache};
use crate::rehearse::workload::Protocol;
use crate::units;

/// Where Postgres is to come from.
pub(super) fn provision(args: &cli::Server, problems: &mut Vec<Problem>) -> provision::Spec {
    let choice = match args.provider {
        Some(cli::Provider::Docker) => Choice::Docker,
        Some(cli::Provider::Local) => Choice::Local,
        Some(cli::Provider::Url) => Choice::Url,
        None if args.url.is_some() => Choice::Url,
        // Only containers come in several versions.
        Some(cli::Provider::Auto) | None if args.postgres.len() > 1 => Choice::Docker,
        Some(cli::Provider::Auto) | None => Choice::Auto,
    };
    if choice == Choice::Url && args.url.is_none() {
        let problem = Problem::argument("--provider", "url", "no server is named");
        problems.push(problem.hint("give --url or set PGREHEARSE_URL"));
    }
    if let Some(image) = &args.image
        && matches!(choice, Choice::Local | Choice::Url)
    {
        let message = "only the docker provider has an image";
        problems.push(Problem::argument("--image", image, message).hint("add --provider docker"));
    }
    if let Some(bindir) = &args.bindir
        && matches!(choice, Choice::Docker | Choice::Url)
    {
        let message = "only the local provider has a directory of binaries";
        let problem = Problem::argument("--bindir", bindir.display(), message);
        problems.push(problem.hint("add --provider local"));
    }
    provision::Spec {
        choice,
        image: args.image.clone(),
        bindir: args.bindir.clone(),
        url: args.url.clone(),
        os_cache: OsCache::default(),
        port: args.port,
        cache_dir: args
            .cache_dir
            .clone()
            .unwrap_or_else(provision::default_cache_dir),
        cache_bytes_max: args
            .cache_size
            .as_deref()
            .and_then(|size| cache_size(size, problems)),
    }
}

fn cache_size(size: &str, problems: &mut Vec<Problem>) -> Option<u64> {
    let read = units::parse_bytes(size);
    if read.is_none() {
        let problem = Problem::argument("--cache-size", size, "is not a size");
        problems.push(problem.hint("write it as 50GB"));
    }
    read
}

/// How queries are to be sent, if that was typed.
pub(super) fn protocol(args: &cli::Run) -> Option<Protocol> {
    args.protocol.map(|protocol| match protocol {
        cli::Protocol::Prepared => Protocol::Prepared,
        cli::Protocol::Simple => Protocol::Simple,
    })
}

/// What is to be in the system's memory of a clone's files.
pub(super) fn os_cache(args: &cli::Run, choice: Choice, problems: &mut Vec<Problem>) -> OsCache {
    match args.cache {
        cli::Cache::Warm => OsCache::Warm,
        cli::Cache::Cold => {
            if choice == Choice::Url {
                let message = "the memory of a server named by --url is not ours to empty";
                let problem = Problem::argument("--cache", "cold", message);
                problems.push(problem.hint("rehearse with --provider docker or local"));
            }
            OsCache::Cold
        }
    }
}

/// The versions to run on; `None` is whichever the provider has.
pub(super) fn majors(
    args: &cli::Server,
    choice: Choice,
    problems: &mut Vec<Problem>,
) -> Vec<Option<u16>> {
    for (index, major) in args.postgres.iter().enumerate() {
        if *major < OLDEST_SUPPORTED {
            let message = format!("older than {OLDEST_SUPPORTED}, the oldest version supported");
            problems.push(Problem::argument("--postgres", major, message));
        }
        if args.postgres[..index].contains(major) {
            let problem = Problem::argument("--postgres", major, "this version is named twice");
            problems.push(problem.hint("for several runs on it use --runs"));
        }
    }
    if args.postgres.len() > 1 && matches!(choice, Choice::Local | Choice::Url) {
        let typed: Vec<String> = args.postgres.iter().map(u16::to_string).collect();
        let message = "only Docker has several versions of Postgres";
        let problem = Problem::argument("--postgres", typed.join(","), message);
        problems.push(problem.hint("name one, or use --provider docker"));
    }
    match args.postgres.is_empty() {
        true => vec![None],
        false => args.postgres.iter().copied().map(Some).collect(),
    }
}

pub(super) fn runs(args: &cli::Run, problems: &mut Vec<Problem>) -> u32 {
    if args.runs == 0 {
        problems.push(Problem::argument("--runs", 0, "must be at least 1"));
    }
    args.runs
}

/// Checks that reports can be written to `out`, without making it.
pub(super) fn out(out: &Path, problems: &mut Vec<Problem>) {
    // What does not exist yet is made in what does.
    let exists = |path: &&Path| path.as_os_str().is_empty() || path.symlink_metadata().is_ok();
    let nearest = out.ancestors().find(exists).unwrap_or(out);
    let nearest = match nearest.as_os_str().is_empty() {
        true => Path::new("."),
        false => nearest,
    };
    let reason = if !nearest.is_dir() {
        format!(
            "cannot be written to: {} is no directory",
            nearest.display()
        )
    } else if let Err(error) = access(nearest, Access::WRITE_OK) {
        format!("cannot be written to: {}: {error}", nearest.display())
    } else {
        return;
    };
    let problem = Problem::argument("--out", out.display(), reason);
    problems.push(problem.hint("give a directory that you may write to"));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(args: &cli::Server, expected: &[&str]) -> (Choice, Vec<Option<u16>>) {
        let mut problems = Vec::new();
        let spec = provision(args, &mut problems);
        let majors = majors(args, spec.choice, &mut problems);
        let found: Vec<String> = problems.iter().map(Problem::to_string).collect();
        assert_eq!(found, expected);
        (spec.choice, majors)
    }

    #[test]
    fn the_provider_follows_from_what_was_typed() {
        let none = cli::Server::default();
        assert_eq!(check(&none, &[]), (Choice::Auto, vec![None]));
        let url = cli::Server {
            url: Some("postgres://localhost/x".to_owned()),
            ..none.clone()
        };
        assert_eq!(check(&url, &[]).0, Choice::Url);
        let several = cli::Server {
            postgres: vec![15, 17],
            ..none
        };
        assert_eq!(
            check(&several, &[]),
            (Choice::Docker, vec![Some(15), Some(17)])
        );
    }

    #[test]
    fn versions_that_cannot_be_had_are_refused() {
        let old = cli::Server {
            postgres: vec![12],
            ..Default::default()
        };
        check(
            &old,
            &["--postgres = 12: older than 13, the oldest version supported"],
        );
        let several = cli::Server {
            provider: Some(cli::Provider::Local),
            postgres: vec![15, 15],
            ..Default::default()
        };
        check(
            &several,
            &[
                "--postgres = 15: this version is named twice; for several runs on it use --runs",
                "--postgres = 15,15: only Docker has several versions of Postgres; name one, or use --provider docker",
            ],
        );
    }

    #[test]
    fn arguments_of_another_provider_are_refused() {
        let args = cli::Server {
            provider: Some(cli::Provider::Url),
            image: Some("registry.example/postgres".to_owned()),
            bindir: Some("/opt/pg".into()),
            ..Default::default()
        };
        check(
            &args,
            &[
                "--provider = url: no server is named; give --url or set PGREHEARSE_URL",
                "--image = registry.example/postgres: only the docker provider has an image; add --provider docker",
                "--bindir = /opt/pg: only the local provider has a directory of binaries; add --provider local",
            ],
        );
    }

    #[test]
    fn the_memory_of_a_server_that_is_not_ours_stays() {
        let args = cli::Run {
            cache: cli::Cache::Cold,
            ..Default::default()
        };
        let mut problems = Vec::new();
        assert_eq!(os_cache(&args, Choice::Local, &mut problems), OsCache::Cold);
        assert_eq!(problems, []);
        os_cache(&args, Choice::Url, &mut problems);
        assert_eq!(
            problems[0].to_string(),
            "--cache = cold: the memory of a server named by --url is not ours to empty; \
             rehearse with --provider docker or local"
        );
    }

    #[test]
    fn a_directory_that_cannot_be_written_is_found_without_making_it() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("file");
        std::fs::write(&file, "").unwrap();
        let mut problems = Vec::new();
        out(&dir.path().join("new/deeper"), &mut problems);
        assert_eq!(problems, []);
        assert!(!dir.path().join("new").exists());
        out(&file.join("new"), &mut problems);
        assert!(
            problems[0].message.ends_with("is no directory"),
            "{problems:?}"
        );
        out(Path::new("relative-and-new"), &mut problems);
        assert_eq!(problems.len(), 1);
    }
}
