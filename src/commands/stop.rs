//! Ctrl-C and SIGTERM: the first asks the rehearsal to end and report, the second ends it at once.

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use super::Exit;
use crate::talk::Talk;

/// Turns true at the first SIGINT, SIGTERM or SIGHUP.
pub(super) type Stop = watch::Receiver<bool>;

/// Listens from now on. A second signal ends the process: what it leaves is cleaned up by the next start.
pub(super) fn listen(talk: &Talk) -> std::io::Result<Stop> {
    let talk = talk.clone();
    let (sender, stop) = watch::channel(false);
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut hang_up = signal(SignalKind::hangup())?;
    tokio::spawn(async move {
        let mut seen = 0;
        loop {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
                _ = hang_up.recv() => {}
            }
            seen += 1;
            if seen > 1 {
                end_at_once();
            }
            talk.note("stopping, to report what was measured; once more to stop without it");
            // Without a receiver nothing is running that could be stopped.
            let _ = sender.send(true);
        }
    });
    Ok(stop)
}

#[expect(clippy::exit, reason = "asked for twice: nothing is waited for")]
fn end_at_once() -> ! {
    std::process::exit(Exit::Unfinished as i32)
}

/// Runs `work` to its end, or until the stop: then it is dropped, and what it started goes with it.
pub(super) async fn unless_stopped<T>(stop: &mut Stop, work: impl Future<Output = T>) -> Option<T> {
    tokio::select! {
        result = work => Some(result),
        () = stopped(stop) => None,
    }
}

async fn stopped(stop: &mut Stop) {
    // The listener lives as long as the runtime; without it nothing can stop the work.
    if stop.wait_for(|stop| *stop).await.is_err() {
        std::future::pending::<()>().await;
    }
}
