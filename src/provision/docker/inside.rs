//! Programs that run inside a container, and files that are copied into it.

use std::path::Path;

use futures_util::{StreamExt, stream};
use testcontainers_modules::testcontainers::bollard::body_stream;
use testcontainers_modules::testcontainers::bollard::container::LogOutput;
use testcontainers_modules::testcontainers::bollard::exec::{
    CreateExecOptions, StartExecOptions, StartExecResults,
};
use testcontainers_modules::testcontainers::bollard::query_parameters::UploadToContainerOptionsBuilder;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_tar::{Builder, HeaderMode};

use super::engine::{Engine, failed, in_words};
use crate::provision::Error;
use crate::provision::programs::{Ended, Input};

/// In the container's own layer, which goes with it.
const DIR: &str = "/tmp";
const NAME: &str = "pgrehearse-snapshot";
/// What is on its way from the file to the engine at a time.
const PIECE_BYTES: usize = 1 << 18;

/// The inside of a running container.
pub(in crate::provision) struct Inside {
    engine: Engine,
    container: String,
}

impl Inside {
    pub(super) fn of(engine: &Engine, container: &str) -> Inside {
        Inside {
            engine: engine.clone(),
            container: container.to_owned(),
        }
    }

    /// Copies a file or a directory into the container: its path there.
    pub(in crate::provision) async fn bring(&self, path: &Path) -> Result<String, Error> {
        let (there, here) = tokio::io::duplex(PIECE_BYTES);
        let source = path.to_owned();
        let pack = async move {
            let mut tar = Builder::new(there);
            // Owner and mode are those of root then, and readable.
            tar.mode(HeaderMode::Deterministic);
            match source.is_dir() {
                true => tar.append_dir_all(NAME, &source).await?,
                false => {
                    let mut file = tokio::fs::File::open(&source).await?;
                    tar.append_file(NAME, &mut file).await?;
                }
            }
            tar.into_inner().await?.shutdown().await
        };
        let pieces = stream::unfold(here, |mut here| async {
            let mut piece = Vec::with_capacity(PIECE_BYTES);
            match here.read_buf(&mut piece).await {
                Ok(0) | Err(_) => None,
                Ok(_) => Some((piece.into(), here)),
            }
        });
        let options = UploadToContainerOptionsBuilder::new().path(DIR).build();
        let upload = self.engine.client().upload_to_container(
            &self.container,
            Some(options),
            body_stream(pieces),
        );
        let (packed, uploaded) = tokio::join!(pack, upload);
        packed.map_err(|e| Error::io("copy into the container", path, e))?;
        uploaded.map_err(|e| failed("cannot copy into the container", in_words(&e)))?;
        Ok(format!("{DIR}/{NAME}"))
    }

    /// Runs a program to its end.
    pub(in crate::provision) async fn run(
        &self,
        program: &str,
        arguments: &[&str],
        environment: &[(&'static str, String)],
        input: Option<Input>,
    ) -> Result<Ended, Error> {
        let broken = |e| {
            failed(
                &format!("cannot run {program} in the container"),
                in_words(&e),
            )
        };
        let client = self.engine.client();
        let mut command = vec![program.to_owned()];
        command.extend(arguments.iter().map(ToString::to_string));
        let environment = environment
            .iter()
            .map(|(name, value)| format!("{name}={value}"));
        let exec = client
            .create_exec(
                &self.container,
                CreateExecOptions {
                    attach_stdin: Some(input.is_some()),
                    attach_stdout: Some(true),
                    attach_stderr: Some(true),
                    cmd: Some(command),
                    env: Some(environment.collect()),
                    ..Default::default()
                },
            )
            .await
            .map_err(broken)?;
        let started = client.start_exec(&exec.id, None::<StartExecOptions>).await;
        let StartExecResults::Attached {
            mut output,
            input: mut stdin,
        } = started.map_err(broken)?
        else {
            unreachable!("it was not asked to detach")
        };
        let write = async {
            let Some(mut input) = input else { return };
            while let Some(piece) = input.recv().await {
                // A program that has ended says itself why.
                if stdin.write_all(&piece).await.is_err() {
                    return;
                }
            }
            let _ = stdin.flush().await;
            let _ = stdin.shutdown().await;
        };
        let mut ended = Ended {
            success: false,
            output: Vec::new(),
            complaint: Vec::new(),
        };
        let read = async {
            while let Some(said) = output.next().await {
                match said? {
                    LogOutput::StdErr { message } => ended.complaint.extend_from_slice(&message),
                    other => ended.output.extend_from_slice(&other.into_bytes()),
                }
            }
            Ok(())
        };
        // A program that ends early leaves nobody to read the rest.
        tokio::pin!(write, read);
        tokio::select! {
            read = &mut read => read.map_err(broken)?,
            () = &mut write => read.await.map_err(broken)?,
        }
        let state = client.inspect_exec(&exec.id).await.map_err(broken)?;
        ended.success = state.exit_code == Some(0);
        Ok(ended)
    }
}
