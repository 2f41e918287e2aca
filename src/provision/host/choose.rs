//! Which provider it becomes, and why.

use std::sync::Arc;

use super::Kind;
use crate::input::Problem;
use crate::provision::docker::Docker;
use crate::provision::local::Local;
use crate::provision::locks::Owner;
use crate::provision::url::Url;
use crate::provision::{Choice, Error, Spec};
use crate::talk::Talk;

pub(super) async fn choose(
    spec: &Spec,
    major: Option<u16>,
    owner: &Arc<Owner>,
    talk: &Talk,
) -> Result<Kind, Error> {
    let choice = match spec.choice {
        Choice::Auto if spec.url.is_some() => Choice::Url,
        Choice::Auto if spec.bindir.is_some() => Choice::Local,
        choice => choice,
    };
    match choice {
        Choice::Docker => {
            let docker = open_docker(spec, major, owner, talk).await;
            docker.map_err(|e| match e {
                Error::Docker(text) => Error::Docker(format!("{text}; or try --provider local")),
                other => other,
            })
        }
        Choice::Local => open_local(spec, major, owner, talk, ""),
        Choice::Url => open_url(spec, major, owner, talk).await,
        Choice::Auto => match open_docker(spec, major, owner, talk).await {
            Err(docker) => {
                let why = format!("; {docker}");
                open_local(spec, major, owner, talk, &why).map_err(|e| match e {
                    Error::NoProvider { tried } => Error::NoProvider {
                        tried: format!("{docker}; {tried}"),
                    },
                    other => other,
                })
            }
            docker => docker,
        },
    }
}

async fn open_docker(
    spec: &Spec,
    major: Option<u16>,
    owner: &Arc<Owner>,
    talk: &Talk,
) -> Result<Kind, Error> {
    let docker = Docker::open(spec, major, owner, talk).await?;
    talk.note(format!(
        "PostgreSQL {} in Docker, from the image {}",
        docker.major(),
        docker.image()
    ));
    Ok(Kind::Docker(docker))
}

fn open_local(
    spec: &Spec,
    major: Option<u16>,
    owner: &Arc<Owner>,
    talk: &Talk,
    why: &str,
) -> Result<Kind, Error> {
    let local = Local::open(spec, major, owner, talk)?;
    talk.note(format!(
        "PostgreSQL {} of this machine, from {}{why}",
        local.major(),
        local.bindir().display()
    ));
    Ok(Kind::Local(local))
}

async fn open_url(
    spec: &Spec,
    major: Option<u16>,
    owner: &Arc<Owner>,
    talk: &Talk,
) -> Result<Kind, Error> {
    let url = Url::open(spec, owner, talk).await?;
    match major {
        Some(major) if major != url.version().major() => {
            let text = format!("the server of --url is PostgreSQL {}", url.version());
            Err(Error::argument(Problem::argument(
                "--postgres",
                major,
                text,
            )))
        }
        _ => {
            talk.note(format!("PostgreSQL {} of --url", url.version()));
            Ok(Kind::Url(Box::new(url)))
        }
    }
}
