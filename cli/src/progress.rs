//! What happens meanwhile, on standard error: live on a terminal, plain lines elsewhere.

use std::io;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use crate::screen::{say, takes_escape_codes};

/// How long there is between two lines that tell how far something has come.
const BETWEEN_COUNTS: Duration = Duration::from_secs(if cfg!(test) { 0 } else { 10 });

/// A report of something that goes on.
pub struct Progress {
    since: Instant,
    counted: std::cell::Cell<Option<Instant>>,
    sink: Sink,
}

enum Sink {
    Live(ProgressBar),
    Plain,
    #[cfg(test)]
    Kept(std::cell::RefCell<Vec<String>>),
}

impl Progress {
    /// Begins to report.
    pub fn start() -> Self {
        let bar = ProgressBar::new_spinner();
        // It hides itself where standard error is no terminal that can be drawn on, but does not heed `NO_COLOR`.
        if bar.is_hidden() || !takes_escape_codes(&io::stderr()) {
            return Self::to(Sink::Plain);
        }
        if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} ({elapsed})") {
            bar.set_style(style);
        }
        bar.enable_steady_tick(Duration::from_millis(120));
        Self::to(Sink::Live(bar))
    }

    fn to(sink: Sink) -> Self {
        Self { since: Instant::now(), counted: std::cell::Cell::default(), sink }
    }

    /// How long it has been going on.
    pub fn elapsed(&self) -> Duration {
        self.since.elapsed()
    }

    /// Something has happened.
    pub fn tell(&self, what: &str) {
        let line = format!("{:>4}s  {what}", self.elapsed().as_secs());
        match &self.sink {
            Sink::Live(bar) => bar.println(line),
            Sink::Plain => say(&line),
            #[cfg(test)]
            Sink::Kept(lines) => lines.borrow_mut().push(what.to_owned()),
        }
    }

    /// What is being waited for now.
    pub fn waiting_for(&self, what: &str) {
        if let Sink::Live(bar) = &self.sink {
            bar.set_message(what.to_owned());
        }
    }

    /// How far it has come. Where nothing is live, that is a line every now and then.
    pub fn count(&self, what: &str) {
        if let Sink::Live(_) = &self.sink {
            return self.waiting_for(what);
        }
        let is_time = self.counted.get().is_none_or(|at| at.elapsed() >= BETWEEN_COUNTS);
        if is_time {
            self.counted.set(Some(Instant::now()));
            self.tell(what);
        }
    }

    /// One that keeps its lines.
    #[cfg(test)]
    pub fn kept() -> Self {
        Self::to(Sink::Kept(std::cell::RefCell::default()))
    }

    /// The lines so far, without times.
    #[cfg(test)]
    pub fn lines(&self) -> Vec<String> {
        match &self.sink {
            Sink::Kept(lines) => lines.borrow().clone(),
            _ => Vec::new(),
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Sink::Live(bar) = &self.sink {
            bar.finish_and_clear();
        }
    }
}
