//! What is asked of the Docker engine beside running a server: images, volumes, leftovers.

use std::collections::HashMap;
use std::time::Duration;

use futures_util::StreamExt;
use testcontainers_modules::postgres::Postgres;
use testcontainers_modules::testcontainers::ImageExt;
use testcontainers_modules::testcontainers::bollard::Docker;
use testcontainers_modules::testcontainers::bollard::errors::Error as EngineError;
use testcontainers_modules::testcontainers::bollard::models::{
    ContainerSummary, CreateImageInfo, Volume, VolumeCreateRequest,
};
use testcontainers_modules::testcontainers::bollard::query_parameters::{
    CreateImageOptionsBuilder, KillContainerOptionsBuilder, ListContainersOptionsBuilder,
    ListVolumesOptionsBuilder, LogsOptionsBuilder, RemoveContainerOptionsBuilder,
    RemoveVolumeOptions, WaitContainerOptions,
};
use testcontainers_modules::testcontainers::core::client::docker_client_instance;
use testcontainers_modules::testcontainers::runners::AsyncRunner;
use tokio::time::timeout;

use crate::provision::Error;
use crate::provision::error::tail;
use crate::talk::Talk;

const ANSWER_LIMIT: Duration = Duration::from_secs(5);
const PULL_LIMIT: Duration = Duration::from_secs(600);
/// A registry that sends nothing for so long is not going to.
const PULL_SILENCE_LIMIT: Duration = Duration::from_secs(30);

/// Every label of ours starts so; a volume or container without one is none of our business.
pub(super) const LABEL_CACHE: &str = "pgrehearse.host";
pub(super) const LABEL_OWNER: &str = "pgrehearse.owner";

#[derive(Clone, Debug)]
pub(super) struct Engine(Docker);

impl Engine {
    /// The engine that testcontainers would use, if it answers.
    pub(super) async fn connect() -> Result<Engine, Error> {
        let docker = docker_client_instance()
            .await
            .map_err(|e| failed("no engine", e))?;
        match timeout(ANSWER_LIMIT, docker.ping()).await {
            Ok(Ok(_)) => Ok(Engine(docker)),
            Ok(Err(e)) => Err(failed("no engine answers", in_words(&e))),
            Err(_) => Err(failed(
                "no engine answers",
                format!("silent for {} s", ANSWER_LIMIT.as_secs()),
            )),
        }
    }

    pub(super) fn client(&self) -> &Docker {
        &self.0
    }

    pub(super) async fn has_image(&self, image: &str) -> Result<bool, Error> {
        match timeout(ANSWER_LIMIT, self.0.inspect_image(image)).await {
            Ok(Ok(_)) => Ok(true),
            Ok(Err(e)) if status(&e) == Some(404) => Ok(false),
            Ok(Err(e)) => Err(failed(&format!("cannot inspect {image}"), in_words(&e))),
            Err(_) => Err(failed(&format!("cannot inspect {image}"), "no answer")),
        }
    }

    /// Pulls an image, within a limit, and says how far it is.
    pub(super) async fn pull(&self, name: &str, tag: &str, talk: &Talk) -> Result<(), Error> {
        let image = format!("{name}:{tag}");
        let pulled = timeout(PULL_LIMIT, self.pull_as_nobody(name, tag, talk)).await;
        talk.done();
        let reason = match pulled {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(reason)) if needs_login(&reason) => {
                // Only testcontainers knows where Docker keeps its credentials.
                let request = Postgres::default().with_name(name).with_tag(tag);
                match timeout(PULL_LIMIT, request.pull_image()).await {
                    Ok(Ok(_)) => return Ok(()),
                    Ok(Err(e)) => e.to_string(),
                    Err(_) => format!("not finished after {} s", PULL_LIMIT.as_secs()),
                }
            }
            Ok(Err(reason)) => reason,
            Err(_) => format!("not finished after {} s", PULL_LIMIT.as_secs()),
        };
        Err(failed(
            &format!("there is no image {image}, and it cannot be pulled"),
            reason,
        ))
    }

    async fn pull_as_nobody(&self, name: &str, tag: &str, talk: &Talk) -> Result<(), String> {
        let options = CreateImageOptionsBuilder::new()
            .from_image(name)
            .tag(tag)
            .build();
        let what = format!("pulling {name}:{tag}");
        talk.progress(&what, 0, 0, "bytes");
        let mut layers = Layers::default();
        let mut news = std::pin::pin!(self.0.create_image(Some(options), None, None));
        loop {
            match timeout(PULL_SILENCE_LIMIT, news.next()).await {
                Ok(Some(Ok(info))) => {
                    layers.add(info);
                    let (done, total) = layers.sum();
                    talk.progress(&what, done, total, "bytes");
                }
                Ok(Some(Err(e))) => return Err(in_words(&e)),
                Ok(None) => return Ok(()),
                Err(_) => {
                    let seconds = PULL_SILENCE_LIMIT.as_secs();
                    return Err(format!("the registry was silent for {seconds} s"));
                }
            }
        }
    }

    pub(super) async fn create_volume(
        &self,
        name: &str,
        labels: HashMap<String, String>,
    ) -> Result<(), Error> {
        let request = VolumeCreateRequest {
            name: Some(name.to_owned()),
            labels: Some(labels),
            ..VolumeCreateRequest::default()
        };
        match self.0.create_volume(request).await {
            Ok(_) => Ok(()),
            Err(e) => Err(failed(
                &format!("cannot create the volume {name}"),
                in_words(&e),
            )),
        }
    }

    pub(super) async fn volume(&self, name: &str) -> Result<Option<Volume>, Error> {
        match self.0.inspect_volume(name).await {
            Ok(volume) => Ok(Some(volume)),
            Err(e) if status(&e) == Some(404) => Ok(None),
            Err(e) => Err(failed(
                &format!("cannot inspect the volume {name}"),
                in_words(&e),
            )),
        }
    }

    /// Whether it is gone now. It stays as long as any container, running or not, has it.
    pub(super) async fn remove_volume(&self, name: &str) -> Result<bool, Error> {
        match self
            .0
            .remove_volume(name, None::<RemoveVolumeOptions>)
            .await
        {
            Ok(()) => Ok(true),
            Err(e) if status(&e) == Some(404) => Ok(true),
            Err(e) if status(&e) == Some(409) => Ok(false),
            Err(e) => Err(failed(
                &format!("cannot remove the volume {name}"),
                in_words(&e),
            )),
        }
    }

    /// The volumes that have this label: `key` or `key=value`.
    pub(super) async fn volumes(&self, label: &str) -> Result<Vec<Volume>, Error> {
        let options = ListVolumesOptionsBuilder::new()
            .filters(&HashMap::from([("label", vec![label])]))
            .build();
        match self.0.list_volumes(Some(options)).await {
            Ok(found) => Ok(found.volumes.unwrap_or_default()),
            Err(e) => Err(failed("cannot list volumes", in_words(&e))),
        }
    }

    /// The containers that have this label, running or not.
    pub(super) async fn containers(&self, label: &str) -> Result<Vec<ContainerSummary>, Error> {
        let options = ListContainersOptionsBuilder::new()
            .all(true)
            .filters(&HashMap::from([("label", vec![label])]))
            .build();
        self.0
            .list_containers(Some(options))
            .await
            .map_err(|e| failed("cannot list containers", in_words(&e)))
    }

    /// Removes a container and its anonymous volumes; whether there was one.
    pub(super) async fn remove_container(&self, name: &str) -> Result<bool, Error> {
        let options = RemoveContainerOptionsBuilder::new()
            .force(true)
            .v(true)
            .build();
        match self.0.remove_container(name, Some(options)).await {
            Ok(()) => Ok(true),
            // 409: another process is removing it.
            Err(e) if status(&e) == Some(409) => Ok(true),
            Err(e) if status(&e) == Some(404) => Ok(false),
            Err(e) => Err(failed(
                &format!("cannot remove the container {name}"),
                in_words(&e),
            )),
        }
    }

    pub(super) async fn interrupt(&self, container: &str) -> Result<(), Error> {
        let options = KillContainerOptionsBuilder::new().signal("SIGINT").build();
        self.0
            .kill_container(container, Some(options))
            .await
            .map_err(|e| failed("cannot stop the server", in_words(&e)))
    }

    /// Waits for the end of a container; its exit code.
    pub(super) async fn wait(&self, container: &str, limit: Duration) -> Result<i64, Error> {
        let mut end = std::pin::pin!(
            self.0
                .wait_container(container, None::<WaitContainerOptions>)
        );
        match timeout(limit, end.next()).await {
            Ok(Some(Ok(end))) => Ok(end.status_code),
            Ok(Some(Err(EngineError::DockerContainerWaitError { code, .. }))) => Ok(code),
            Ok(Some(Err(e))) => Err(failed("cannot wait for a container", in_words(&e))),
            Ok(None) => Err(failed("cannot wait for a container", "no answer")),
            Err(_) => Err(Error::Stop {
                detail: format!("it still ran after {} s", limit.as_secs()),
            }),
        }
    }

    /// The last lines of what a container has written.
    pub(super) async fn log_tail(&self, container: &str) -> String {
        let options = LogsOptionsBuilder::new()
            .stdout(true)
            .stderr(true)
            .tail("20")
            .build();
        let lines = self.0.logs(container, Some(options));
        let lines: Vec<String> = lines
            .filter_map(|line| async { line.ok().map(|line| line.to_string()) })
            .collect()
            .await;
        tail(&lines.concat())
    }
}

/// How far each layer of an image is.
#[derive(Default)]
struct Layers(HashMap<String, (u64, u64)>);

impl Layers {
    fn add(&mut self, info: CreateImageInfo) {
        let is_download = info.status.as_deref() == Some("Downloading");
        let (Some(layer), Some(progress), true) = (info.id, info.progress_detail, is_download)
        else {
            return;
        };
        let bytes = |n: Option<i64>| u64::try_from(n.unwrap_or(0)).unwrap_or(0);
        let progress = (bytes(progress.current), bytes(progress.total));
        self.0.insert(layer, progress);
    }

    fn sum(&self) -> (u64, u64) {
        self.0
            .values()
            .fold((0, 0), |(a, b), (done, total)| (a + done, b + total))
    }
}

pub(super) fn failed(doing: &str, reason: impl std::fmt::Display) -> Error {
    Error::Docker(format!("{doing}: {reason}"))
}

fn status(error: &EngineError) -> Option<u16> {
    match error {
        EngineError::DockerResponseServerError { status_code, .. } => Some(*status_code),
        _ => None,
    }
}

/// What the engine said, without the wrapping; else the innermost reason.
pub(super) fn in_words(error: &EngineError) -> String {
    match error {
        EngineError::DockerResponseServerError { message, .. } if !message.trim().is_empty() => {
            message.trim().to_owned()
        }
        EngineError::DockerStreamError { error } => error.trim().to_owned(),
        other => {
            let mut innermost: &dyn std::error::Error = other;
            while let Some(source) = innermost.source() {
                innermost = source;
            }
            innermost.to_string()
        }
    }
}

fn needs_login(reason: &str) -> bool {
    ["denied", "unauthorized", "authentication required"]
        .iter()
        .any(|word| reason.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pull_counts_the_bytes_of_all_layers_once() {
        let news = |id: &str, status: &str, current: i64| {
            serde_json::from_value(serde_json::json!({
                "id": id, "status": status,
                "progressDetail": { "current": current, "total": 100 },
            }))
            .unwrap()
        };
        let mut layers = Layers::default();
        layers.add(news("a", "Downloading", 10));
        layers.add(news("a", "Downloading", 30));
        layers.add(news("b", "Downloading", 5));
        layers.add(news("b", "Extracting", 90));
        assert_eq!(layers.sum(), (35, 200));
    }
}
