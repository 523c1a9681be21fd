//! The log: what the monitor and its plugins have to say, on standard error and to who listens in this process.

use std::fmt::{Debug, Write as _};
use std::io::{self, IsTerminal, Write as _};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use patchbay_machine::text;
use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::{Context, SubscriberExt};

/// What is written if no `--log` says it.
const VARIABLE: &str = "PATCHBAY_LOG";

/// What is told of each message: how important it is, and its text, in one line.
type Listener = Box<dyn Fn(Level, &str) + Send + Sync>;

static LISTENER: OnceLock<Listener> = OnceLock::new();
/// Whether the console has written part of a line to the terminal.
static PART_OF_A_LINE: AtomicBool = AtomicBool::new(false);

/// Why a filter is none.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FilterError {
    #[error("{0:?} is no level: off, error, warn, info, debug and trace are")]
    Level(String),
    #[error("{VARIABLE}: {0}")]
    Variable(Box<FilterError>),
}

/// `LEVEL`, or levels by target, as in `info,plugin=debug`. What it does not mention is logged from warnings on.
pub(crate) fn filter(text: &str) -> Result<Targets, FilterError> {
    let mut filter = Targets::new().with_default(LevelFilter::WARN);
    for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
        let level = |level: &str| level.parse::<LevelFilter>().map_err(|_| FilterError::Level(level.to_owned()));
        filter = match part.split_once('=') {
            Some((target, of_target)) => filter.with_target(target, level(of_target)?),
            None => filter.with_default(level(part)?),
        };
    }
    Ok(filter)
}

/// Begins to write the log, as `--log` or else the environment says.
pub(crate) fn start(given: Option<Targets>) -> Result<(), FilterError> {
    let variable = || std::env::var(VARIABLE).unwrap_or_default();
    let wanted = match given {
        Some(filter) => filter,
        None => filter(&variable()).map_err(|error| FilterError::Variable(Box::new(error)))?,
    };
    // The monitor's own events are where they would be repeated.
    let heard = Targets::new()
        .with_default(LevelFilter::WARN)
        .with_target("plugin", LevelFilter::DEBUG)
        .with_target("control", LevelFilter::OFF);
    let tell = |level, text: &str| LISTENER.get().into_iter().for_each(|listener| listener(level, text));
    let log =
        tracing_subscriber::registry().with(Lines(print).with_filter(wanted)).with(Lines(tell).with_filter(heard));
    // There is no other: this is called once.
    let _ = tracing::subscriber::set_global_default(log);
    Ok(())
}

/// From now on, `listener` is told what plugins log, and all warnings and errors. There can be one.
pub(crate) fn listen(listener: impl Fn(Level, &str) + Send + Sync + 'static) {
    let _the_first_stays = LISTENER.set(Box::new(listener));
}

/// The name of a level: `warn`.
pub(crate) fn name(level: Level) -> String {
    level.as_str().to_ascii_lowercase()
}

fn print(level: Level, text: &str) {
    let mut output = io::stderr().lock();
    let begun = output.is_terminal().then(|| PART_OF_A_LINE.swap(false, Ordering::Relaxed));
    let _nobody_to_tell = output.write_all(line(level, text, begun).as_bytes());
}

/// Says something to who sits at the terminal, in a line of its own, whatever is logged.
pub(crate) fn say(text: &str) {
    let mut output = io::stderr().lock();
    let begun = output.is_terminal().then(|| PART_OF_A_LINE.swap(false, Ordering::Relaxed));
    let _nobody_to_tell =
        output.write_all(framed(&format!("patchbay: {}", text::line(text, text::MESSAGE)), begun).as_bytes());
}

/// A line of the log. A terminal may be in raw mode, and have `begun` a line of the guest: the log's is one of its own.
fn line(level: Level, text: &str, begun: Option<bool>) -> String {
    framed(&format!("patchbay: {}: {text}", name(level)), begun)
}

fn framed(text: &str, begun: Option<bool>) -> String {
    let (before, after) = match begun {
        None => ("", "\n"),
        Some(false) => ("", "\r\n"),
        Some(true) => ("\r\n", "\r\n"),
    };
    format!("{before}{text}{after}")
}

/// Standard output as the guest's console.
pub(crate) struct Screen(pub(crate) io::Stdout);

impl io::Write for Screen {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.0.write(bytes)?;
        if let Some(last) = bytes[..written].last() {
            PART_OF_A_LINE.store(!matches!(last, b'\n' | b'\r'), Ordering::Relaxed);
        }
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// Tells a function of each event.
struct Lines<F>(F);

impl<S: Subscriber, F: Fn(Level, &str) + 'static> Layer<S> for Lines<F> {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut text = Text::default();
        event.record(&mut text);
        let Text { plugin, message, fields } = text;
        let message = message.lines().collect::<Vec<_>>().join(" ");
        let said = text::line(&format!("{plugin}{message}{fields}"), 2 * text::MESSAGE);
        (self.0)(*event.metadata().level(), &said);
    }
}

/// `PLUGIN: MESSAGE FIELD=VALUE`
#[derive(Default)]
struct Text {
    plugin: String,
    message: String,
    fields: String,
}

impl Visit for Text {
    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "plugin" => self.plugin = format!("{value}: "),
            name => write!(self.fields, " {name}={value}").unwrap_or_default(),
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        match field.name() {
            "message" => self.message = format!("{value:?}"),
            name => write!(self.fields, " {name}={value:?}").unwrap_or_default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_whole_on_a_raw_terminal() {
        let warning = |begun| line(Level::WARN, "mine: low", begun);
        assert_eq!(warning(None), "patchbay: warn: mine: low\n");
        assert_eq!(warning(Some(false)), "patchbay: warn: mine: low\r\n");
        assert_eq!(warning(Some(true)), "\r\npatchbay: warn: mine: low\r\n");
    }

    #[test]
    fn a_filter_names_a_level_or_those_of_targets() {
        let enables = |text: &str, target: &str, level| filter(text).unwrap().would_enable(target, &level);
        assert!(enables("", "plugin", Level::WARN) && !enables("", "plugin", Level::INFO));
        assert!(enables("plugin=debug", "plugin", Level::DEBUG));
        assert!(enables("plugin=debug", "control", Level::WARN) && !enables("plugin=debug", "control", Level::INFO));
        assert!(
            enables("info, plugin=off", "control", Level::INFO) && !enables("info,plugin=off", "plugin", Level::ERROR)
        );
        assert_eq!(
            filter("loud").unwrap_err().to_string(),
            "\"loud\" is no level: off, error, warn, info, debug and trace are"
        );
    }
}
